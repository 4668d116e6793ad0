"""Rounds that fail: with a sentence, with what is live untouched, and for good in the end."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import pytest

from bot.domain import BASE, AdapterState, RoundState
from bot.store import adapters, rounds
from learner import disk
from learner.round import begin, run_round
from tests.learner.town import Town, live_version, quick


async def test_a_loss_that_is_no_number_fails_the_round(town: Town) -> None:
    ana = await town.member("ana")
    await town.liked(ana, 12)
    assert (await town.round()).state is RoundState.PROMOTED
    await town.liked(ana, 4)
    shop = town.shop(
        settings=quick(town.settings.data_dir).model_copy(update={"learning_rate": 1e30})
    )
    ended = await run_round(shop, await begin(shop, trigger="command"))
    assert ended.state is RoundState.FAILED
    assert "LEARNING_RATE" in ended.reason
    assert await live_version(town) == 1
    assert not shop.workplace(ended.id).exists()


@pytest.mark.parametrize("where", ["checkpoint", "adapters"])
async def test_a_full_disk_fails_the_round_and_leaves_what_is_live(
    town: Town, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    ana = await town.member("ana")
    await town.liked(ana, 12)
    whole = disk.sync

    def full(path: Path) -> None:
        in_adapters = path.is_relative_to(town.settings.adapters_dir)
        if in_adapters is (where == "adapters"):
            raise OSError(errno.ENOSPC, "No space left on device")
        whole(path)

    monkeypatch.setattr(disk, "sync", full)
    ended = await town.round()
    assert ended.state is RoundState.FAILED
    assert "No space left on device" in ended.reason
    assert await live_version(town) == BASE
    async with town.database.read() as conn:
        states = {a.state for a in await adapters.every(conn)}
    assert states <= {AdapterState.FAILED}
    monkeypatch.undo()
    assert (await town.round()).state is RoundState.PROMOTED


async def test_another_base_model_than_the_round_s_ends_it(town: Town) -> None:
    ana = await town.member("ana")
    await town.liked(ana, 12)
    ended = await town.round(fingerprint="llama-other")
    assert ended.state is RoundState.FAILED
    assert "base model was changed" in ended.reason


async def test_what_nobody_foresaw_is_raised_and_the_round_closed_at_the_third_time(
    town: Town,
) -> None:
    ana = await town.member("ana")
    await town.liked(ana, 12)

    def broken() -> Any:
        raise RuntimeError("a bug")

    shop = town.shop(base=broken)
    queued = await begin(shop, trigger="command")
    for _ in range(3):
        with pytest.raises(RuntimeError, match="a bug"):
            await run_round(shop, queued)
        async with town.database.read() as conn:
            queued = await rounds.get(conn, queued.id)
        assert not queued.state.ended
    ended = await run_round(shop, queued)
    assert ended.state is RoundState.FAILED
    assert "3 times" in ended.reason
