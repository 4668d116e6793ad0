"""The real platform, chat room and store in this process, on the local Discord."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from simcord.backend.models import Channel
from sqlalchemy import text

from bot.app import utc_now
from bot.chat.room import ChatRoom
from bot.chat.services import Services
from bot.domain import Prompt
from bot.platforms.discord.platform import Discord
from bot.settings import Settings
from bot.store.database import Database
from tests.fakes import EchoGenerator
from tests.wire.discord.calls import SEND, Bell
from tests.wire.discord.members import Member
from tests.wire.discord.server import TOKEN, DiscordServer


class Tap(asyncio.Event):
    """Lets words through freely while it is set; cleared, one for each drop."""

    def __init__(self) -> None:
        super().__init__()
        self._drops = asyncio.Semaphore(0)

    def drip(self) -> None:
        """Let one more word through."""
        self._drops.release()

    def flow(self) -> None:
        """Let all further words through, also for whoever waits for a drop."""
        self.set()
        for _ in range(10_000):
            self._drops.release()

    async def wait(self) -> Literal[True]:
        """What the generator waits for before each word."""
        if not self.is_set():
            await self._drops.acquire()
        return True


class Writer(EchoGenerator):
    """Replies with `reply`, or with what it heard last if that is empty."""

    reply = ""

    def write(self, prompt: Prompt) -> str:
        """The whole reply to a prompt."""
        return self.reply or super().write(prompt)


class Watched(ChatRoom):
    """The real room, which tells the bell what it has done that nobody is answered."""

    def __init__(self, services: Services, bell: Bell) -> None:
        super().__init__(services)
        self._bell = bell
        self.done: list[str] = []

    async def message(self, *args: Any) -> None:
        """See `Room.message`."""
        await super().message(*args)
        self._tell("message")

    async def exchange_of(self, *args: Any, **options: Any) -> int | None:
        """See `Room.exchange_of`."""
        self._tell("exchange_of")
        return await super().exchange_of(*args, **options)

    async def rating(self, *args: Any, **options: Any) -> str:
        """See `Room.rating`."""
        thanks = await super().rating(*args, **options)
        self._tell("rating")
        return thanks

    async def edited(self, *args: Any) -> None:
        """See `Room.edited`."""
        await super().edited(*args)
        self._tell("edited")

    async def deleted(self, *args: Any) -> None:
        """See `Room.deleted`."""
        await super().deleted(*args)
        self._tell("deleted")

    def _tell(self, act: str) -> None:
        self.done.append(act)
        self._bell.ring()


@dataclass(frozen=True)
class House:
    """What a test works with. `serving` is the platform at work."""

    server: DiscordServer
    room: Watched
    generator: Writer
    tap: Tap
    database: Database
    serving: asyncio.Task[None]

    async def rows(self, query: str) -> list[tuple[Any, ...]]:
        """What a query finds in the store."""
        async with self.database.read() as conn:
            return [tuple(row) for row in await conn.execute(text(query))]

    async def until(self, act: str, count: int = 1) -> None:
        """Wait until the room has done something (message, rating, ...) so many times."""
        await self.server.bell.until(lambda: self.room.done.count(act) >= count, act)

    async def begin(self, member: Member, channel: Channel) -> None:
        """Let a member ask something, and the reply begin; it goes on when the tap flows."""
        self.tap.clear()
        member.say(channel, "hello there", mention=True)
        self.tap.drip()
        await self.server.bell.until(lambda: self.server.log.find(*SEND), "the first words")

    async def end(self) -> None:
        """Tell the platform to end, and wait until it has."""
        if not self.serving.cancelling():  # a second time would cut short how it ends
            self.serving.cancel()
        await asyncio.wait([self.serving])


@asynccontextmanager
async def opened(
    server: DiscordServer, path: Path, *, token: str = TOKEN, shards: int = 1
) -> AsyncIterator[House]:
    """The house, once its shards (0: nobody waits for any) are connected; it lives in `path`."""
    settings = Settings(_env_file=None, data_dir=path, persona="P", member_rate=100)
    database = await Database.open(settings.database)
    tap = Tap()
    generator, seeds = Writer(go=tap), itertools.count(100)
    services = Services(database, generator, settings, utc_now, lambda: next(seeds))
    platform = Discord(token, api_base=server.api_base, gateway=server.gateway_url, shards=shards)
    room = Watched(services, server.bell)
    serving = asyncio.create_task(platform.run(room))
    house = House(server, room, generator, tap, database, serving)
    try:
        for shard in range(shards):
            await server.gateway.until_live(shard)
        yield house
    finally:
        tap.flow()
        await house.end()
        await database.close()
