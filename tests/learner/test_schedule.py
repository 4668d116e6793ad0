"""When a round is due."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import pytest

from bot.domain import Schedule
from learner.schedule import (
    SOON,
    Look,
    crontab,
    due,
    first_look,
    is_quiet,
    make_scheduler,
    next_look,
    reschedule,
)
from tests.learner.town import quick

NIGHT = (time(22, 0), time(6, 30))
LOOK = Look(running=False, asked=False, new_verdicts=20, enough=20, local=time(12), quiet=NIGHT)
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("look", "yes"),
    [
        (LOOK, True),
        (replace(LOOK, new_verdicts=19), False),
        (replace(LOOK, local=time(23)), False),
        (replace(LOOK, quiet=None, local=time(23)), True),
        (replace(LOOK, running=True), False),
        (replace(LOOK, running=True, asked=True), False),
        (replace(LOOK, asked=True, new_verdicts=0), True),
        (replace(LOOK, asked=True, local=time(23)), True),
        (replace(LOOK, new_verdicts=0, withdrawn=1), True),
        (replace(LOOK, new_verdicts=0, withdrawn=1, paused=True), False),
        (replace(LOOK, new_verdicts=0, withdrawn=2, tried=True), False),
        (replace(LOOK, withdrawn=2, tried=True), True),
        (replace(LOOK, paused=True), False),
        (replace(LOOK, paused=True, asked=True), True),
    ],
)
def test_due(look: Look, yes: bool) -> None:
    found = due(look)
    assert found.yes is yes
    assert found.why


@pytest.mark.parametrize(
    ("at", "quiet", "yes"),
    [
        (time(22, 0), NIGHT, True),
        (time(21, 59), NIGHT, False),
        (time(0, 0), NIGHT, True),
        (time(6, 29), NIGHT, True),
        (time(6, 30), NIGHT, False),
        (time(18, 0), (time(18), time(23, 30)), True),
        (time(23, 30), (time(18), time(23, 30)), False),
        (time(9), (time(18), time(23, 30)), False),
        (time(9), (time(9), time(9)), False),
        (time(9), None, False),
    ],
)
def test_quiet_hours(at: time, quiet: tuple[time, time] | None, yes: bool) -> None:
    assert is_quiet(at, quiet) is yes


def test_the_first_look_after_a_start() -> None:
    hours = timedelta(hours=6)
    assert first_look(NOW, None, hours) == NOW + SOON
    assert first_look(NOW, NOW - timedelta(hours=9), hours) == NOW + SOON
    assert first_look(NOW, NOW - timedelta(hours=5), hours) == NOW + timedelta(hours=1)
    assert first_look(NOW, NOW + timedelta(days=900), hours) == NOW + hours, "by a wrong clock"


async def test_the_job_calls_at_its_time(tmp_path: Path) -> None:
    called = asyncio.Event()

    async def look() -> None:
        called.set()

    now = datetime.now(UTC)
    settings = quick(tmp_path, learn_every=5)
    due_now = now - timedelta(minutes=5) - SOON
    scheduler = make_scheduler(settings, look, now=now - SOON, last=due_now)
    scheduler.start()
    await asyncio.wait_for(called.wait(), 20)
    following = next_look(scheduler)
    scheduler.shutdown(wait=False)
    assert following is not None
    assert timedelta(minutes=4) < following - now < timedelta(minutes=6)


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        ("*", "mon tue wed thu fri sat sun"),
        ("0", "sun"),
        ("1-5", "mon tue wed thu fri"),
        ("0-2", "mon tue sun"),
        ("*/2", "tue thu sat sun"),
        ("1,6", "mon sat"),
        ("4/2", "thu sat"),
        ("sat,sun", "sat sun"),
        ("mon-fri", "mon tue wed thu fri"),
        ("2,fri", "tue fri"),
    ],
)
def test_weekdays_are_counted_as_cron_counts_them(days: str, expected: str) -> None:
    trigger = crontab(f"0 3 * * {days}")
    found, at = set(), datetime(2026, 3, 2, tzinfo=UTC)  # a Monday
    for day in range(7):
        start = at + timedelta(days=day)
        fires = trigger.get_next_fire_time(None, start)
        assert fires is not None
        if fires < start + timedelta(days=1):
            found.add(fires.weekday())
    names = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
    assert [names[day] for day in sorted(found)] == expected.split()


async def test_a_cron_expression_stands_for_the_interval(tmp_path: Path) -> None:
    async def look() -> None:
        """Never called here."""

    scheduler = make_scheduler(quick(tmp_path, learn_cron="30 4 * * *"), look, now=NOW, last=None)
    scheduler.start(paused=True)
    following = next_look(scheduler)
    scheduler.shutdown(wait=False)
    assert following is not None
    assert (following.hour, following.minute) == (4, 30)


async def test_an_admin_s_schedule_beats_the_settings_and_can_be_taken_back(
    tmp_path: Path,
) -> None:
    async def look() -> None:
        """Nothing."""

    settings = quick(tmp_path, learn_cron="0 4 * * *")
    now = datetime.now(UTC)
    scheduler = make_scheduler(settings, look, now=now, last=now)
    scheduler.start(paused=True)
    by_settings = next_look(scheduler)
    for changed in (Schedule(every=30), Schedule(cron="0 5 * * *"), Schedule()):
        reschedule(scheduler, settings, changed, now=now, last=now)
        found = next_look(scheduler)
        assert found is not None
        if changed.every:
            assert abs(found - now - timedelta(minutes=30)) < timedelta(seconds=2)
        elif changed.cron:
            assert (found.hour, found.minute) == (5, 0)
        else:
            assert found == by_settings
    scheduler.shutdown(wait=False)
