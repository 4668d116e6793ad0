"""What the house talks about: people, turns, exchanges, verdicts, rounds and adapters.

Frozen values only, standard library only; no row, platform or tensor object appears here. Times are
aware datetimes in UTC. An adapter version is a positive int; `BASE` (0) is the bare base model.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

BASE: Final = 0
"""The adapter version that means: the base model as it came, without any adapter."""


class Role(StrEnum):
    """What a member may do. The order of declaration is the order of power."""

    MEMBER = "member"
    MODERATOR = "moderator"
    ADMIN = "admin"

    def may_act_as(self, needed: Role) -> bool:
        """Whether this role includes the rights of `needed`."""
        order = list(Role)
        return order.index(self) >= order.index(needed)


class ChannelKind(StrEnum):
    """Whether a channel is one person's talk with the bot, or a room with many people."""

    DIRECT = "direct"
    GROUP = "group"


class ChannelMode(StrEnum):
    """When the bot answers in a channel: at every message, when addressed, or never."""

    ON = "on"
    MENTION = "mention-only"
    OFF = "off"


@dataclass(frozen=True, slots=True)
class Consent:
    """What a member allows. Each step includes none of the others.

    `answered`: the bot may reply to them. `remembered`: their words may be stored and used as
    context. `trained`: replies to them may become training examples; None means that they have not
    chosen, and the CONSENT setting decides.
    """

    answered: bool = True
    remembered: bool = True
    trained: bool | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Where something was said, in a platform's own ids."""

    platform: str
    community: str
    channel: str
    kind: ChannelKind = ChannelKind.GROUP
    name: str = ""


@dataclass(frozen=True, slots=True)
class Person:
    """Who said it, in a platform's own ids; `role` is what the platform or the settings grant."""

    platform: str
    id: str
    name: str
    role: Role = Role.MEMBER
    is_bot: bool = False

    @property
    def key(self) -> str:
        """`platform:id`, as ADMINS and MODERATORS in the settings name people."""
        return f"{self.platform}:{self.id}"


@dataclass(frozen=True, slots=True)
class Member:
    """A person whom the store knows. `trust` weighs their votes: 0 ignores them, 1 is full."""

    id: int
    platform: str
    external_id: str
    name: str
    role: Role
    consent: Consent
    trust: float = 1.0


@dataclass(frozen=True, slots=True)
class Channel:
    """A conversation that the store knows. An empty `persona` means the one of the settings."""

    id: int
    place: Place
    persona: str = ""
    mode: ChannelMode = ChannelMode.MENTION


@dataclass(frozen=True, slots=True)
class Said:
    """One message of a channel's history; `position` counts the channel's messages from 1."""

    position: int
    turn: Turn


@dataclass(frozen=True, slots=True)
class Message:
    """One message as it came through a platform's door.

    `addressed` tells whether it speaks to the bot (a mention, a reply to it, a direct chat).
    `external_id` is the platform's id of the message; seeing it twice in a channel is one message.
    """

    place: Place
    author: Person
    text: str
    external_id: str
    at: datetime
    addressed: bool = True
    reply_to: str | None = None


@dataclass(frozen=True, slots=True)
class Turn:
    """One message of a conversation as the model reads it.

    `role` is "user" or "assistant". `speaker` is the display name of a user; `member` is the
    member's row id, kept so that a forgotten member's words can be found and removed.
    """

    role: str
    text: str
    speaker: str = ""
    member: int | None = None


@dataclass(frozen=True, slots=True)
class Prompt:
    """All that a reply was made from: the persona and the turns, oldest first."""

    persona: str
    turns: tuple[Turn, ...]

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready form; `from_json` reads it back unchanged."""
        return {
            "persona": self.persona,
            "turns": [
                {"role": t.role, "text": t.text, "speaker": t.speaker, "member": t.member}
                for t in self.turns
            ],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Prompt:
        """Read what `to_json` wrote."""
        return cls(data["persona"], tuple(Turn(**turn) for turn in data["turns"]))


@dataclass(frozen=True, slots=True)
class Sampling:
    """How the next token is chosen. `temperature` 0 is greedy; `top_k` 0 and `top_p` 1 are off."""

    temperature: float = 0.7
    top_p: float = 0.9
    top_k: int = 40
    repetition_penalty: float = 1.1
    max_new_tokens: int = 160
    stop: tuple[str, ...] = ()
    banned_words: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready form; `from_json` reads it back unchanged."""
        return {
            "temperature": self.temperature,
            "top_p": self.top_p,
            "top_k": self.top_k,
            "repetition_penalty": self.repetition_penalty,
            "max_new_tokens": self.max_new_tokens,
            "stop": list(self.stop),
            "banned_words": list(self.banned_words),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Sampling:
        """Read what `to_json` wrote."""
        words = {key: tuple(data[key]) for key in ("stop", "banned_words")}
        return cls(**{**data, **words})


class Finish(StrEnum):
    """Why a reply ended. Imported replies were not generated here."""

    STOP = "stop"
    LENGTH = "length"
    CANCELLED = "cancelled"
    IMPORTED = "imported"


@dataclass(frozen=True, slots=True)
class Exchange:
    """A prompt and the reply given to it, with all that is needed to make the reply again.

    `asker` is the member's row id. `latency_ms` runs from the request to the last token,
    `first_token_ms` to the first. `origin` is "chat", "import" or "simulation".
    """

    id: int
    channel: int
    asker: int | None
    prompt: Prompt
    reply: str
    adapter: int
    base_model: str
    sampling: Sampling
    seed: int
    finish: Finish
    created_at: datetime
    prompt_tokens: int = 0
    reply_tokens: int = 0
    latency_ms: int = 0
    first_token_ms: int = 0
    origin: str = "chat"


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


class AdapterState(StrEnum):
    """Where an adapter version stands. At most one is LIVE for a base model."""

    CANDIDATE = "candidate"
    LIVE = "live"
    RETIRED = "retired"
    REJECTED = "rejected"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Adapter:
    """A published adapter version.

    `directory` is its name below DATA_DIR/adapters; `sha256` is of its weights file; `parent` is
    the version it was trained from (`BASE` when from the base model); `metrics` are the figures of
    its evaluation.
    """

    version: int
    base_model: str
    parent: int
    state: AdapterState
    directory: str
    sha256: str
    metrics: Mapping[str, Any]
    created_at: datetime
    round: int | None = None
    reason: str = ""


class RoundState(StrEnum):
    """The steps of a round, then its possible ends."""

    QUEUED = "queued"
    CURATING = "curating"
    TRAINING = "training"
    EVALUATING = "evaluating"
    PROMOTED = "promoted"
    REJECTED = "rejected"
    SKIPPED = "skipped"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def ended(self) -> bool:
        """Whether a round in this state is over."""
        return self in _ENDS


_ENDS: Final = frozenset(
    {
        RoundState.PROMOTED,
        RoundState.REJECTED,
        RoundState.SKIPPED,
        RoundState.FAILED,
        RoundState.CANCELLED,
    }
)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a running round is. `seconds_left` is an estimate; 0 means not known yet."""

    step: int = 0
    steps: int = 0
    loss: float | None = None
    tokens_per_second: float = 0.0
    seconds_left: float = 0.0
    note: str = ""


@dataclass(frozen=True, slots=True)
class Round:
    """One pass of learning. `reason` says in words how it ended; `report` holds its figures."""

    id: int
    state: RoundState
    trigger: str
    seed: int
    created_at: datetime
    base_model: str
    requested_by: int | None = None
    progress: Progress = field(default_factory=Progress)
    report: Mapping[str, Any] = field(default_factory=dict)
    reason: str = ""
    adapter: int | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None


class Part(StrEnum):
    """The part that an exchange played in a round."""

    NEW = "new"
    REPLAY = "replay"
    HELD_OUT = "held-out"


class RequestKind(StrEnum):
    """What an admin can ask of the learner."""

    TRAIN = "train"
    CANCEL = "cancel"


@dataclass(frozen=True, slots=True)
class Request:
    """An admin's wish to the learner, kept until it is answered."""

    id: int
    kind: RequestKind
    member: int | None
    created_at: datetime


def names_of(turns: Sequence[Turn]) -> tuple[str, ...]:
    """The distinct speakers among the user turns, in order of appearance."""
    return tuple(dict.fromkeys(t.speaker for t in turns if t.role == "user" and t.speaker))
