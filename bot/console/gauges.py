"""What monitoring may ask: is it healthy, and the figures in Prometheus' format."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector
from sqlalchemy import case, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.chat.status import FRESH
from bot.domain import RoundState
from bot.store import feedback, presence
from bot.store.database import Database
from bot.store.tables import exchanges, rounds

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
BUCKETS: Final = (0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
"""Upper bounds of the latency histogram, in seconds."""


@dataclass
class Replies:
    """Chat replies counted so far: by adapter, and how many took at most each of `BUCKETS`."""

    upto: int = 0
    by_adapter: dict[int, int] = field(default_factory=dict)
    within: list[int] = field(default_factory=lambda: [0] * len(BUCKETS))
    seconds: float = 0.0


@dataclass(frozen=True)
class Reading:
    """All figures at one moment."""

    serving: int
    learner: bool
    queue: int | None
    ratings: Mapping[str, int]
    rounds: Mapping[str, int]
    replies: Replies


class Gauges:
    """Reads the figures from the store when they are asked for.

    Args:
        serving: the adapter version that new replies get.
        queue: how many replies wait for a place, if that can be told.
    """

    def __init__(
        self,
        database: Database,
        *,
        serving: Callable[[], int],
        queue: Callable[[], int] | None,
        now: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._serving = serving
        self._queue = queue
        self._now = now
        self._replies = Replies()
        self._counting = asyncio.Lock()

    async def health(self) -> dict[str, Any]:
        """Whether the store answers, what serves, and whether the learner is up."""
        async with self._database.read() as conn:
            learner = await _learner(conn, self._now())
        return {"ok": True, "serving": self._serving(), "learner": learner}

    async def metrics(self) -> bytes:
        """The figures as Prometheus reads them."""
        registry = CollectorRegistry(auto_describe=False)
        registry.register(_Families(await self.read()))
        return generate_latest(registry)

    async def read(self) -> Reading:
        """Take all figures. Replies that were counted before are not read again."""
        async with self._counting, self._database.read() as conn:
            await _count(conn, self._replies)
            tally = await feedback.tally(conn)
            states = select(rounds.c.state, func.count()).group_by(rounds.c.state)
            return Reading(
                serving=self._serving(),
                learner=await _learner(conn, self._now()),
                queue=self._queue() if self._queue else None,
                ratings={kind.value: count for kind, count in tally.items()},
                rounds={row[0]: row[1] for row in (await conn.execute(states)).all()},
                replies=self._replies,
            )


async def _learner(conn: AsyncConnection, now: datetime) -> bool:
    seen = (await presence.every(conn)).get("learner")
    return seen is not None and now - seen.seen_at < FRESH


async def _count(conn: AsyncConnection, replies: Replies) -> None:
    """Add the replies that are new since the last time."""
    within = [
        func.sum(case((exchanges.c.latency_ms <= bound * 1000, 1), else_=0)) for bound in BUCKETS
    ]
    query = (
        select(
            exchanges.c.adapter,
            func.max(exchanges.c.id),
            func.count(),
            func.sum(exchanges.c.latency_ms),
            *within,
        )
        .where(exchanges.c.id > replies.upto, exchanges.c.origin == "chat")
        .group_by(exchanges.c.adapter)
    )
    for adapter, last, count, total_ms, *filled in (await conn.execute(query)).all():
        replies.upto = max(replies.upto, last)
        replies.by_adapter[adapter] = replies.by_adapter.get(adapter, 0) + count
        replies.seconds += total_ms / 1000
        replies.within = [old + new for old, new in zip(replies.within, filled, strict=True)]


class _Families(Collector):
    """One reading as metric families."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading

    def collect(self) -> Iterable[Metric]:
        now = self._reading
        yield GaugeMetricFamily(
            "thumbwise_live_version", "Adapter version that answers; 0 is the base.", now.serving
        )
        yield GaugeMetricFamily(
            "thumbwise_learner_up", "Whether the learner runs.", int(now.learner)
        )
        if now.queue is not None:
            yield GaugeMetricFamily(
                "thumbwise_queue_length", "Replies that wait for a place.", now.queue
            )
        ratings = CounterMetricFamily(
            "thumbwise_ratings", "What members said of replies.", labels=["kind"]
        )
        for kind, count in sorted(now.ratings.items()):
            ratings.add_metric([kind], count)
        yield ratings
        states = GaugeMetricFamily(
            "thumbwise_rounds", "Rounds of learning by state.", labels=["state"]
        )
        for state in RoundState:
            states.add_metric([state.value], now.rounds.get(state.value, 0))
        yield states
        yield from _replies(now.replies)


def _replies(counted: Replies) -> Iterable[Metric]:
    written = CounterMetricFamily(
        "thumbwise_replies",
        "Replies by the adapter version that wrote them.",
        labels=["adapter"],
    )
    for adapter, count in sorted(counted.by_adapter.items()):
        written.add_metric([str(adapter)], count)
    yield written
    within = zip(map(str, BUCKETS), counted.within, strict=True)
    yield HistogramMetricFamily(
        "thumbwise_reply_latency_seconds",
        "From the request to the last word of a reply.",
        buckets=[*within, ("+Inf", sum(counted.by_adapter.values()))],
        sum_value=counted.seconds,
    )
