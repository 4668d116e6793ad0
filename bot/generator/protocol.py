"""What the chat asks of a generator, and nothing of how it is done.

No torch here: the chat room, its tests and any other engine (a remote one, a faster one) meet at
these types.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from bot.domain import Finish, Prompt, Sampling, Turn


@dataclass(frozen=True, slots=True)
class Job:
    """One reply to be written.

    `session` names the conversation whose cached keys and values may be reused (a channel); None
    reuses and keeps nothing. `adapter` pins a version; None takes the one that is live when the
    first token is computed. With the same prompt, adapter, sampling and seed the reply is the same,
    whatever else runs beside it.
    """

    prompt: Prompt = field(repr=False)
    sampling: Sampling
    seed: int
    session: str | None = None
    adapter: int | None = None


@dataclass(frozen=True, slots=True)
class Completion:
    """A finished reply and how it came about. Latencies in ms, counted from `submit`."""

    text: str = field(repr=False)
    adapter: int
    finish: Finish
    prompt_tokens: int
    reply_tokens: int
    cached_tokens: int
    latency_ms: int
    first_token_ms: int


class Stream(Protocol):
    """A reply while it is being written: iterate for pieces of text, then ask for the result.

    Leaving the iteration early does not stop the writing; `cancel` does.
    """

    @property
    def ahead(self) -> int:
        """How many jobs were waiting before this one when it was submitted."""

    def __aiter__(self) -> AsyncIterator[str]:
        """Pieces of text; joined, they are the text of the completion."""

    async def completion(self) -> Completion:
        """Wait for the end. Raises what stopped the engine, if something did."""

    def cancel(self) -> None:
        """Stop after the current step; the completion then ends with `Finish.CANCELLED`."""


class Texts(Protocol):
    """What context selection needs to know of the tokenizer."""

    @property
    def window(self) -> int:
        """The most tokens that prompt and reply may have together."""

    def count(self, turn: Turn, *, named: bool) -> int:
        """An upper bound for the tokens that a turn costs."""

    def count_prompt(self, prompt: Prompt) -> int:
        """The exact number of tokens of a rendered prompt."""


class Generator(Texts, Protocol):
    """A base model with any number of adapter versions resident, shared by all channels."""

    @property
    def base_model(self) -> str:
        """The fingerprint of the base model: adapters made for another one are refused."""

    @property
    def live(self) -> int:
        """The adapter version that new jobs get; `BASE` for none."""

    async def submit(self, job: Job) -> Stream:
        """Queue a job. Raises `Busy` when the queue is full."""

    async def load(self, version: int, directory: Path) -> None:
        """Make a version resident beside what runs. Raises `AdapterError`; nothing changes then."""

    async def switch(self, version: int) -> None:
        """Give new jobs this resident version (or `BASE`) from the next step on.

        Jobs that run keep their version; a version that is neither live nor used is freed.
        """

    def resident(self) -> Sequence[int]:
        """The adapter versions in memory now."""

    async def close(self, *, grace_seconds: float = 30.0) -> None:
        """Let running jobs finish for at most `grace_seconds`, then stop the engine."""
