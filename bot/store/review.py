"""Which replies wait for a moderator, the most useful to look at first."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import CTE, and_, case, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain import FeedbackKind, Ruling
from bot.store.feedback import VOTES
from bot.store.tables import channels, decisions, exchanges, feedback, members


@dataclass(frozen=True, slots=True)
class Rater:
    """A member who judged a reply. `votes` are their words for it, such as 👍 or a reason."""

    member: int
    name: str
    kind: FeedbackKind
    text: str
    trust: float
    at: datetime


@dataclass(frozen=True, slots=True)
class Vote:
    """A vote in force: given at `at`, on a reply that a version gave at `replied_at`."""

    kind: FeedbackKind
    at: datetime
    adapter: int
    replied_at: datetime


def votes_in_force() -> CTE:
    """Every member's latest vote on every reply, no retractions.

    Columns: exchange_id, member_id, kind, created_at.
    """
    newest = func.row_number().over(
        partition_by=(feedback.c.exchange_id, feedback.c.member_id), order_by=feedback.c.id.desc()
    )
    numbered = (
        select(
            feedback.c.exchange_id,
            feedback.c.member_id,
            feedback.c.kind,
            feedback.c.created_at,
            newest.label("age"),
        )
        .where(feedback.c.kind.in_([kind.value for kind in VOTES]))
        .subquery()
    )
    return (
        select(numbered.c.exchange_id, numbered.c.member_id, numbered.c.kind, numbered.c.created_at)
        .where(numbered.c.age == 1, numbered.c.kind != FeedbackKind.RETRACTION.value)
        .cte("votes")
    )


async def votes(conn: AsyncConnection, exchange: int) -> tuple[int, int]:
    """How many like a reply, and how many dislike it."""
    found = votes_in_force()
    query = (
        select(found.c.kind, func.count())
        .where(found.c.exchange_id == exchange)
        .group_by(found.c.kind)
    )
    counts = {row[0]: row[1] for row in (await conn.execute(query)).all()}
    return counts.get(FeedbackKind.LIKE.value, 0), counts.get(FeedbackKind.DISLIKE.value, 0)


async def votes_since(conn: AsyncConnection, at: datetime) -> list[Vote]:
    """The votes in force on what was said here that were given since a time."""
    found = votes_in_force()
    query = (
        select(
            found.c.kind,
            found.c.created_at,
            exchanges.c.adapter,
            exchanges.c.created_at.label("replied_at"),
        )
        .join(exchanges, exchanges.c.id == found.c.exchange_id)
        .where(found.c.created_at >= at, exchanges.c.origin != "import")
    )
    return [
        Vote(FeedbackKind(row.kind), row.created_at, row.adapter, row.replied_at)
        for row in (await conn.execute(query)).all()
    ]


async def raters(conn: AsyncConnection, exchange: int) -> list[Rater]:
    """Everybody who judged a reply, by what is in force, oldest first."""
    query = (
        select(feedback, members.c.name, members.c.trust)
        .join(members, members.c.id == feedback.c.member_id)
        .where(feedback.c.exchange_id == exchange)
        .order_by(feedback.c.id)
    )
    newest: dict[tuple[int, str], Rater] = {}
    for row in (await conn.execute(query)).all():
        kind = FeedbackKind(row.kind)
        group = "vote" if kind in VOTES else row.kind
        newest.pop((row.member_id, group), None)
        newest[row.member_id, group] = Rater(
            row.member_id, row.name, kind, row.text, row.trust, row.created_at
        )
    return [rater for rater in newest.values() if rater.kind is not FeedbackKind.RETRACTION]


async def has_rated(conn: AsyncConnection, member: int, *, community: int | None = None) -> bool:
    """Whether a member has judged a reply; with `community`, a reply of that community's."""
    query = (
        select(feedback.c.id)
        .join(exchanges, exchanges.c.id == feedback.c.exchange_id)
        .join(channels, channels.c.id == exchanges.c.channel_id)
        .where(feedback.c.member_id == member)
    )
    if community is not None:
        query = query.where(channels.c.community_id == community)
    return (await conn.execute(query.limit(1))).first() is not None


async def waiting(
    conn: AsyncConnection, *, moderator: int, community: int | None = None, limit: int = 1
) -> list[int]:
    """Ids of replies that wait for a ruling.

    Flagged ones come first, then those for which somebody wrote a better answer, then disputed
    ones, then by the number of votes, then the newest. A ruling settles a reply until somebody
    flags it anew; what this moderator skipped comes again when there is news of it.

    Args:
        community: the row id of the only community to look at; None looks everywhere.
    """
    query = _queue(moderator, community).limit(limit)
    return list((await conn.execute(query)).scalars())


async def count(conn: AsyncConnection, *, moderator: int, community: int | None = None) -> int:
    """How many replies wait for this moderator."""
    queue = _queue(moderator, community).subquery()
    return int((await conn.execute(select(func.count()).select_from(queue))).scalar_one())


_KINDS: Final = {
    "likes": FeedbackKind.LIKE,
    "dislikes": FeedbackKind.DISLIKE,
}


def _queue(moderator: int, community: int | None) -> Any:
    found = votes_in_force()
    counted = (
        select(
            found.c.exchange_id,
            *(
                func.sum(case((found.c.kind == kind.value, 1), else_=0)).label(name)
                for name, kind in _KINDS.items()
            ),
        )
        .group_by(found.c.exchange_id)
        .cte("counted")
    )
    flagged, corrected = (
        _latest(feedback, feedback.c.kind == kind.value, kind.value)
        for kind in (FeedbackKind.FLAG, FeedbackKind.CORRECTION)
    )
    news = _latest(feedback, feedback.c.id > 0, "news")
    ruled = _latest(decisions, decisions.c.ruling != Ruling.SKIP.value, "ruled")
    mine = and_(decisions.c.ruling == Ruling.SKIP.value, decisions.c.moderator_id == moderator)
    skipped = _latest(decisions, mine, "skipped")
    likes, dislikes = (func.coalesce(counted.c[name], 0) for name in _KINDS)
    query = (
        select(exchanges.c.id)
        .outerjoin(counted, counted.c.exchange_id == exchanges.c.id)
        .where(
            exchanges.c.reply != "",
            exchanges.c.origin != "import",
            or_(ruled.c.at.is_(None), flagged.c.at > ruled.c.at),
            or_(skipped.c.at.is_(None), news.c.at > skipped.c.at),
        )
        .order_by(
            flagged.c.at.is_(None),
            corrected.c.at.is_(None),
            case((likes < dislikes, likes), else_=dislikes).desc(),
            (likes + dislikes).desc(),
            exchanges.c.id.desc(),
        )
    )
    for latest in (flagged, corrected, news, ruled, skipped):
        query = query.outerjoin(latest, latest.c.exchange_id == exchanges.c.id)
    if community is not None:
        here = channels.c.id == exchanges.c.channel_id
        query = query.join(channels, here).where(channels.c.community_id == community)
    return query


def _latest(table: Any, condition: Any, name: str) -> CTE:
    """When something that meets a condition was last said of each exchange."""
    return (
        select(table.c.exchange_id, func.max(table.c.created_at).label("at"))
        .where(condition)
        .group_by(table.c.exchange_id)
        .cte(f"latest_{name.replace('-', '_')}")
    )
