"""Settings of learning: when a round begins, what it learns and how, and what the gate wants."""

from __future__ import annotations

import re
from datetime import time
from typing import Final, Literal, Self

from pydantic import BaseModel, Field, field_validator, model_validator

_QUIET: Final = re.compile(r"^([01]?\d|2[0-3]):([0-5]\d)-([01]?\d|2[0-3]):([0-5]\d)$")


class LearnSettings(BaseModel):
    """How the bot learns."""

    learn: bool = Field(True, description="Whether the learner runs beside the bot.")
    learn_every: int = Field(
        360, ge=1, le=100000, description="Minutes between looks at whether a round is due."
    )
    learn_cron: str = Field(
        "", description="Cron expression (five fields) to look by, instead of LEARN_EVERY."
    )
    learn_quiet_hours: str = Field(
        "", description="Hours without scheduled rounds, local time, such as 18:00-23:30."
    )
    learn_min_verdicts: int = Field(
        20, ge=1, le=1_000_000, description="New verdicts that make a scheduled round due."
    )

    min_examples: int = Field(
        8, ge=2, le=1_000_000, description="Fewest approved replies that a round can learn from."
    )
    refit_limit: int = Field(
        2000,
        ge=0,
        le=10_000_000,
        description="Up to this many approved replies, train from the base model on all of them.",
    )
    replay_share: float = Field(
        0.5,
        ge=0,
        lt=1,
        description="Share of earlier approvals in a round's training set, beyond REFIT_LIMIT.",
    )
    anchor_share: float = Field(
        0.25, ge=0, lt=1, description="Share of anchors (answers of the base model) in training."
    )
    anchor_weight: float = Field(
        1.0, ge=0, le=100, description="How firmly anchors hold the model; 1 is like an example."
    )
    rater_share: float = Field(
        0.5, gt=0, le=1, description="Largest share of a round's new examples from one rater."
    )
    held_out_share: float = Field(
        0.15, gt=0, le=0.5, description="Share of approved replies kept for the evaluation."
    )
    lora_rank: int = Field(16, ge=1, le=512, description="Rank of the adapter.")
    lora_alpha: int = Field(32, ge=1, le=1024, description="Scale of the adapter times its rank.")
    lora_dropout: float = Field(0.05, ge=0, lt=1, description="Dropout before the adapter.")
    learning_rate: float = Field(3e-4, gt=0, le=1, description="Peak learning rate of AdamW.")
    epochs: int = Field(4, ge=1, le=1000, description="Most passes over the training set.")
    batch_examples: int = Field(
        8, ge=1, le=4096, description="Examples that make one optimiser step."
    )
    example_tokens: int = Field(
        512, ge=32, le=131072, description="Longest training example; older turns are cut first."
    )
    training_dtype: Literal["auto", "float32", "bfloat16"] = Field(
        "auto",
        description="What a CPU multiplies in while training; auto is bfloat16 if built for it.",
    )
    learner_threads: int = Field(
        1, ge=1, le=256, description="CPU threads of the learner, which runs beside the chat."
    )
    learn_seed: int = Field(1, ge=0, le=2**31 - 1, description="Seed of splits, order and dropout.")

    gate_min_gain: float = Field(
        0.01, ge=-1, le=1, description="Fall of held-out loss that a new adapter must show (share)."
    )
    gate_max_forgetting: float = Field(
        0.05, ge=0, le=10, description="Largest rise of loss on older approvals (share)."
    )
    gate_max_drift: float = Field(
        0.05, ge=0, le=10, description="Largest rise of loss on anchors against the base (share)."
    )
    gate_min_ending: float = Field(
        0.7, ge=0, le=1, description="Least share of sample replies that end by themselves."
    )
    gate_max_repeating: float = Field(
        0.2, ge=0, le=1, description="Largest share of sample replies that repeat themselves."
    )

    gate_max_empty: float = Field(
        0.1, ge=0, le=1, description="Largest share of sample replies that are empty."
    )

    @field_validator("learn_quiet_hours")
    @classmethod
    def _quiet(cls, value: str) -> str:
        if value and not _QUIET.match(value):
            raise ValueError("takes two times of day, such as 18:00-23:30")
        return value

    @field_validator("learn_cron")
    @classmethod
    def _cron(cls, value: str) -> str:
        if value:
            from apscheduler.triggers.cron import CronTrigger

            try:
                CronTrigger.from_crontab(value)
            except ValueError as error:
                raise ValueError(
                    "takes a cron expression of five fields, such as 0 3 * * mon-fri"
                ) from error
        return value

    @model_validator(mode="after")
    def _shares(self) -> Self:
        if self.replay_share + self.anchor_share >= 1:
            raise ValueError(
                "REPLAY_SHARE and ANCHOR_SHARE together must stay below 1, to leave room for "
                "new examples"
            )
        return self

    @property
    def quiet_hours(self) -> tuple[time, time] | None:
        """Start and end of the quiet hours in local time, or None."""
        found = _QUIET.match(self.learn_quiet_hours)
        if not found:
            return None
        h1, m1, h2, m2 = map(int, found.groups())
        return time(h1, m1), time(h2, m2)
