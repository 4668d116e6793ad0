"""No update is acknowledged before all that came before it has ended; lanes keep their order."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.platforms.telegram.ledger import Lanes, Ledger, Turn


def test_nothing_is_acknowledged_while_the_oldest_goes_on() -> None:
    ledger = Ledger()
    assert ledger.position is None
    assert [ledger.begin(one) for one in (10, 11, 12)] == [True, True, True]
    assert ledger.position == 9
    ledger.end(11)
    ledger.end(12)
    assert ledger.position == 9
    assert ledger.busy
    ledger.end(10)
    assert ledger.position == 12
    assert not ledger.busy


def test_an_update_that_comes_again_is_known() -> None:
    ledger = Ledger()
    ledger.begin(10)
    ledger.begin(11)
    ledger.end(11)
    assert not ledger.begin(10)
    assert not ledger.begin(11)
    ledger.end(10)
    assert not ledger.begin(10)
    assert not ledger.begin(11)
    assert ledger.begin(12)


def test_what_was_handled_before_a_restart_is_known() -> None:
    ledger = Ledger(41)
    assert ledger.position == 41
    assert not ledger.begin(41)
    assert ledger.begin(42)


def test_what_ended_behind_an_open_one_before_a_restart_is_known() -> None:
    before = Ledger(9)
    for update in (10, 11, 12, 13):
        before.begin(update)
    before.end(11)
    before.end(13)
    assert list(before.ended) == [11, 13]
    ledger = Ledger(before.position, before.ended)
    assert ledger.position == 9
    assert [ledger.begin(one) for one in (10, 11, 12, 13)] == [True, False, True, False]
    ledger.end(10)
    ledger.end(12)
    assert ledger.position == 13
    assert list(ledger.ended) == []


def test_what_is_carried_holds_nothing_back() -> None:
    ledger = Ledger(9)
    for update in (10, 11, 12):
        ledger.begin(update)
    ledger.end(11)
    ledger.carry()
    assert ledger.position == 12
    assert not ledger.busy
    assert list(ledger.under_way) == [10, 12]
    assert not ledger.begin(10)
    assert ledger.begin(13)
    assert ledger.position == 12
    ledger.end(13)
    ledger.end(10)
    assert ledger.position == 13
    assert list(ledger.under_way) == [12]


def test_what_was_carried_before_a_restart_is_under_way_again() -> None:
    ledger = Ledger(12, carried=(10, 12))
    assert ledger.position == 12
    assert list(ledger.under_way) == [10, 12]
    assert [ledger.begin(one) for one in (10, 11, 12, 13)] == [False, False, False, True]
    ledger.end(13)
    assert ledger.position == 13


def test_ids_may_begin_anew_after_a_quiet_week() -> None:
    ledger = Ledger(900_000_000)
    assert ledger.begin(5)
    assert ledger.position == 4
    ledger.end(5)
    assert ledger.position == 5


@given(st.permutations(range(1, 9)), st.integers(0, 8))
def test_the_position_never_passes_an_update_that_goes_on(order: list[int], ended: int) -> None:
    ledger = Ledger(0)
    for update in range(1, 9):
        ledger.begin(update)
    for update in order[:ended]:
        ledger.end(update)
        ledger.end(update)
    going_on = set(order[ended:])
    assert ledger.position == (min(going_on) - 1 if going_on else 8)
    assert not any(ledger.begin(update) for update in range(1, 9))


async def test_a_lane_keeps_its_order_and_others_do_not_wait_for_it() -> None:
    lanes = Lanes()
    story: list[str] = []
    gate = asyncio.Event()
    first, second, other = lanes.enter("a"), lanes.enter("a"), lanes.enter("b")

    async def walk(name: str, turn: Turn) -> None:
        async with turn:
            if turn is first:
                await gate.wait()
            story.append(name)

    later = [asyncio.create_task(walk("second", second)), asyncio.create_task(walk("first", first))]
    await walk("other", other)
    assert story == ["other"]
    gate.set()
    await asyncio.gather(*later)
    assert story == ["other", "first", "second"]


async def test_a_turn_can_be_passed_on_before_its_walk_ends() -> None:
    lanes = Lanes()
    first, second = lanes.enter("a"), lanes.enter("a")
    async with first:
        first.pass_on()
        async with second:
            pass


async def test_a_walk_that_fails_or_is_cancelled_does_not_hold_up_its_lane() -> None:
    lanes = Lanes()
    first, second, third = (lanes.enter("a") for _ in range(3))

    async def fail() -> None:
        async with first:
            raise RuntimeError

    async def never_begin() -> None:
        async with second:
            raise AssertionError

    waiting = asyncio.create_task(never_begin())
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.wait([waiting])
    with pytest.raises(RuntimeError):
        await fail()
    async with third:
        pass
