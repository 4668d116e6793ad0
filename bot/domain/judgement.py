"""Judgement: what members and moderators say of a reply."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bot.domain.exchange import Exchange


class FeedbackKind(StrEnum):
    """What a member can say of a reply. RETRACTION takes back the member's own like or dislike."""

    LIKE = "like"
    DISLIKE = "dislike"
    CORRECTION = "correction"
    FLAG = "flag"
    RETRACTION = "retraction"


@dataclass(frozen=True, slots=True)
class Feedback:
    """One thing that a member said of an exchange. Rows are only ever added.

    `via` is what it came through: "terminal", "button", "reaction", "command", "import" ...
    """

    exchange: int
    member: int
    kind: FeedbackKind
    at: datetime
    text: str = ""
    via: str = ""
    id: int = 0


class Ruling(StrEnum):
    """A moderator's decision on an exchange; it outweighs every vote. SKIP leaves it undecided."""

    APPROVE = "approve"
    REJECT = "reject"
    CORRECT = "correct"
    SKIP = "skip"


@dataclass(frozen=True, slots=True)
class Decision:
    """One ruling by one moderator; the latest one on an exchange counts."""

    exchange: int
    moderator: int
    ruling: Ruling
    at: datetime
    text: str = ""
    id: int = 0


@dataclass(frozen=True, slots=True)
class Judged:
    """An exchange with everything said about it: what curation starts from.

    `trust` maps each member row id that appears in `feedback` to 0 (ignored) .. 1 (full trust);
    `consented` tells whether everybody whose words the prompt holds agrees to training.
    """

    exchange: Exchange
    feedback: tuple[Feedback, ...]
    decisions: tuple[Decision, ...]
    trust: Mapping[int, float]
    consented: bool
