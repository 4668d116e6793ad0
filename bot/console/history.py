"""What the pages read from the store that no other room asks for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain import Exchange, FeedbackKind, Person, Place
from bot.store import exchanges as exchange_store
from bot.store import feedback, review
from bot.store.review import Rater
from bot.store.tables import channels, communities, exchanges, members, messages


@dataclass(frozen=True, slots=True)
class Line:
    """One message of the channel. `exchange` is set for replies, `vote` is the viewer's own."""

    at: datetime
    text: str
    message_id: str
    exchange: int | None = None
    vote: FeedbackKind | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """A reply that waits for a ruling, with all that has been said of it."""

    exchange: Exchange
    channel: str
    raters: tuple[Rater, ...]
    waiting: int


async def lines(conn: AsyncConnection, place: Place, person: Person, most: int = 60) -> list[Line]:
    """The channel's last messages since its reset, oldest first."""
    found = await conn.execute(
        select(messages, exchanges.c.reply)
        .join(channels, channels.c.id == messages.c.channel_id)
        .join(communities, communities.c.id == channels.c.community_id)
        .outerjoin(exchanges, exchanges.c.id == messages.c.exchange_id)
        .where(
            communities.c.platform == place.platform,
            communities.c.external_id == place.community,
            channels.c.external_id == place.channel,
            messages.c.position > channels.c.reset_position,
        )
        .order_by(messages.c.position.desc())
        .limit(most)
    )
    me = await _member(conn, person)
    said = []
    for row in reversed(found.all()):
        if row.exchange_id is None:
            said.append(Line(row.created_at, row.text, row.external_id or ""))
        elif row.reply:
            vote = await feedback.vote(conn, row.exchange_id, me) if me else None
            said.append(Line(row.created_at, row.reply, "", row.exchange_id, vote))
    return [line for line in said if line.text]


async def vote(conn: AsyncConnection, exchange: int, person: Person) -> FeedbackKind | None:
    """A person's vote in force on a reply."""
    me = await _member(conn, person)
    return await feedback.vote(conn, exchange, me) if me else None


async def case(conn: AsyncConnection, exchange: int, person: Person) -> Case:
    """All that a moderator sees of a reply. Raises `StoreError` when there is none."""
    found = await exchange_store.get(conn, exchange)
    query = (
        select(channels.c.name, channels.c.external_id, communities.c.platform)
        .join(communities, communities.c.id == channels.c.community_id)
        .where(channels.c.id == found.channel)
    )
    row = (await conn.execute(query)).one()
    me = await _member(conn, person)
    return Case(
        exchange=found,
        channel=f"{row.platform} · {row.name or row.external_id}",
        raters=tuple(await review.raters(conn, exchange)),
        waiting=await review.count(conn, moderator=me or 0),
    )


async def _member(conn: AsyncConnection, person: Person) -> int | None:
    query = select(members.c.id).where(
        members.c.platform == person.platform, members.c.external_id == person.id
    )
    return (await conn.execute(query)).scalar_one_or_none()


def ago(then: datetime, now: datetime) -> str:
    """How long ago something was, in words."""
    minutes = max(0, round((now - then).total_seconds() / 60))
    if minutes < 1:
        return "just now"
    if minutes < 60:
        return f"{minutes} min ago"
    if minutes < 60 * 24:
        return f"{round(minutes / 60)} h ago"
    days = round(minutes / 60 / 24)
    return f"{days} day{'s' if days > 1 else ''} ago"
