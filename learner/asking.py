"""Asks a model, with or without an adapter, through the very engine that serves the chat."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from bot.domain import BASE
from bot.generator.base_model import BaseModel
from bot.generator.engine import Engine
from bot.generator.protocol import Completion, Job
from learner.ear import Ear, Stopped

TOGETHER: Final = 16
"""How many replies are written side by side."""

_TRIED: Final = 1
"""What the engine calls the adapter here: any version will do."""

_BLINK: Final = 0.25


async def ask(
    base: BaseModel,
    adapter: Path | None,
    jobs: Sequence[Job],
    *,
    threads: int = 0,
    ear: Ear | None = None,
) -> list[Completion]:
    """The replies to some jobs, in their order, whatever adapter the jobs name.

    The base model must be free of other engines' adapters meanwhile, and is free again afterwards.
    Raises `AdapterError` when the adapter cannot be loaded, and `Stopped`.
    """
    ear = ear or Ear()
    engine = Engine(base, max_batch=TOGETHER, cache_mb=0, threads=threads)
    version = _TRIED if adapter else BASE
    done: list[Completion] = []
    try:
        if adapter:
            await engine.load(version, adapter)
        for first in range(0, len(jobs), TOGETHER):
            await asyncio.to_thread(ear.pause)
            some = jobs[first : first + TOGETHER]
            streams = [await engine.submit(replace(job, adapter=version)) for job in some]
            waiting = asyncio.gather(*(stream.completion() for stream in streams))
            while not waiting.done():
                await asyncio.wait([waiting], timeout=_BLINK)
                if ear.told_to_stop():
                    for stream in streams:
                        stream.cancel()
                    await waiting
                    raise Stopped
            done += waiting.result()
    finally:
        await engine.switch(BASE)
        await engine.close(grace_seconds=0)
    return done
