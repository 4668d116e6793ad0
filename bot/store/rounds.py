"""Rounds of learning: their state, their progress, and which exchange taught which adapter."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain import Part, Progress, Round, RoundState
from bot.errors import StoreError
from bot.store.tables import round_examples, rounds

_OPEN = [state.value for state in RoundState if not state.ended]


@dataclass(frozen=True, slots=True)
class Lesson:
    """One exchange's part in a round; `weight` is what its loss was multiplied with."""

    exchange: int
    part: Part
    weight: float


async def create(
    tx: AsyncConnection,
    *,
    trigger: str,
    seed: int,
    base_model: str,
    at: datetime,
    requested_by: int | None = None,
) -> Round:
    """A new queued round. `trigger` is "schedule", "request" or "command"."""
    values = {
        "state": RoundState.QUEUED.value,
        "trigger": trigger,
        "seed": seed,
        "base_model": base_model,
        "requested_by": requested_by,
        "progress": asdict(Progress()),
        "report": {},
        "created_at": at,
    }
    return _round((await tx.execute(insert(rounds).values(values).returning(rounds))).one())


async def move(
    tx: AsyncConnection,
    round_id: int,
    state: RoundState,
    at: datetime,
    *,
    reason: str = "",
    report: Mapping[str, Any] | None = None,
    adapter: int | None = None,
) -> None:
    """Take a round to another state. Raises `StoreError` when it has ended already."""
    before = await get(tx, round_id)
    if before.state.ended:
        raise StoreError(f"Round {round_id} has ended already: {before.state.value}.")
    values: dict[str, Any] = {"state": state.value}
    if before.started_at is None:
        values["started_at"] = at
    if state.ended:
        values["finished_at"] = at
    if reason:
        values["reason"] = reason
    if report is not None:
        values["report"] = dict(report)
    if adapter is not None:
        values["adapter"] = adapter
    await tx.execute(update(rounds).where(rounds.c.id == round_id).values(values))


async def show_progress(tx: AsyncConnection, round_id: int, progress: Progress) -> None:
    """Tell how far a round is."""
    change = update(rounds).where(rounds.c.id == round_id)
    await tx.execute(change.values(progress=asdict(progress)))


async def get(conn: AsyncConnection, round_id: int) -> Round:
    """The round with an id. Raises `StoreError` when there is none."""
    row = (await conn.execute(select(rounds).where(rounds.c.id == round_id))).one_or_none()
    if row is None:
        raise StoreError(f"There is no round {round_id}.")
    return _round(row)


async def unfinished(conn: AsyncConnection) -> list[Round]:
    """Rounds that have not ended, oldest first."""
    query = select(rounds).where(rounds.c.state.in_(_OPEN)).order_by(rounds.c.id)
    return [_round(row) for row in (await conn.execute(query)).all()]


async def last(
    conn: AsyncConnection, count: int = 1, *, base_model: str | None = None
) -> list[Round]:
    """The newest rounds, of all or of one base model, newest first."""
    query = select(rounds).order_by(rounds.c.id.desc()).limit(count)
    if base_model is not None:
        query = query.where(rounds.c.base_model == base_model)
    return [_round(row) for row in (await conn.execute(query)).all()]


async def record(tx: AsyncConnection, round_id: int, lessons: Iterable[Lesson]) -> None:
    """Write down a round's selection, in place of what was written before."""
    await tx.execute(delete(round_examples).where(round_examples.c.round_id == round_id))
    rows = [
        {
            "round_id": round_id,
            "exchange_id": lesson.exchange,
            "part": lesson.part.value,
            "weight": lesson.weight,
        }
        for lesson in lessons
    ]
    if rows:
        await tx.execute(insert(round_examples), rows)


async def lessons(conn: AsyncConnection, round_id: int) -> list[Lesson]:
    """A round's selection, by exchange."""
    query = (
        select(round_examples)
        .where(round_examples.c.round_id == round_id)
        .order_by(round_examples.c.exchange_id)
    )
    return [
        Lesson(row.exchange_id, Part(row.part), row.weight)
        for row in (await conn.execute(query)).all()
    ]


async def taught(conn: AsyncConnection, base_model: str) -> dict[int, Part]:
    """Every exchange that promoted rounds used, with the part it played first.

    An exchange that was once held out stays held out for ever: no later adapter may train on what
    it is measured with.
    """
    query = (
        select(round_examples.c.exchange_id, round_examples.c.part)
        .join(rounds, rounds.c.id == round_examples.c.round_id)
        .where(rounds.c.base_model == base_model, rounds.c.state == RoundState.PROMOTED.value)
        .order_by(rounds.c.id.desc())
    )
    return {exchange: Part(part) for exchange, part in (await conn.execute(query)).all()}


async def last_look(conn: AsyncConnection) -> datetime | None:
    """When the newest round that looked at the verdicts began; verdicts after it are new."""
    looked = [RoundState.PROMOTED.value, RoundState.REJECTED.value, RoundState.SKIPPED.value]
    query = (
        select(rounds.c.started_at)
        .where(rounds.c.state.in_(looked))
        .order_by(rounds.c.id.desc())
        .limit(1)
    )
    return (await conn.execute(query)).scalar_one_or_none()


def _round(row: Row[Any]) -> Round:
    return Round(
        id=row.id,
        state=RoundState(row.state),
        trigger=row.trigger,
        seed=row.seed,
        created_at=row.created_at,
        base_model=row.base_model,
        requested_by=row.requested_by,
        progress=Progress(**row.progress),
        report=row.report,
        reason=row.reason,
        adapter=row.adapter,
        started_at=row.started_at,
        finished_at=row.finished_at,
    )
