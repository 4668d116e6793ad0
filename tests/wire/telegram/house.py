"""The real platform, room and store, on the server; only the model is a fake."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from bot.chat.room import ChatRoom
from bot.chat.services import Services
from bot.domain import Prompt
from bot.generator.protocol import Job
from bot.platforms.telegram.platform import Telegram
from bot.settings import Settings
from bot.store.database import Database
from tests.fakes import Clock, EchoGenerator, EchoStream
from tests.wire.telegram.server import PATIENCE, BotApi
from tests.wire.telegram.world import Chat


class Stream(EchoStream):
    """A reply whose words come with pauses."""

    def __init__(self, voice: Voice, job: Job) -> None:
        super().__init__(voice, job, 0)
        self._pause = voice.pause

    async def _pieces(self) -> AsyncIterator[str]:
        async for piece in super()._pieces():
            await asyncio.sleep(self._pause)
            yield piece


@dataclass
class Voice(EchoGenerator):
    """Echoes, or says what it is told to; `pause` is the seconds between two words."""

    words: str = ""
    pause: float = 0.0
    prompts: list[Prompt] = field(default_factory=list)

    def write(self, prompt: Prompt) -> str:
        """The reply to a prompt."""
        self.prompts.append(prompt)
        return self.words or super().write(prompt)

    async def submit(self, job: Job) -> EchoStream:
        """See `Generator.submit`."""
        self.jobs.append(job)
        stream = Stream(self, job)
        self.streams.append(stream)
        self.submitted.set()
        return stream


@dataclass
class House:
    """The bot as it runs: it can be stopped and started again on the same store."""

    api: BotApi
    settings: Settings
    database: Database
    voice: Voice = field(default_factory=Voice)
    options: dict[str, Any] = field(default_factory=dict)
    platform: Telegram | None = None
    clock: Clock = field(default_factory=Clock)
    _running: asyncio.Task[None] | None = None

    @property
    def services(self) -> Services:
        """What the room works with."""
        seeds = itertools.count(100)
        return Services(self.database, self.voice, self.settings, self.clock, lambda: next(seeds))

    async def start(self, token: str = "") -> asyncio.Task[None]:
        """Start the bot, and wait until it listens or has given up."""
        polls, hooks = self.api.updates.polls, len(self.api.made("setWebhook"))
        options: dict[str, Any] = {"api_base": self.api.base, "now": self._now} | self.options
        self.platform = Telegram(token or self.api.token, **options)
        room = ChatRoom(self.services, glance_seconds=0.2)
        self._running = asyncio.create_task(self.platform.run(room))
        self._running.add_done_callback(lambda _: self.api.ring())
        running = self._running

        def listens() -> bool:
            new = self.api.updates.polls > polls or len(self.api.made("setWebhook")) > hooks
            return new or running.done()

        await self.api.until(listens, "the bot listens")
        return running

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self.api.world.now(), UTC)

    async def stop(self) -> None:
        """Stop the bot as Ctrl-C does, and wait until it has."""
        running, self._running = self._running, None
        if running is not None:
            running.cancel()
            _, late = await asyncio.wait([running], timeout=PATIENCE)
            assert not late, f"the bot does not end: {_where()}"
            if not running.cancelled() and (error := running.exception()):
                raise error

    async def restart(self) -> None:
        """Stop, and start again as a new process would."""
        await self.stop()
        await self.start()

    async def rows(self, query: str) -> list[tuple[Any, ...]]:
        """What a query finds in the store."""
        async with self.database.read() as conn:
            return [tuple(row) for row in await conn.exec_driver_sql(query)]

    async def votes(self) -> list[tuple[str, str]]:
        """Every vote, correction and flag: by whom, and what."""
        return [
            (str(who), str(kind))
            for who, kind in await self.rows(
                "SELECT m.external_id, f.kind FROM feedback f JOIN members m ON m.id = f.member_id "
                "ORDER BY f.id"
            )
        ]


def _where() -> list[str]:
    """Where all that runs waits."""
    return [str(task.get_stack(limit=3) or task) for task in asyncio.all_tasks()]


def heard(voice: Voice) -> list[str]:
    """What the model was asked last, turn by turn."""
    return [turn.text for turn in voice.prompts[-1].turns]


def actions(chat: Chat) -> list[str]:
    """The chat actions that were shown in a chat."""
    return [action for action, _ in chat.actions]
