"""Updates by long polling, each acknowledged only when all that comes of it is safe."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Final

import structlog
import telegram
from telegram.error import (
    BadRequest,
    Conflict,
    EndPointNotFound,
    InvalidToken,
    NetworkError,
    RetryAfter,
)

from bot.platforms.base import Room
from bot.platforms.telegram.client import Client, backoff, wrong_token
from bot.platforms.telegram.ledger import Ledger

log = structlog.get_logger()

Begin = Callable[[telegram.Update, Callable[[], None]], None]
"""Begins the walk of an update, and is told whom to tell once all that comes of it is safe."""

LISTEN_SECONDS: Final = 30
"""How long Telegram keeps a question open while nothing happens."""

GLANCE_SECONDS: Final = 0.5
"""How often new updates are asked for while older ones are under way.

Telegram then answers at once, with those that are not acknowledged yet.
"""


class Polling:
    """Asks Telegram for updates until it is cancelled.

    Raises `ThumbwiseError` if the token is not accepted any more.
    """

    def __init__(self, client: Client, room: Room, begin: Begin, *, name: str) -> None:
        self._client = client
        self._room = room
        self._begin = begin
        self._name = name
        self._ledger = Ledger()
        self._kept: int | None = None
        self._keeping = asyncio.Lock()
        self._safe = asyncio.Event()
        self._changed = asyncio.Event()

    async def run(self) -> None:
        """Listen until cancelled."""
        self._kept = await self._room.cursor(self._name)
        self._ledger = Ledger(self._kept)
        await self._client.call(None, lambda _: self._client.bot.delete_webhook(), tries=None)
        keeping = asyncio.create_task(self._keep())
        try:
            failures = 0
            while not keeping.done():
                found = await self._ask(failures)
                failures = 0 if found is not None else failures + 1
                for update in found or ():
                    if self._ledger.begin(update.update_id):
                        self._begin(update, partial(self._end, update.update_id))
                if self._ledger.busy:
                    await self._glance()
            keeping.result()
        finally:
            keeping.cancel()
            await asyncio.wait([keeping])

    async def close(self) -> None:
        """Remember how far all came, once the walks have ended."""
        await self._keep_now()

    async def _ask(self, failures: int) -> Sequence[telegram.Update] | None:
        """The next updates; None when they could not be had, after a while."""
        position = self._ledger.position
        offset = None if position is None else position + 1
        seconds = 0 if self._ledger.busy else LISTEN_SECONDS
        try:
            found = await self._client.updates(offset, seconds)
        except (InvalidToken, EndPointNotFound):
            raise wrong_token() from None
        except Conflict as error:
            log.warning(
                "another program reads this bot's updates: only one may run with this token",
                error=str(error),
            )
            wait = max(2.0, backoff(failures + 1))
        except RetryAfter as error:
            pause = error.retry_after
            wait = float(pause if isinstance(pause, int) else pause.total_seconds())
        except BadRequest:
            raise
        except NetworkError as error:
            log.warning("Telegram cannot be reached", error=str(error), failures=failures + 1)
            wait = backoff(failures + 1)
        else:
            if failures:
                log.info("Telegram answers again")
            return found
        await self._client.bounds.sleep(wait)
        return None

    async def _glance(self) -> None:
        """Wait until something has ended, but not for long."""
        self._safe.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(GLANCE_SECONDS):  # wait_for can lose a cancellation
                await self._safe.wait()

    def _end(self, update: int) -> None:
        self._ledger.end(update)
        self._safe.set()
        self._changed.set()

    async def _keep(self) -> None:
        """Remember at once how far all came: Telegram hears of it only with the next question."""
        while True:
            await self._changed.wait()
            self._changed.clear()
            await self._keep_now()

    async def _keep_now(self) -> None:
        async with self._keeping:
            position = self._ledger.position
            if position is not None and position != self._kept:
                await self._room.keep_cursor(self._name, position)
                self._kept = position
