"""Settings of the conversation: what is read, how replies are sampled, and on what."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

from bot.domain import Sampling
from bot.settings.words import Words


class TalkSettings(BaseModel):
    """How the bot answers."""

    persona: str = Field(
        "You are Thumbwise, a friendly and helpful member of this chat.",
        description="The system prompt; a channel can have its own.",
    )
    consent: Literal["opt-out", "opt-in"] = Field(
        "opt-out",
        description="Whether replies to a member who has not chosen may be trained on.",
    )
    context_tokens: int = Field(
        1024, ge=64, le=131072, description="Most tokens of conversation in one prompt."
    )
    member_rate: int = Field(
        12, ge=1, le=10000, description="Most replies to one member in a minute."
    )
    channel_rate: int = Field(60, ge=1, le=10000, description="Most replies in a channel a minute.")
    message_chars: int = Field(
        4000, ge=100, le=100000, description="Longest message that is read, in characters."
    )

    attachment_chars: int = Field(
        8000, ge=0, le=100000, description="Most characters read of a text file; 0 reads none."
    )

    temperature: float = Field(0.7, ge=0, le=5, description="Randomness of replies; 0 is greedy.")
    top_p: float = Field(0.9, gt=0, le=1, description="Nucleus of probability sampled from.")
    top_k: int = Field(40, ge=0, le=100000, description="Most likely tokens considered; 0 is all.")
    repetition_penalty: float = Field(
        1.1,
        ge=1,
        le=3,
        description="How much a reply avoids what it said; 1 is not at all.",
    )
    max_new_tokens: int = Field(160, ge=1, le=8192, description="Longest reply, in tokens.")
    stop: Words = Field((), description="Strings that end a reply, separated by commas.")
    banned_words: Words = Field((), description="Words that no reply may contain.")
    seed: int | None = Field(
        None,
        ge=0,
        le=2**63 - 1,
        description="Fixed seed of every reply; empty draws a new one each.",
    )

    threads: int = Field(0, ge=0, le=256, description="CPU threads of the generator; 0 is all.")
    max_batch: int = Field(8, ge=1, le=256, description="Most replies written side by side.")
    max_queue: int = Field(32, ge=0, le=10000, description="Most replies that wait for a place.")
    cache_mb: int = Field(
        512, ge=0, le=1_000_000, description="Memory for conversations kept warm, in MiB."
    )

    @property
    def sampling(self) -> Sampling:
        """The sampling that chat replies use."""
        return Sampling(
            temperature=self.temperature,
            top_p=self.top_p,
            top_k=self.top_k,
            repetition_penalty=self.repetition_penalty,
            max_new_tokens=self.max_new_tokens,
            stop=self.stop,
            banned_words=self.banned_words,
        )
