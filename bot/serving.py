"""Serves all platforms at once: one that fails does not take the others with it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import structlog

from bot.errors import ThumbwiseError
from bot.platforms.base import Platform, Room

log = structlog.get_logger()


async def serve(room: Room, platforms: Sequence[Platform], extras: Sequence[Platform] = ()) -> None:
    """Serve until cancelled, or until the last of `platforms` has ended; then end the `extras`.

    A platform that cannot go on (a wrong token) is told of in one log line. Raises its error if it
    was the last, so that a bot which serves nobody does not look alive.
    """
    running = {asyncio.create_task(p.run(room), name=p.name): p for p in platforms}
    beside = [asyncio.create_task(p.run(room), name=p.name) for p in extras]
    for task in beside:
        task.add_done_callback(_tell)
    failure: BaseException | None = None
    try:
        left = set(running)
        while left:
            ended, left = await asyncio.wait(left, return_when=asyncio.FIRST_COMPLETED)
            for task in ended:
                _tell(task)
                failure = task.exception() or failure
        if failure is not None:
            raise failure
    finally:
        for task in (*running, *beside):
            task.cancel()
        await asyncio.gather(*running, *beside, return_exceptions=True)


def _tell(task: asyncio.Task[None]) -> None:
    if task.cancelled() or (error := task.exception()) is None:
        return
    if isinstance(error, ThumbwiseError):
        log.error(str(error), platform=task.get_name())
    else:
        log.error("a platform failed", platform=task.get_name(), exc_info=error)
