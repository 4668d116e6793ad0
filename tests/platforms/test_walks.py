"""Walks come to their end: those that were begun, and those that begin while others end."""

from __future__ import annotations

import asyncio

import pytest

from bot.platforms.walks import Walks, end


async def test_a_walk_that_begins_while_others_end_is_waited_for() -> None:
    walks, done = Walks(), []
    first, second = asyncio.Event(), asyncio.Event()

    async def follow() -> None:
        await second.wait()
        done.append("second")

    async def lead() -> None:
        await first.wait()
        walks.begin(follow())
        done.append("first")

    walks.begin(lead())
    closing = asyncio.create_task(walks.close(60))
    await asyncio.sleep(0)
    first.set()
    for _ in range(5):
        await asyncio.sleep(0)
    assert not closing.done()
    second.set()
    await closing
    assert done == ["first", "second"]


async def test_a_walk_that_takes_too_long_is_cut_off_and_has_ended_then() -> None:
    walks, ended = Walks(), []

    async def walk() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("tidied up")

    walks.begin(walk())
    await asyncio.sleep(0)
    await walks.close(0)
    assert ended == ["tidied up"]
    assert walks.closed


async def test_a_task_that_loses_a_cancellation_is_told_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("bot.platforms.walks.GOODBYE_SECONDS", 0.01)
    deaf = 2

    async def listen() -> None:
        nonlocal deaf
        while True:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                if not deaf:
                    raise
                deaf -= 1

    task = asyncio.create_task(listen())
    await asyncio.sleep(0)
    await end(task)
    assert task.cancelled()
