"""What members and moderators say of replies. Rows are only added; the latest word counts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Row, func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain import Decision, Feedback, FeedbackKind, Ruling
from bot.store.tables import decisions, feedback

VOTES = (FeedbackKind.LIKE, FeedbackKind.DISLIKE, FeedbackKind.RETRACTION)
"""The kinds of which a member's latest is the vote in force."""


async def add(tx: AsyncConnection, event: Feedback) -> Feedback:
    """Keep an event; it comes back with its id."""
    added = await tx.execute(insert(feedback).values(_values(event)).returning(feedback.c.id))
    return replace(event, id=added.scalar_one())


async def add_all(tx: AsyncConnection, said: Sequence[Feedback]) -> None:
    """Keep many events, in their order."""
    if said:
        await tx.execute(insert(feedback), [_values(event) for event in said])


async def decide(tx: AsyncConnection, decision: Decision) -> Decision:
    """Keep a moderator's ruling; it comes back with its id."""
    values = {
        "exchange_id": decision.exchange,
        "moderator_id": decision.moderator,
        "ruling": decision.ruling.value,
        "text": decision.text,
        "created_at": decision.at,
    }
    added = await tx.execute(insert(decisions).values(values).returning(decisions.c.id))
    return replace(decision, id=added.scalar_one())


async def events(conn: AsyncConnection, exchange: int | None = None) -> list[Feedback]:
    """All feedback, or that on one exchange, oldest first."""
    query = select(feedback).order_by(feedback.c.id)
    if exchange is not None:
        query = query.where(feedback.c.exchange_id == exchange)
    return [_event(row) for row in (await conn.execute(query)).all()]


async def of_member(conn: AsyncConnection, member: int) -> list[Feedback]:
    """All that a member said of replies, oldest first."""
    query = select(feedback).where(feedback.c.member_id == member).order_by(feedback.c.id)
    return [_event(row) for row in (await conn.execute(query)).all()]


async def rulings(conn: AsyncConnection, exchange: int | None = None) -> list[Decision]:
    """All moderator decisions, or those on one exchange, oldest first."""
    query = select(decisions).order_by(decisions.c.id)
    if exchange is not None:
        query = query.where(decisions.c.exchange_id == exchange)
    return [
        Decision(
            exchange=row.exchange_id,
            moderator=row.moderator_id,
            ruling=Ruling(row.ruling),
            at=row.created_at,
            text=row.text,
            id=row.id,
        )
        for row in (await conn.execute(query)).all()
    ]


async def correctors(conn: AsyncConnection) -> set[tuple[int, int]]:
    """(exchange, member) for each correction, a member's or a moderator's, whose text is kept."""
    said = select(feedback.c.exchange_id, feedback.c.member_id).where(
        feedback.c.kind == FeedbackKind.CORRECTION.value, func.trim(feedback.c.text) != ""
    )
    ruled = select(decisions.c.exchange_id, decisions.c.moderator_id).where(
        decisions.c.ruling == Ruling.CORRECT.value, func.trim(decisions.c.text) != ""
    )
    return {(exchange, member) for exchange, member in (await conn.execute(said.union(ruled)))}


async def vote(conn: AsyncConnection, exchange: int, member: int) -> FeedbackKind | None:
    """The member's vote in force on an exchange: LIKE, DISLIKE or None."""
    return in_force(event.kind for event in await events(conn, exchange) if event.member == member)


def in_force(said: Iterable[FeedbackKind]) -> FeedbackKind | None:
    """The vote in force, LIKE, DISLIKE or None, after all that one member said, oldest first."""
    latest = next((kind for kind in reversed(list(said)) if kind in VOTES), None)
    return None if latest is FeedbackKind.RETRACTION else latest


async def tally(conn: AsyncConnection) -> dict[FeedbackKind, int]:
    """How many events of each kind there are in all."""
    query = select(feedback.c.kind, func.count()).group_by(feedback.c.kind)
    return {FeedbackKind(kind): count for kind, count in (await conn.execute(query)).all()}


async def count_since(conn: AsyncConnection, at: datetime | None) -> int:
    """How many distinct exchanges were judged, by votes, corrections or rulings, after a time."""
    voted = select(feedback.c.exchange_id).where(feedback.c.kind != FeedbackKind.FLAG.value)
    ruled = select(decisions.c.exchange_id).where(decisions.c.ruling != Ruling.SKIP.value)
    if at is not None:
        voted = voted.where(feedback.c.created_at > at)
        ruled = ruled.where(decisions.c.created_at > at)
    both = voted.union(ruled).subquery()
    return int((await conn.execute(select(func.count()).select_from(both))).scalar_one())


def _values(event: Feedback) -> dict[str, Any]:
    return {
        "exchange_id": event.exchange,
        "member_id": event.member,
        "kind": event.kind.value,
        "text": event.text,
        "via": event.via,
        "created_at": event.at,
    }


def _event(row: Row[Any]) -> Feedback:
    return Feedback(
        exchange=row.exchange_id,
        member=row.member_id,
        kind=FeedbackKind(row.kind),
        at=row.created_at,
        text=row.text,
        via=row.via,
        id=row.id,
    )
