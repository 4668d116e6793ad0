"""How the bot does over time: ratings by day, approval by week and version, losses by round."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final, NamedTuple

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain import FeedbackKind, Round, RoundState
from bot.store import review, rounds

DAYS: Final = 30
WEEKS: Final = 12
ROUNDS: Final = 20


class Day(NamedTuple):
    """The votes in force that were given on a day (UTC)."""

    day: date
    likes: int
    dislikes: int


class Week(NamedTuple):
    """The votes in force on the replies that a version gave in the week from a Monday."""

    week: date
    adapter: int
    likes: int
    dislikes: int


class Lesson(NamedTuple):
    """What a round that was evaluated found; losses in nats a token, None where not measured."""

    round: int
    state: RoundState
    held_out_live: float | None
    held_out_candidate: float | None
    retention_live: float | None
    retention_candidate: float | None


@dataclass(frozen=True, slots=True)
class Stats:
    """The figures, oldest first."""

    by_day: Sequence[Day]
    approval_by_week: Sequence[Week]
    by_round: Sequence[Lesson]

    def lines(self) -> list[str]:
        """The same in sentences."""
        week = self.by_day[-7:]
        likes, dislikes = sum(d.likes for d in week), sum(d.dislikes for d in week)
        lines = [f"The last seven days: {likes} 👍, {dislikes} 👎{_share(likes, dislikes)}."]
        by_version: dict[int, list[int]] = defaultdict(lambda: [0, 0])
        for one in self.approval_by_week:
            by_version[one.adapter][0] += one.likes
            by_version[one.adapter][1] += one.dislikes
        for version, (up, down) in sorted(by_version.items()):
            name = f"version {version}" if version else "the base model"
            lines.append(f"Replies by {name}: {up} 👍, {down} 👎{_share(up, down)}.")
        ended = ", ".join(f"{lesson.round} {lesson.state.value}" for lesson in self.by_round[-5:])
        lines.append(f"Rounds: {ended}." if ended else "No round has been evaluated yet.")
        return lines


def _share(likes: int, dislikes: int) -> str:
    return f" ({likes / (likes + dislikes):.0%} approval)" if likes + dislikes else ""


async def gather(conn: AsyncConnection, now: datetime) -> Stats:
    """Read the figures of the last weeks from the store."""
    today = now.date()
    first = today - timedelta(days=DAYS - 1)
    monday = today - timedelta(days=today.weekday(), weeks=WEEKS - 1)
    days = {first + timedelta(days=n): [0, 0] for n in range(DAYS)}
    weeks: dict[tuple[date, int], list[int]] = defaultdict(lambda: [0, 0])
    midnight = datetime.combine(min(first, monday), datetime.min.time(), now.tzinfo)
    for vote in await review.votes_since(conn, midnight):
        side = 0 if vote.kind is FeedbackKind.LIKE else 1
        if vote.at.date() in days:
            days[vote.at.date()][side] += 1
        replied = vote.replied_at.date()
        week = replied - timedelta(days=replied.weekday())
        if week >= monday:
            weeks[week, vote.adapter][side] += 1
    lessons = [lesson for one in await rounds.last(conn, ROUNDS) if (lesson := _lesson(one))]
    return Stats(
        by_day=[Day(day, *counts) for day, counts in days.items()],
        approval_by_week=[Week(*key, *counts) for key, counts in sorted(weeks.items())],
        by_round=lessons[::-1],
    )


def _lesson(found: Round) -> Lesson | None:
    metrics = found.report.get("metrics") or {}
    held_out, retention = metrics.get("held_out") or {}, metrics.get("retention") or {}
    if not held_out:
        return None
    return Lesson(
        found.id,
        found.state,
        _figure(held_out, "live"),
        _figure(held_out, "candidate"),
        _figure(retention, "live"),
        _figure(retention, "candidate"),
    )


def _figure(losses: Mapping[str, Any], name: str) -> float | None:
    value = losses.get(name)
    return float(value) if isinstance(value, int | float) else None
