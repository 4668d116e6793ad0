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
from bot.platforms.telegram.client import MOST_AT_ONCE, Client, backoff, wrong_token
from bot.platforms.telegram.ledger import Ledger
from bot.platforms.telegram.past import Json, Keeper, Past

log = structlog.get_logger()

Begin = Callable[[telegram.Update, Callable[[], None]], None]
"""Begins the walk of an update, and is told whom to tell once all that comes of it is safe."""

LISTEN_SECONDS: Final = 30
"""How long Telegram keeps a question open while nothing happens."""

GLANCE_SECONDS: Final = 0.5
"""How often new updates are asked for while older ones are under way.

Telegram then answers at once, with those that are not acknowledged yet.
"""

MOST_UNDER_WAY: Final = 1000
"""So many updates under way are enough; what else comes waits at Telegram, for a day at most."""


class Polling:
    """Asks Telegram for updates until it is cancelled.

    Telegram shows only the oldest hundred that are not acknowledged. Where older ones under way
    fill that window, they are kept here, and Telegram may forget them: so a chat in which nothing
    can be said for an hour keeps nobody else waiting.

    Raises `ThumbwiseError` if the token is not accepted any more.
    """

    def __init__(self, client: Client, room: Room, begin: Begin) -> None:
        self._client = client
        self._begin = begin
        self._ledger = Ledger()
        self._carried: dict[int, Json] = {}
        self._under_way: dict[int, telegram.Update] = {}
        self._keeper = Keeper(room, client.bot.id, self._past)
        self._safe = asyncio.Event()
        self._overrun = False

    async def run(self) -> None:
        """Listen until cancelled."""
        past = await self._keeper.open()
        self._carried = {update["update_id"]: update for update in past.under_way}
        self._ledger = Ledger(past.position, past.ended, self._carried)
        await self._client.call(None, lambda _: self._client.bot.delete_webhook(), tries=None)
        for update in past.under_way:
            self._start(self._client.update(update))
        failures = 0
        while True:
            found = await self._ask(failures)
            failures = 0 if found is not None else failures + 1
            new = [one for one in found or () if self._ledger.begin(one.update_id)]
            for one in new:
                self._start(one)
            full = len(found or ()) == MOST_AT_ONCE and not new
            if full and self._ledger.busy:
                await self._walk_past()
            if self._ledger.busy:
                await self._glance()

    async def close(self) -> None:
        """Remember how far all came, once the walks have ended."""
        await self._keeper.close()

    def _start(self, update: telegram.Update) -> None:
        number = update.update_id
        self._under_way[number] = update
        self._begin(update, partial(self._end, number))

    async def _walk_past(self) -> None:
        """Keep what is under way, so that Telegram can show what comes after it."""
        under_way = self._ledger.under_way
        if len(under_way) > MOST_UNDER_WAY:
            if not self._overrun:
                log.warning("too many updates are under way; others wait", count=len(under_way))
            self._overrun = True
            return
        self._overrun = False
        log.info("many updates came while older ones are under way", count=len(under_way))
        for number in under_way:
            if number not in self._carried:
                self._carried[number] = self._under_way[number].to_dict()
        self._ledger.carry()
        await self._keeper.keep_surely()  # before Telegram is asked for what comes after

    def _past(self) -> Past:
        return Past(self._ledger.position, tuple(self._ledger.ended), tuple(self._carried.values()))

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
        self._under_way.pop(update, None)
        self._carried.pop(update, None)
        self._safe.set()
        self._keeper.change()  # Telegram hears of it only with the next question
