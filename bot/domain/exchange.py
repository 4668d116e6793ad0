"""Exchanges: how a reply is sampled, and all that it was made from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from bot.domain.talk import Prompt

BASE: Final = 0
"""The adapter version that means: the base model as it came, without any adapter."""


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
    `first_token_ms` to the first. `origin` is "chat", "import" or "simulation". `retry_of` is the
    exchange whose prompt somebody wanted another reply to.
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
    retry_of: int | None = None
