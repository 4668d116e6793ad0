"""Places and chunks, with rows that are only numbers."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from bot.generator.scheduler import Scheduler


@dataclass(eq=False)
class FakeRow:
    """A row of which only the unread tokens matter."""

    unread: int


def test_rows_get_places_in_the_order_they_came() -> None:
    scheduler: Scheduler[FakeRow] = Scheduler(places=2, chunk=10)
    rows = [FakeRow(1) for _ in range(3)]
    for row in rows:
        scheduler.add(row)
    assert scheduler.admit() == rows[:2]
    assert scheduler.admit() == []
    scheduler.drop(rows[0])
    assert scheduler.admit() == rows[2:]
    scheduler.drop(rows[1])
    scheduler.drop(rows[2])
    assert scheduler.idle


def test_a_waiting_row_can_leave() -> None:
    scheduler: Scheduler[FakeRow] = Scheduler(places=0, chunk=10)
    row = FakeRow(1)
    scheduler.add(row)
    assert not scheduler.idle
    scheduler.drop(row)
    assert scheduler.idle
    scheduler.drop(row)
    assert scheduler.idle


@pytest.mark.parametrize(
    ("unread", "reads"),
    [
        ([30], [10]),
        ([4, 30, 5], [4, 6]),
        ([0, 3, 0, 3], [3, 3]),
        ([0, 0], []),
    ],
)
def test_the_oldest_read_first_within_the_chunk(unread: list[int], reads: list[int]) -> None:
    scheduler: Scheduler[FakeRow] = Scheduler(places=9, chunk=10)
    for count in unread:
        scheduler.add(FakeRow(count))
    scheduler.admit()
    assert [count for _, count in scheduler.reads()] == reads
