"""Replies, each with all that it was made from."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Collection, Iterable, Sequence
from dataclasses import replace
from typing import Any, Final

from sqlalchemy import Row, func, insert, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain import Decision, Exchange, Feedback, Finish, Judged, Prompt, Sampling
from bot.errors import StoreError
from bot.store import feedback as feedback_store
from bot.store.tables import decisions, exchanges, feedback, members

_CHUNK: Final = 500


async def save(tx: AsyncConnection, exchange: Exchange) -> Exchange:
    """Keep an exchange; it comes back with its id."""
    [made] = await save_all(tx, [exchange])
    return replace(exchange, id=made)


async def save_all(tx: AsyncConnection, made: Sequence[Exchange]) -> list[int]:
    """Keep many exchanges; their ids, in the same order."""
    values = [_values(one) for one in made]
    if len(made) < _CHUNK or tx.dialect.name != "sqlite":
        adding = insert(exchanges).returning(exchanges.c.id, sort_by_parameter_order=True)
        return list((await tx.execute(adding, values)).scalars()) if made else []
    # SQLite would return ids in order only row by row. But the write lock is ours alone, and ids
    # only grow: those above the highest are the new ones, in order.
    highest = select(func.coalesce(func.max(exchanges.c.id), 0))
    before = (await tx.execute(highest)).scalar_one()
    await tx.execute(insert(exchanges), values)
    new = select(exchanges.c.id).where(exchanges.c.id > before).order_by(exchanges.c.id)
    return list((await tx.execute(new)).scalars())


async def get(conn: AsyncConnection, exchange: int) -> Exchange:
    """The exchange with an id. Raises `StoreError` when there is none."""
    found = await conn.execute(select(exchanges).where(exchanges.c.id == exchange))
    row = found.one_or_none()
    if row is None:
        raise StoreError(f"There is no reply {exchange}.")
    return _exchange(row)


async def last_in(conn: AsyncConnection, channel: int) -> Exchange | None:
    """The newest exchange of a channel."""
    query = (
        select(exchanges)
        .where(exchanges.c.channel_id == channel)
        .order_by(exchanges.c.id.desc())
        .limit(1)
    )
    row = (await conn.execute(query)).one_or_none()
    return None if row is None else _exchange(row)


async def count_of(conn: AsyncConnection, member: int) -> int:
    """How many replies to a member there are."""
    query = select(func.count()).where(exchanges.c.asker_id == member, exchanges.c.reply != "")
    return int((await conn.execute(query)).scalar_one())


async def of_member(conn: AsyncConnection, member: int) -> list[Exchange]:
    """Every exchange that a member asked for, oldest first."""
    query = select(exchanges).where(exchanges.c.asker_id == member).order_by(exchanges.c.id)
    return [_exchange(row) for row in (await conn.execute(query)).all()]


async def scan(conn: AsyncConnection, channels: Collection[int]) -> AsyncIterator[Exchange]:
    """Every exchange of some channels that was not cleared, by id, in small chunks."""
    after = 0
    while channels:
        query = (
            select(exchanges)
            .where(exchanges.c.id > after, exchanges.c.reply != "")
            .order_by(exchanges.c.id)
            .limit(_CHUNK)
        )
        rows = (await conn.execute(query)).all()
        for row in rows:
            if row.channel_id in channels:
                yield _exchange(row)
        if len(rows) < _CHUNK:
            return
        after = rows[-1].id


async def judged(conn: AsyncConnection, *, trained_by_default: bool) -> list[Judged]:
    """Every exchange that anybody said something about, oldest first, cleared ones left out."""
    spoken = feedback.select().with_only_columns(feedback.c.exchange_id)
    ruled = decisions.select().with_only_columns(decisions.c.exchange_id)
    query = (
        select(exchanges)
        .where(or_(exchanges.c.id.in_(spoken), exchanges.c.id.in_(ruled)), exchanges.c.reply != "")
        .order_by(exchanges.c.id)
    )
    found = [_exchange(row) for row in (await conn.execute(query)).all()]
    said: dict[int, list[Feedback]] = defaultdict(list)
    for event in await feedback_store.events(conn):
        said[event.exchange].append(event)
    rulings: dict[int, list[Decision]] = defaultdict(list)
    for decision in await feedback_store.rulings(conn):
        rulings[decision.exchange].append(decision)
    people = (await conn.execute(select(members))).all()
    trust = {row.id: row.trust for row in people}
    willing = _willing(people, trained_by_default)
    return [
        Judged(
            exchange=exchange,
            feedback=tuple(said[exchange.id]),
            decisions=tuple(rulings[exchange.id]),
            trust={event.member: trust[event.member] for event in said[exchange.id]},
            consented=_people(exchange.prompt, exchange.asker) <= willing,
        )
        for exchange in found
    ]


async def consented(
    conn: AsyncConnection, ids: Collection[int], *, trained_by_default: bool
) -> frozenset[int]:
    """Those of some exchanges that were not cleared and in which everybody allows training."""
    willing = _willing((await conn.execute(select(members))).all(), trained_by_default)
    found: set[int] = set()
    c, wanted = exchanges.c, sorted(ids)
    for start in range(0, len(wanted), _CHUNK):
        some = wanted[start : start + _CHUNK]
        query = select(c.id, c.prompt, c.asker_id).where(c.id.in_(some), c.reply != "")
        for row in (await conn.execute(query)).all():
            if _people(Prompt.from_json(row.prompt), row.asker_id) <= willing:
                found.add(row.id)
    return frozenset(found)


def _willing(people: Iterable[Row[Any]], trained_by_default: bool) -> set[int]:
    """The members who allow training on their words."""
    return {
        row.id
        for row in people
        if row.remembered and (trained_by_default if row.trained is None else row.trained)
    }


def _people(prompt: Prompt, asker: int | None) -> set[int]:
    turns = {turn.member for turn in prompt.turns if turn.member is not None}
    return turns | ({asker} if asker is not None else set())


def _values(exchange: Exchange) -> dict[str, Any]:
    return {
        "channel_id": exchange.channel,
        "asker_id": exchange.asker,
        "prompt": exchange.prompt.to_json(),
        "reply": exchange.reply,
        "adapter": exchange.adapter,
        "base_model": exchange.base_model,
        "sampling": exchange.sampling.to_json(),
        "seed": exchange.seed,
        "finish": exchange.finish.value,
        "prompt_tokens": exchange.prompt_tokens,
        "reply_tokens": exchange.reply_tokens,
        "latency_ms": exchange.latency_ms,
        "first_token_ms": exchange.first_token_ms,
        "origin": exchange.origin,
        "retry_of": exchange.retry_of,
        "created_at": exchange.created_at,
    }


def _exchange(row: Row[Any]) -> Exchange:
    return Exchange(
        id=row.id,
        channel=row.channel_id,
        asker=row.asker_id,
        prompt=Prompt.from_json(row.prompt),
        reply=row.reply,
        adapter=row.adapter,
        base_model=row.base_model,
        sampling=Sampling.from_json(row.sampling),
        seed=row.seed,
        finish=Finish(row.finish),
        created_at=row.created_at,
        prompt_tokens=row.prompt_tokens,
        reply_tokens=row.reply_tokens,
        latency_ms=row.latency_ms,
        first_token_ms=row.first_token_ms,
        origin=row.origin,
        retry_of=row.retry_of,
    )
