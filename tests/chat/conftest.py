"""The chat room on a real database, with a generator that echoes."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bot.chat.room import ChatRoom
from bot.chat.services import Services
from bot.domain import FeedbackKind, Person, Place
from bot.settings import Settings
from bot.store.database import Database
from tests.fakes import Clock, EchoGenerator, Outbox, message, person, place


@dataclass
class House:
    """What a chat test works with."""

    room: ChatRoom
    database: Database
    generator: EchoGenerator
    clock: Clock
    services: Services

    async def say(self, text: str, author: Person | None = None, **options: Any) -> Outbox:
        """Say one thing and wait for all that comes of it."""
        outbox = Outbox()
        await self.room.message(message(text, author, **options), outbox)
        return outbox

    async def rate(self, kind: FeedbackKind, text: str = "", **options: Any) -> str:
        """Judge the last reply."""
        who = options.pop("who", person())
        where: Place = options.pop("where", place())
        exchange = options.pop("exchange", None)
        return await self.room.rating(who, where, exchange, kind, text=text, via="test", **options)

    async def order(self, line: str, who: Person | None = None, where: Place | None = None) -> str:
        """Give a command."""
        return (await self.room.command(who or person(), where or place(), line)).text


@pytest.fixture
async def house(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[House]:
    """A chat room; `@pytest.mark.parametrize("house", [{...}], indirect=True)` sets settings."""
    options = {"persona": "P", "context_tokens": 200, "data_dir": tmp_path} | getattr(
        request, "param", {}
    )
    settings = Settings(_env_file=None, **options)
    database = await Database.open(settings.database)
    clock, generator, seeds = Clock(), EchoGenerator(), itertools.count(100)
    services = Services(database, generator, settings, clock, lambda: next(seeds))
    yield House(ChatRoom(services), database, generator, clock, services)
    await database.close()
