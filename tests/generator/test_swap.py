"""Versions go live and are freed while every channel streams."""

from __future__ import annotations

import asyncio
from pathlib import Path

from bot.domain import BASE, Finish
from bot.generator.base_model import BaseModel
from bot.generator.engine import Engine
from bot.generator.protocol import Job
from tests.generator.conftest import TEXTS, Solo, greedy, prompt


async def test_swaps_under_load_lose_nothing(
    tiny_base: BaseModel, solo: Solo, adapters: dict[int, Path]
) -> None:
    engine = Engine(tiny_base, max_batch=4, max_queue=8, cache_mb=8, threads=1)
    swapping = asyncio.Event()
    seen: set[int] = set()

    async def channel(number: int) -> int:
        turns = 0
        while not swapping.is_set() or turns < 3:
            asked = prompt(TEXTS[(number + turns) % len(TEXTS)])
            job = Job(asked, greedy(8), seed=0, session=f"c{number}")
            stream = await engine.submit(job)
            pieces = [piece async for piece in stream]
            done = await stream.completion()
            assert done.finish is Finish.LENGTH
            assert "".join(pieces) == done.text == solo(asked, done.adapter, 8)
            seen.add(done.adapter)
            turns += 1
        return turns

    async def swap() -> None:
        for _ in range(6):
            for version in (1, 2):
                await engine.load(version, adapters[version])
                await engine.switch(version)
                await asyncio.sleep(0.05)
        await engine.load(1, adapters[1])
        await engine.switch(1)
        swapping.set()

    turns, *_ = await asyncio.gather(
        asyncio.gather(*(channel(number) for number in range(8))), swap()
    )
    assert min(turns) >= 3
    assert seen >= {1, 2}
    assert engine.live == 1
    await engine.switch(1)
    assert engine.resident() == (1,)
    await engine.switch(BASE)
    assert engine.resident() == ()
    await engine.close()
