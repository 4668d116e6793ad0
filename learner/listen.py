"""Keeps a round in touch with the house while it works: progress out, cancelling and chat in.

The work runs in a thread and only touches plain attributes here; everything that concerns the
database happens on the event loop, about once a second.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from typing import Final

import structlog

from bot.domain import Progress, RequestKind
from bot.errors import StoreError
from bot.store import presence, requests, rounds
from bot.store.database import Database
from learner.ear import Ear

LONGEST_WAIT: Final = 2.0
"""Seconds that one small step of training waits for a busy chat at most: learning is slow beside a
chat that never rests, but it never stops."""

_EVERY: Final = 1.0
_BLINK: Final = 0.05
_log = structlog.get_logger(__name__)


class Listener:
    """The ear of one round.

    Attributes:
        cancelled: whether an admin has asked for the round to be cancelled.
        ear: what the work is given.
    """

    def __init__(
        self,
        database: Database,
        round_id: int,
        *,
        now: Callable[[], datetime],
        stopping: Callable[[], bool],
        tell: Callable[[Progress], None],
    ) -> None:
        self._database = database
        self._round = round_id
        self._now = now
        self._stopping = stopping
        self._tell = tell
        self._progress = Progress()
        self._shown = Progress()
        self._busy_until: datetime | None = None
        self.cancelled = False
        self.ear = Ear(tell=self._hear, wait=self._wait, told_to_stop=self._told_to_stop)

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[Ear]:
        """Look at the database again and again while the block runs."""
        await self.look()
        task = asyncio.create_task(self._keep_looking())
        try:
            yield self.ear
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def look(self) -> None:
        """One look: are we to stop, is the chat busy, and what is there to show?"""
        async with self._database.read() as conn:
            asked = await requests.pending(conn)
            seen = await presence.every(conn)
        self.cancelled = self.cancelled or any(r.kind is RequestKind.CANCEL for r in asked)
        self._busy_until = seen["bot"].busy_until if "bot" in seen else None
        progress = self._progress
        if progress != self._shown:
            async with self._database.write() as tx:
                await rounds.show_progress(tx, self._round, progress)
            self._shown = progress

    async def _keep_looking(self) -> None:
        while True:
            await asyncio.sleep(_EVERY)
            try:
                await self.look()
            except StoreError as error:
                # Showing progress is not worth a round; what must be written will fail by itself.
                _log.warning("cannot look at the store", round=self._round, error=str(error))

    def _hear(self, progress: Progress) -> None:
        self._progress = progress
        self._tell(progress)

    def _told_to_stop(self) -> bool:
        return self.cancelled or self._stopping()

    def _wait(self) -> None:
        """Called in the thread of the work."""
        until = time.monotonic() + LONGEST_WAIT
        while (
            self._busy_until is not None
            and self._now() < self._busy_until
            and time.monotonic() < until
            and not self._told_to_stop()
        ):
            time.sleep(_BLINK)
