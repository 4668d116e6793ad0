"""What monitoring reads."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from bot.console.gauges import Gauges
from bot.domain import FeedbackKind
from bot.store import exchanges, presence, rounds
from bot.store.database import Database
from tests.store import rows


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    """An empty store."""
    database = await Database.open(f"sqlite+aiosqlite:///{tmp_path / 'g.db'}")
    yield database
    await database.close()


async def _figures(gauges: Gauges) -> dict[tuple[str, str], float]:
    """Every sample, by its name and the value of its one label, if it has one."""
    text = (await gauges.metrics()).decode()
    return {
        (sample.name, next(iter(sample.labels.values()), "")): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


async def test_figures_come_from_the_store(database: Database) -> None:
    gauges = Gauges(database, serving=lambda: 3, queue=lambda: 2, now=lambda: rows.NOW)
    async with database.write() as tx:
        ana = await rows.meet(tx)
        hall = await rows.enter(tx)
        first = await rows.answered(tx, hall.id, ana)
        await rows.answered(tx, hall.id, ana)
        await rows.say(tx, first, ana, FeedbackKind.LIKE)
        await rounds.create(tx, trigger="request", seed=1, base_model="m", at=rows.NOW)
        await presence.show(tx, "learner", 1, rows.NOW)
    figures = await _figures(gauges)
    assert figures["thumbwise_live_version", ""] == 3
    assert figures["thumbwise_queue_length", ""] == 2
    assert figures["thumbwise_learner_up", ""] == 1
    assert figures["thumbwise_ratings_total", "like"] == 1
    assert figures["thumbwise_rounds", "queued"] == 1
    assert figures["thumbwise_rounds", "promoted"] == 0
    assert figures["thumbwise_replies_total", "0"] == 2


async def test_latencies_are_cumulative_and_new_replies_are_added_once(
    database: Database,
) -> None:
    gauges = Gauges(database, serving=lambda: 0, queue=None, now=lambda: rows.NOW)
    name = "thumbwise_reply_latency_seconds"
    async with database.write() as tx:
        ana = await rows.meet(tx)
        hall = await rows.enter(tx)
        await rows.answered(tx, hall.id, ana)  # 456 ms
    await _figures(gauges)
    async with database.write() as tx:
        await rows.answered(tx, hall.id, ana)
        await exchanges.save(tx, rows.exchange(hall.id, ana, origin="import"))
    figures = await _figures(gauges)
    assert figures[f"{name}_bucket", "0.25"] == 0
    assert figures[f"{name}_bucket", "0.5"] == 2
    assert figures[f"{name}_bucket", "+Inf"] == 2
    assert figures[f"{name}_count", ""] == 2
    assert figures[f"{name}_sum", ""] == pytest.approx(0.912)
    assert ("thumbwise_queue_length", "") not in figures


async def test_a_learner_that_is_silent_for_long_is_down(database: Database) -> None:
    late = rows.NOW + timedelta(minutes=5)
    gauges = Gauges(database, serving=lambda: 0, queue=None, now=lambda: late)
    async with database.write() as tx:
        await presence.show(tx, "learner", 1, rows.NOW)
    assert await gauges.health() == {"ok": True, "serving": 0, "learner": False}
