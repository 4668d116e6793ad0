"""What every command does around its work: settings, the store, the way out."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import typer

from bot import settings as settings_module
from bot.settings import Settings

if TYPE_CHECKING:
    from bot.store.database import Database


def say(text: str) -> None:
    """A word to the person that is not output: on standard error, so that pipes stay clean."""
    typer.echo(text, err=True)


def read_settings() -> Settings:
    """The settings, with DATA_DIR made; names in `.env` that do nothing are told of."""
    settings = settings_module.prepared()
    for sentence in settings_module.unknown_names():
        say(sentence)
    return settings


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Database]:
    """The store, closed again at the end."""
    from bot.store.database import Database

    database = await Database.open(settings.database)
    try:
        yield database
    finally:
        await database.close()


def go(work: Coroutine[Any, Any, None]) -> None:
    """Run to the end, or until SIGTERM, which closes everything in order."""

    async def run() -> None:
        task = asyncio.ensure_future(work)
        loop = asyncio.get_running_loop()

        def end() -> None:
            """Cancel once: a second signal must not cut short what the first one lets finish."""
            loop.add_signal_handler(signal.SIGTERM, lambda: None)
            task.cancel()

        loop.add_signal_handler(signal.SIGTERM, end)
        await task

    try:
        asyncio.run(run())
    except asyncio.CancelledError:
        raise typer.Exit(128 + signal.SIGTERM) from None
