"""The composition root: opens everything, wires it, and closes it in reverse."""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import structlog

from bot import supervise
from bot.chat.room import ChatRoom
from bot.chat.services import Services
from bot.errors import StoreError
from bot.generator import swap
from bot.generator.protocol import Generator
from bot.settings import Settings
from bot.store import presence
from bot.store.database import Database

log = structlog.get_logger()

_SHOW_SECONDS = 5.0
_BUSY = timedelta(seconds=15)


@dataclass(frozen=True)
class App:
    """The running house."""

    room: ChatRoom
    services: Services


def utc_now() -> datetime:
    """The time, aware, in UTC."""
    return datetime.now(UTC)


@asynccontextmanager
async def opened(
    settings: Settings,
    *,
    learner: bool,
    learner_log: Path | None = None,
    shown: bool = True,
    tell: Callable[[str], None] = lambda _: None,
) -> AsyncIterator[App]:
    """Open the store and the generator, follow the live adapter, and keep the learner running.

    Only one bot may be `shown` to the learner and to `thumbwise status`. `tell` hears in a few
    words what takes long. On the way out running replies are finished.
    """
    async with AsyncExitStack() as stack:
        database = await Database.open(settings.database)
        stack.push_async_callback(database.close)
        tell("Loading the model ...")
        busy = _Busy()
        generator = await _generator(settings, busy.set)
        stack.push_async_callback(generator.close)
        await swap.reconcile(database, generator, settings.adapters_dir, utc_now)
        tasks = [swap.follow(database, generator, settings.adapters_dir, utc_now)]
        if shown:
            tasks.append(_show_presence(database, generator, busy))
        if learner:
            tasks.append(supervise.keep_learning(learner_log))
        for coroutine in tasks:
            task = asyncio.create_task(coroutine)
            task.add_done_callback(report)
            stack.push_async_callback(cancelled, task)
        services = Services(database, generator, settings, utc_now, _seeds(settings))
        yield App(ChatRoom(services), services)


async def _generator(settings: Settings, on_busy: Callable[[int], None]) -> Generator:
    from bot.generator.base_model import load
    from bot.generator.engine import Engine

    base = await asyncio.to_thread(
        load, settings.base_model, models_dir=settings.models_dir, device=settings.device
    )
    return Engine(
        base,
        max_batch=settings.max_batch,
        max_queue=settings.max_queue,
        cache_mb=settings.cache_mb,
        threads=settings.threads,
        on_busy=on_busy,
    )


def _seeds(settings: Settings) -> Callable[[], int]:
    fixed = settings.seed
    return (lambda: secrets.randbelow(2**31)) if fixed is None else (lambda: fixed)


class _Busy:
    """How many replies are being written, and a bell that rings when that changes."""

    def __init__(self) -> None:
        self.running = 0
        self.changed = asyncio.Event()

    def set(self, running: int) -> None:
        """Called by the engine, on the event loop, when it becomes busy or idle."""
        self.running = running
        self.changed.set()


async def _show_presence(database: Database, generator: Generator, busy: _Busy) -> None:
    """Tell that the bot lives and what answers; the learner hears at once when it gets busy."""
    pid = os.getpid()
    try:
        while True:
            busy.changed.clear()
            now = utc_now()
            until = now + _BUSY if busy.running else None
            try:
                async with database.write() as tx:
                    await presence.show(
                        tx, "bot", pid, now, busy_until=until, serving=generator.live
                    )
            except StoreError as error:
                log.warning("cannot show that the bot lives", error=str(error))
            with suppress(TimeoutError):
                async with asyncio.timeout(_SHOW_SECONDS):
                    await busy.changed.wait()
    finally:
        async with database.write() as tx:
            await presence.leave(tx, "bot", pid)


async def cancelled(task: asyncio.Task[None]) -> None:
    """Cancel a task, and wait for its end."""
    task.cancel()
    await asyncio.wait([task])


def report(task: asyncio.Task[None]) -> None:
    """A part of the house that ends by itself has failed: say so at once, the chat goes on."""
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error("a part of the house failed", exc_info=error)
