"""The walks that a platform has under way, and their end when the platform closes."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, Final

import structlog

log = structlog.get_logger()

GRACE_SECONDS: Final = 20.0
"""How long running replies may take to finish when the bot is told to end."""


async def end(*tasks: asyncio.Task[Any]) -> None:
    """Cancel tasks, and wait until they have ended.

    A cancellation can get lost on its way through a library that itself cancels what takes too
    long, so whoever does not end is told again, after time enough for a goodbye.
    """
    left = set(tasks)
    while left:
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=GOODBYE_SECONDS)


GOODBYE_SECONDS: Final = 15.0


class Walks:
    """Keeps hold of what was begun for each event, so that none is lost and all can be ended."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()
        self.closed = False

    def begin(self, walk: Coroutine[Any, Any, None]) -> None:
        """Let a walk run by itself; its failure is logged."""
        task = asyncio.create_task(walk)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    async def close(self, grace_seconds: float = GRACE_SECONDS) -> None:
        """Let all walks finish, for so long; then cancel the rest and wait until they have ended.

        `closed` is set first: who brings new work from then on is to be told to come back later.
        """
        self.closed = True
        with suppress(TimeoutError):
            async with asyncio.timeout(grace_seconds):
                while self._tasks:  # an edit or a reaction may still come in meanwhile
                    await asyncio.wait(self._tasks)
        late = set(self._tasks)
        if late:
            log.warning("walks were cut off at the end", count=len(late))
            await end(*late)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("a walk failed", exc_info=error)
