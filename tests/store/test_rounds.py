"""A round goes through its states once, and its lineage is written down."""

from __future__ import annotations

from datetime import datetime

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain import Part, Progress, RoundState
from bot.errors import StoreError
from bot.store import rounds
from bot.store.database import Database
from bot.store.rounds import Lesson
from tests.store.rows import MODEL, NOW, answered, enter, later, meet, published

OPEN = [state for state in RoundState if not state.ended]
ENDED = [state for state in RoundState if state.ended]


async def new(tx: AsyncConnection, base_model: str = MODEL) -> int:
    """A queued round's id."""
    made = await rounds.create(tx, trigger="request", seed=7, base_model=base_model, at=NOW)
    return made.id


async def ended(
    tx: AsyncConnection, state: RoundState, *lessons: Lesson, at: datetime = NOW, model: str = MODEL
) -> int:
    """A round that has ended with these lessons."""
    made = await new(tx, model)
    await rounds.record(tx, made, lessons)
    await rounds.move(tx, made, state, at)
    return made


async def test_a_round_from_its_wish_to_its_end(database: Database) -> None:
    async with database.write() as tx:
        ana = await meet(tx)
        made = await rounds.create(
            tx, trigger="request", seed=2**40, base_model=MODEL, at=NOW, requested_by=ana.id
        )
        assert (made.state, made.progress, made.report) == (RoundState.QUEUED, Progress(), {})
        assert (made.requested_by, made.seed, made.started_at) == (ana.id, 2**40, None)
        assert await rounds.get(tx, made.id) == made
        await rounds.move(tx, made.id, RoundState.CURATING, later(1))
        progress = Progress(3, 10, 1.25, 99.5, 4.0, "warming up")
        await rounds.show_progress(tx, made.id, progress)
        version = await published(tx)
        await rounds.move(tx, made.id, RoundState.EVALUATING, later(2), report={"a": 1})
        await rounds.move(
            tx, made.id, RoundState.PROMOTED, later(3), reason="better", adapter=version
        )
        done = await rounds.get(tx, made.id)
    assert (done.state, done.reason, done.adapter) == (RoundState.PROMOTED, "better", version)
    assert (done.started_at, done.finished_at) == (later(1), later(3))
    assert (done.progress, done.report) == (progress, {"a": 1})


@pytest.mark.parametrize("end", ENDED)
@pytest.mark.parametrize("then", [RoundState.TRAINING, RoundState.PROMOTED, RoundState.FAILED])
async def test_what_has_ended_stays_ended(
    database: Database, end: RoundState, then: RoundState
) -> None:
    async with database.write() as tx:
        made = await ended(tx, end)
        before = await rounds.get(tx, made)
        with pytest.raises(StoreError, match=f"Round {made} has ended already: {end.value}"):
            await rounds.move(tx, made, then, later(9), reason="again")
        assert await rounds.get(tx, made) == before
        assert before.started_at == before.finished_at == NOW


@pytest.mark.parametrize("state", OPEN)
async def test_what_is_open_can_be_found_and_ended(database: Database, state: RoundState) -> None:
    async with database.write() as tx:
        made = await new(tx)
        await ended(tx, RoundState.FAILED)
        await rounds.move(tx, made, state, NOW)
        assert [one.id for one in await rounds.unfinished(tx)] == [made]
        await rounds.move(tx, made, RoundState.CANCELLED, NOW)
        assert await rounds.unfinished(tx) == []


async def test_the_newest_come_first(database: Database) -> None:
    async with database.write() as tx:
        ids = [await new(tx) for _ in range(3)]
        assert [one.id for one in await rounds.last(tx, 2)] == ids[:0:-1]
        assert len(await rounds.last(tx, 9, base_model=MODEL)) == 3
        assert await rounds.last(tx, base_model="other") == []
        with pytest.raises(StoreError, match="no round 99"):
            await rounds.get(tx, 99)


async def test_a_selection_is_written_in_place_of_the_one_before(database: Database) -> None:
    async with database.write() as tx:
        ana, channel = await meet(tx), await enter(tx)
        one, two = [(await answered(tx, channel.id, ana)).id for _ in range(2)]
        made, other = await new(tx), await new(tx)
        await rounds.record(tx, other, [Lesson(one, Part.NEW, 1.0)])
        await rounds.record(tx, made, [Lesson(one, Part.NEW, 1.0)])
        wanted = [Lesson(one, Part.HELD_OUT, 0.5), Lesson(two, Part.REPLAY, 2.0)]
        await rounds.record(tx, made, reversed(wanted))
        assert await rounds.lessons(tx, made) == wanted
        assert await rounds.lessons(tx, other) == [Lesson(one, Part.NEW, 1.0)]
        await rounds.record(tx, made, [])
        assert await rounds.lessons(tx, made) == []


async def test_an_exchange_keeps_the_part_it_played_first_in_a_promoted_round(
    database: Database,
) -> None:
    async with database.write() as tx:
        ana, channel = await meet(tx), await enter(tx)
        a, b, c, d = [(await answered(tx, channel.id, ana)).id for _ in range(4)]
        promoted = RoundState.PROMOTED
        assert await rounds.taught(tx, MODEL) == {}
        await ended(tx, RoundState.REJECTED, Lesson(a, Part.HELD_OUT, 1), Lesson(d, Part.NEW, 1))
        await ended(tx, promoted, Lesson(a, Part.NEW, 1), Lesson(b, Part.HELD_OUT, 1))
        await ended(tx, promoted, Lesson(b, Part.NEW, 1), Lesson(a, Part.REPLAY, 1))
        await ended(tx, promoted, Lesson(c, Part.NEW, 1), model="other")
        running = await new(tx)
        await rounds.record(tx, running, [Lesson(d, Part.NEW, 1)])
        assert await rounds.taught(tx, MODEL) == {a: Part.NEW, b: Part.HELD_OUT}
        assert await rounds.taught(tx, "other") == {c: Part.NEW}


async def test_when_a_round_last_looked_at_the_verdicts(database: Database) -> None:
    async with database.write() as tx:
        assert await rounds.last_look(tx) is None
        await ended(tx, RoundState.PROMOTED, at=later(1))
        await ended(tx, RoundState.SKIPPED, at=later(2))
        await ended(tx, RoundState.FAILED, at=later(3))  # it may have seen nothing
        await ended(tx, RoundState.CANCELLED, at=later(4))
        running = await new(tx)
        await rounds.move(tx, running, RoundState.TRAINING, later(5))
        assert await rounds.last_look(tx) == later(2)
        await rounds.move(tx, running, RoundState.REJECTED, later(6))
        assert await rounds.last_look(tx) == later(5)  # what came while it trained is new
