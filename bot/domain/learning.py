"""Learning: adapters, rounds, and what admins ask for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Final


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

    `directory` is its name below DATA_DIR/adapters; `sha256` is over its weights and
    settings; `parent` is the version it was trained from (`BASE` when from the base model);
    `metrics` are the figures of its evaluation.
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


@dataclass(frozen=True, slots=True)
class Schedule:
    """What admins changed about when the learner looks for work; None and "": as the settings say.

    `paused` holds back scheduled rounds; one that an admin asks for runs all the same.
    """

    paused: bool = False
    every: int | None = None
    cron: str = ""
