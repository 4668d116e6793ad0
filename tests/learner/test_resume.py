"""Rounds that were put down or killed, at every step, and taken up again."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from bot.domain import BASE, AdapterState, Part, Progress, RoundState
from bot.store import adapters, rounds
from learner import disk, lora
from learner.round import begin, run_round
from tests.learner.town import Town


class Killed(BaseException):
    """Stands for the end of the process."""


def weights(town: Town, version: int) -> str:
    """The SHA-256 of a version's weights."""
    path = town.settings.adapters_dir / f"v{version:04d}" / lora.WEIGHTS
    return disk.sha256(path)


STEPS = [
    "learner.round.take_stock",
    "learner.round.anchors.ensure",
    "learner.round.prepare",
    "learner.round.train",
    "learner.train.checkpoint.keep",
    "learner.train.lora.save_adapter",
    "learner.round.evaluate",
    "learner.round.finish",
    "learner.ending.publish.write",
    "learner.ending.publish.reserve",
    "learner.publish.settle",
    "learner.ending.adapters.promote",
    "learner.ending._closed",
]


@pytest.mark.parametrize("step", STEPS)
async def test_a_round_killed_at_any_step_is_taken_up_and_ends_well(
    town: Town, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    ana = await town.member("ana")
    await town.liked(ana, 12)
    shop = town.shop()
    queued = await begin(shop, trigger="command")
    stopping = [False]
    if step.endswith("checkpoint.keep"):
        shop = town.shop(
            stopping=lambda: stopping[0],
            tell=lambda p: stopping.__setitem__(0, p.step >= 4),
        )

    def die(*_args: Any, **_kwargs: Any) -> Any:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(step, die)
        with pytest.raises(Killed):
            await run_round(shop, queued)
    async with town.database.read() as conn:
        left = await rounds.get(conn, queued.id)
        assert await adapters.live(conn, town.base.fingerprint) is None
    assert not left.state.ended
    ended = await run_round(town.shop(), left)
    assert ended.state is RoundState.PROMOTED, ended.reason
    async with town.database.read() as conn:
        every = await adapters.every(conn)
        lessons = await rounds.lessons(conn, queued.id)
    assert [a.state for a in every if a.state is not AdapterState.FAILED] == [AdapterState.LIVE]
    names = [path.name for path in town.settings.adapters_dir.iterdir()]
    assert names == [f"v{ended.adapter:04d}"]
    assert len(lessons) == 12


async def test_a_round_that_was_put_down_gives_the_same_adapter_as_one_that_was_not(
    town: Town,
) -> None:
    ana = await town.member("ana")
    await town.liked(ana, 12)
    stop = [False]

    def tell(progress: Progress) -> None:
        stop[0] = progress.step >= 5

    shop = town.shop(stopping=lambda: stop[0], tell=tell)
    put_down = await run_round(shop, await begin(shop, trigger="command"))
    assert put_down.state is RoundState.TRAINING
    assert put_down.report["crashes"] == 0, "that is no crash"
    assert list(shop.workplace(put_down.id).glob("checkpoint-*"))
    resumed = await run_round(town.shop(), put_down)
    assert resumed.state is RoundState.PROMOTED, resumed.reason

    async with town.database.write() as tx:
        await adapters.promote(
            tx,
            BASE,
            base_model=town.base.fingerprint,
            actor="t",
            at=town.now(),
            kind="rollback",
        )
        await tx.exec_driver_sql("UPDATE rounds SET state = 'rejected'")
    whole = await town.round()
    assert whole.state is RoundState.PROMOTED, whole.reason
    assert weights(town, 2) == weights(town, 1)


async def test_a_resumed_round_keeps_its_selection_but_not_what_was_withdrawn(
    town: Town,
) -> None:
    ana, bo = await town.member("ana"), await town.member("bo")
    hers = await town.liked(ana, 12)
    his = await town.liked(bo, 4)
    stop = [False]

    def tell(progress: Progress) -> None:
        stop[0] = progress.step >= 3

    shop = town.shop(stopping=lambda: stop[0], tell=tell)
    put_down = await run_round(shop, await begin(shop, trigger="command"))
    await town.liked(ana, 5)
    stop[0] = False
    again = await run_round(dataclasses.replace(shop, tell=tell), put_down)
    async with town.database.read() as conn:
        kept = {x.exchange for x in await rounds.lessons(conn, put_down.id)}
    assert not again.state.ended
    assert kept == {e.id for e in (*hers, *his)}, "what came later waits for the next round"

    await town.member("bo", trained=False)
    ended = await run_round(town.shop(), again)
    async with town.database.read() as conn:
        lessons = await rounds.lessons(conn, ended.id)
    assert not {x.exchange for x in lessons} & {e.id for e in his}
    assert len(lessons) == 17
    assert {x.part for x in lessons} == {Part.NEW, Part.HELD_OUT}


async def test_files_of_rounds_that_are_over_are_cleared_away(town: Town) -> None:
    leftover = town.shop().workplace(77) / "adapter"
    leftover.mkdir(parents=True)
    await town.round()
    assert not leftover.parent.exists()
