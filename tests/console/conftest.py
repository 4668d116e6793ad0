"""The console as it runs: a real server on a free port, a real store, a generator that echoes.

NiceGUI knows one site and one event loop a process, so all tests of this folder share them.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import os
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import pytest_asyncio
from sqlalchemy import func, select

from bot.chat.room import ChatRoom
from bot.chat.services import Services
from bot.console import Console
from bot.console.talk import OWNER, PLACE
from bot.domain import Exchange, Feedback, FeedbackKind, Prompt
from bot.settings import Settings
from bot.store import exchanges, feedback, members, tables
from bot.store.database import Database
from tests.fakes import START, EchoGenerator, Outbox, message, person

KEY = "a-key-for-tests"
CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


class Ticking:
    """A clock that goes on by ten seconds whenever somebody looks at it."""

    def __init__(self) -> None:
        self.time = START

    def __call__(self) -> datetime:
        self.time += timedelta(seconds=10)
        return self.time


@dataclass
class Talker(EchoGenerator):
    """Says what it was told to say, or else echoes."""

    told: str = ""

    def write(self, prompt: Prompt) -> str:
        return self.told or super().write(prompt)


@dataclass
class House:
    """What a console test works with."""

    console: Console
    room: ChatRoom
    database: Database
    generator: Talker
    clock: Ticking
    url: str

    @property
    def link(self) -> str:
        """The address with the key."""
        return f"{self.url}?key={KEY}"

    async def last(self) -> Exchange:
        """The newest exchange of all."""
        async with self.database.read() as conn:
            newest = select(func.max(tables.exchanges.c.id))
            return await exchanges.get(conn, (await conn.execute(newest)).scalar_one())

    async def said_of(self, exchange: int) -> Sequence[Feedback]:
        """All that was said of an exchange."""
        async with self.database.read() as conn:
            return await feedback.events(conn, exchange)

    async def answered(self, question: str, reply: str = "", *, by: str = "ana") -> Exchange:
        """A reply in another place than the console's channel."""
        self.generator.told = reply
        await self.room.message(message(question, person(by)), Outbox())
        self.generator.told = ""
        return await self.last()

    async def rated(self, exchange: int, by: str, kind: FeedbackKind, text: str = "") -> int:
        """Somebody judges an exchange; their row id."""
        async with self.database.write() as tx:
            member = await members.meet(tx, person(by), self.clock())
            await feedback.add(
                tx, Feedback(exchange, member.id, kind, self.clock(), text, via="test")
            )
            return member.id


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def served(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    """The console, listening."""
    directory = tmp_path_factory.mktemp("console")
    settings = Settings(_env_file=None, persona="P", data_dir=directory, member_rate=10000)
    database = await Database.open(settings.database)
    clock, generator, seeds = Ticking(), Talker(), itertools.count(100)
    room = ChatRoom(
        Services(database, generator, settings, clock, lambda: next(seeds)), glance_seconds=0.05
    )
    told: asyncio.Queue[str] = asyncio.Queue()
    console = Console(
        "127.0.0.1:0",
        KEY,
        chosen=False,
        database=database,
        serving=lambda: generator.live,
        now=clock,
        tell=told.put_nowait,
        queue=lambda: 3,
    )
    running = asyncio.create_task(console.run(room))
    heard = asyncio.create_task(told.get())
    await asyncio.wait([running, heard], return_when=asyncio.FIRST_COMPLETED)
    if running.done():
        running.result()
    url = heard.result().partition(": ")[2].partition("?")[0]
    yield House(console, room, database, generator, clock, url)
    running.cancel()
    await asyncio.wait([running])
    await database.close()


@pytest_asyncio.fixture(loop_scope="session")
async def house(served: House) -> AsyncIterator[House]:
    """The console, with an empty channel and a generator that answers."""
    await served.room.command(OWNER, PLACE, "/reset")
    yield served
    served.generator.told = ""
    served.generator.go.set()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Any]:
    """Chromium."""
    if not Path(CHROMIUM).exists():
        pytest.skip(f"there is no browser at {CHROMIUM}")
    from playwright.async_api import async_playwright

    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        await browser.close()


@dataclass
class Seen:
    """What went wrong in the browser or on the server while a page was open."""

    problems: list[str] = field(default_factory=list)

    def request(self, request: Any) -> None:
        parts = urlsplit(request.url)
        if parts.scheme in ("http", "https", "ws", "wss") and parts.hostname != "127.0.0.1":
            self.problems.append(f"asked {request.url}")

    def console(self, message: Any) -> None:
        if message.type == "error":
            self.problems.append(f"console: {message.text}")


class _Errors(logging.Handler):
    def __init__(self, seen: Seen) -> None:
        super().__init__(logging.WARNING)
        self._seen = seen

    def emit(self, record: logging.LogRecord) -> None:
        self._seen.problems.append(f"server: {self.format(record)}")


@pytest_asyncio.fixture(loop_scope="session")
async def page(browser: Any, house: House, request: pytest.FixtureRequest) -> AsyncIterator[Any]:
    """A browser tab in the console's chat. Nothing may fail in it, or leave this machine.

    `@pytest.mark.parametrize("page", [{...}], indirect=True)` sets the browser's options.
    """
    seen = Seen()
    errors = _Errors(seen)
    logging.getLogger("nicegui").addHandler(errors)
    context = await browser.new_context(**getattr(request, "param", {}))
    context.set_default_timeout(20_000)
    page = await context.new_page()
    page.on("request", seen.request)
    page.on("websocket", lambda socket: seen.request(socket))
    page.on("console", seen.console)
    page.on("pageerror", lambda error: seen.problems.append(f"page: {error}"))
    await page.goto(house.link)
    await page.wait_for_url(house.url)
    await page.wait_for_selector("textarea")
    yield page
    await context.close()
    logging.getLogger("nicegui").removeHandler(errors)
    assert seen.problems == []
