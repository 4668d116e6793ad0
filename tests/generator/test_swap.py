"""Versions go live and are freed while every channel streams."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from bot.domain import BASE, Finish, Prompt
from bot.generator.base_model import BaseModel
from bot.generator.engine import Engine
from bot.generator.lora import Residents
from bot.generator.protocol import Completion, Job
from tests.generator.conftest import TEXTS, Solo, greedy, prompt

CHANNELS = 8
PATIENCE = 60


@dataclass(frozen=True, slots=True)
class Pass:
    """One pass of the model: what was live and resident then, and the version of each row."""

    live: int
    resident: tuple[int, ...]
    rows: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Reply:
    """A finished reply, and what it answers."""

    asked: Prompt
    tokens: int
    pieces: str
    done: Completion


async def test_swaps_under_load_lose_nothing(
    tiny_base: BaseModel, solo: Solo, adapters: dict[int, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = Engine(tiny_base, max_batch=CHANNELS, max_queue=8, cache_mb=8, threads=1)
    await engine.load(1, adapters[1])
    await engine.switch(1)
    passes: list[Pass] = []
    replies: list[Reply] = []
    streaming: set[int] = set()
    all_stream, swapped = asyncio.Event(), asyncio.Event()
    route = Residents.route

    def note(self: Residents, versions: Sequence[int]) -> None:
        passes.append(Pass(engine.live, self.versions, tuple(versions)))
        route(self, versions)

    monkeypatch.setattr(Residents, "route", note)

    async def channel(number: int) -> None:
        # Lengths differ, so that replies of the next version join while others still write.
        tokens = 48 + 8 * number
        for turn in itertools.count():
            asked = prompt(TEXTS[(number + turn % 2) % len(TEXTS)])
            begun_at = len(swaps)
            stream = await engine.submit(Job(asked, greedy(tokens), seed=0, session=f"c{number}"))
            pieces = []
            async for piece in stream:
                pieces.append(piece)
                if begun_at == len(swaps):
                    streaming.add(number)
                if len(streaming) == CHANNELS:
                    all_stream.set()
            replies.append(Reply(asked, tokens, "".join(pieces), await stream.completion()))
            if swapped.is_set():
                return

    def mixed() -> set[int]:
        """What was live in passes of all channels in which both versions had rows."""
        full = [one for one in passes if len(one.rows) == CHANNELS and set(one.rows) == {1, 2}]
        assert all(set(one.resident) == {1, 2} for one in full)
        return {one.live for one in full}

    swaps: list[int] = []

    async def swap() -> None:
        for version in itertools.cycle((2, 1)):
            await all_stream.wait()  # every channel has shown a piece since the last switch
            await engine.load(version, adapters[version])
            await engine.switch(version)
            swaps.append(version)
            streaming.clear()
            all_stream.clear()
            if len(swaps) >= 4 and version == 1 and mixed() == {1, 2}:
                swapped.set()
                return

    async with asyncio.timeout(PATIENCE):
        await asyncio.gather(swap(), *(channel(number) for number in range(CHANNELS)))

    # A row of a version that is not live any more began before the switch and lived through it:
    # to 2 and back to 1, in one batch with all other channels.
    assert mixed() == {1, 2}
    assert {reply.done.adapter for reply in replies} == {1, 2}
    for reply in replies:
        assert reply.done.finish in (Finish.LENGTH, Finish.STOP)
        assert reply.pieces == reply.done.text
        assert reply.done.text == solo(reply.asked, reply.done.adapter, reply.tokens)
    assert engine.live == 1
    await engine.switch(1)
    assert engine.resident() == (1,)
    await engine.switch(BASE)
    assert engine.resident() == ()
    await engine.close()
