"""What the house talks about: people, talk, exchanges, judgements and learning.

Frozen values only, standard library only; no row, platform or tensor object appears here. Times are
aware datetimes in UTC. An adapter version is a positive int; `BASE` (0) is the bare base model.
"""

from __future__ import annotations

from bot.domain.exchange import BASE, Exchange, Finish, Sampling
from bot.domain.judgement import Decision, Feedback, FeedbackKind, Judged, Ruling
from bot.domain.learning import (
    Adapter,
    AdapterState,
    Part,
    Progress,
    Request,
    RequestKind,
    Round,
    RoundState,
    Schedule,
)
from bot.domain.people import Consent, Member, Person, Role
from bot.domain.talk import (
    Channel,
    ChannelKind,
    ChannelMode,
    Message,
    Place,
    Prompt,
    Quote,
    Said,
    Turn,
    names_of,
)

__all__ = [
    "BASE",
    "Adapter",
    "AdapterState",
    "Channel",
    "ChannelKind",
    "ChannelMode",
    "Consent",
    "Decision",
    "Exchange",
    "Feedback",
    "FeedbackKind",
    "Finish",
    "Judged",
    "Member",
    "Message",
    "Part",
    "Person",
    "Place",
    "Progress",
    "Prompt",
    "Quote",
    "Request",
    "RequestKind",
    "Role",
    "Round",
    "RoundState",
    "Ruling",
    "Said",
    "Sampling",
    "Schedule",
    "Turn",
    "names_of",
]
