"""A learner that watches a town, and ways to wait for what it does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

from bot.domain import Round
from bot.store import rounds
from learner.schedule import Due
from learner.watch import Watch
from tests.learner.town import Town

PATIENCE = 60

Looks = asyncio.Queue[Due]
"""What the learner found at each look, in order."""


@asynccontextmanager
async def watching(town: Town, **changes: Any) -> AsyncIterator[asyncio.Event]:
    """A learner that watches this town, and is told to stop at the end."""
    stop = asyncio.Event()
    parent = changes.pop("parent", None)
    shop = town.shop(**{"stopping": stop.is_set, "now": lambda: datetime.now(UTC), **changes})
    task = asyncio.create_task(Watch(shop, stop, parent=parent).run())
    try:
        yield stop
    finally:
        stop.set()
        await asyncio.wait_for(task, PATIENCE)


async def until(town: Town, seen: Callable[[Round], bool]) -> Round:
    """Wait for the newest round to be as wanted."""
    async with asyncio.timeout(PATIENCE):
        while True:
            async with town.database.read() as conn:
                newest = await rounds.last(conn)
            if newest and seen(newest[0]):
                return newest[0]
            await asyncio.sleep(0.05)


async def looked(looks: Looks) -> Due:
    """Wait for the next look."""
    return await asyncio.wait_for(looks.get(), PATIENCE)
