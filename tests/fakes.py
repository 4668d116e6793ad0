"""Real implementations of the house's protocols that need no model and no network."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bot.domain import (
    BASE,
    ChannelKind,
    Finish,
    Message,
    Person,
    Place,
    Prompt,
    Role,
    Turn,
)
from bot.errors import AdapterError, Busy
from bot.generator.protocol import Completion, Job

START = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.time = START

    def __call__(self) -> datetime:
        return self.time

    def pass_(self, **span: float) -> None:
        self.time += timedelta(**span)


class EchoStream:
    """A reply that is there at once, unless the generator is held."""

    def __init__(self, generator: EchoGenerator, job: Job, ahead: int) -> None:
        self._generator, self._job, self.ahead = generator, job, ahead
        self._version = generator.live if job.adapter is None else job.adapter
        self._text = generator.write(job.prompt)
        self.cancelled = False

    def __aiter__(self) -> AsyncIterator[str]:
        return self._pieces()

    async def _pieces(self) -> AsyncIterator[str]:
        words = self._text.split(" ")
        for at, word in enumerate(words):
            await self._generator.go.wait()
            await asyncio.sleep(0)
            if self._generator.fault:
                raise self._generator.fault
            yield word if at == len(words) - 1 else f"{word} "

    async def completion(self) -> Completion:
        finish = Finish.CANCELLED if self.cancelled else Finish.STOP
        return Completion(self._text, self._version, finish, 11, 7, 0, 20, 5)

    def cancel(self) -> None:
        self.cancelled = True


@dataclass
class EchoGenerator:
    """A `Generator` that answers with what it was told last; a token is a character."""

    base_model: str = "fake"
    window: int = 2000
    live: int = BASE
    busy: bool = False
    fault: Exception | None = None
    refuse: set[int] = field(default_factory=set)
    jobs: list[Job] = field(default_factory=list)
    streams: list[EchoStream] = field(default_factory=list)
    loaded: dict[int, Path] = field(default_factory=dict)
    go: asyncio.Event = field(default_factory=asyncio.Event)
    submitted: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.go.set()

    def write(self, prompt: Prompt) -> str:
        return f"You said: {prompt.turns[-1].text}"

    def count(self, turn: Turn, *, named: bool) -> int:
        return len(turn.text) + (len(turn.speaker) + 2 if named else 0)

    def count_prompt(self, prompt: Prompt) -> int:
        return len(prompt.persona) + sum(self.count(t, named=True) for t in prompt.turns)

    async def submit(self, job: Job) -> EchoStream:
        if self.busy:
            raise Busy("Too many replies are waiting; please try again shortly.")
        self.jobs.append(job)
        self.streams.append(EchoStream(self, job, 0))
        self.submitted.set()
        return self.streams[-1]

    async def load(self, version: int, directory: Path) -> None:
        if version in self.refuse:
            raise AdapterError(f"Version {version} is damaged.")
        self.loaded[version] = directory

    async def switch(self, version: int) -> None:
        if version != BASE and version not in self.loaded:
            raise AdapterError(f"Version {version} is not loaded.")
        self.live = version

    def resident(self) -> Sequence[int]:
        return tuple(self.loaded)

    async def close(self, *, grace_seconds: float = 30.0) -> None:
        del grace_seconds


@dataclass
class Outbox:
    """An `Outlet` that keeps everything it was told."""

    shown: list[str] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)
    finished: list[tuple[str, int]] = field(default_factory=list)
    ahead: list[int] = field(default_factory=list)
    thought: int = 0

    async def waiting(self, ahead: int) -> None:
        self.ahead.append(ahead)

    async def show(self, text: str) -> None:
        self.shown.append(text)

    async def thinking(self) -> None:
        self.thought += 1

    async def finish(self, text: str, exchange: int) -> Sequence[str]:
        self.finished.append((text, exchange))
        return [f"reply-{exchange}"]

    async def notice(self, text: str) -> None:
        self.notices.append(text)


def person(name: str = "ana", role: Role = Role.MEMBER, *, is_bot: bool = False) -> Person:
    return Person("terminal", name, name, role, is_bot)


def place(channel: str = "hall", kind: ChannelKind = ChannelKind.DIRECT) -> Place:
    return Place("terminal", "home", channel, kind, channel)


def message(
    text: str,
    author: Person | None = None,
    where: Place | None = None,
    *,
    id: str = "",  # noqa: A002 - the name that platforms use
    addressed: bool = True,
    platform: str = "",
    _count: list[int] = [0],  # noqa: B006 - numbers the messages of a test run
) -> Message:
    _count[0] += 1
    where, author = where or place(), author or person()
    return Message(
        replace(where, platform=platform or where.platform),
        replace(author, platform=platform or author.platform),
        text,
        id or f"m{_count[0]}",
        START,
        addressed=addressed,
    )
