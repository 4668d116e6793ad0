"""The scheduled learner: when it begins a round, yields, and ends."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.domain import FeedbackKind, Progress, RequestKind, RoundState, Schedule
from bot.store import memos, presence, requests, rounds
from learner import listen
from learner import watch as watch_module
from learner.listen import LONGEST_WAIT, Listener
from learner.round import begin, run_round
from learner.schedule import Due, is_quiet
from learner.watch import Watch
from tests.learner.town import START, Town, quick
from tests.learner.watching import PATIENCE, Looks, looked, until, watching

pytestmark = pytest.mark.usefixtures("impatient")


async def test_enough_new_verdicts_begin_a_round(town: Town) -> None:
    ana = await town.member("ana")
    await town.liked(ana, 12)
    settings = quick(town.settings.data_dir, learn_min_verdicts=12)
    async with watching(town, settings=settings):
        ended = await until(town, lambda found: found.state.ended)
    assert (ended.trigger, ended.state) == ("schedule", RoundState.PROMOTED), ended.reason


async def test_too_few_do_not_and_an_admin_s_wish_does(town: Town, looks: Looks) -> None:
    ana = await town.member("ana")
    await town.liked(ana, 12)
    settings = quick(town.settings.data_dir, learn_min_verdicts=13)
    async with watching(town, settings=settings):
        assert await looked(looks) == Due(False, "12 of 13 new verdicts")
        async with town.database.write() as tx:
            assert await rounds.last(tx) == []
            await requests.ask(tx, RequestKind.TRAIN, town.now(), ana.id)
        ended = await until(town, lambda found: found.state.ended)
    assert (ended.trigger, ended.requested_by) == ("request", ana.id)
    assert ended.state is RoundState.PROMOTED, ended.reason
    async with town.database.read() as conn:
        assert await requests.pending(conn) == []


async def test_an_admin_s_pause_holds_scheduled_rounds_back_until_it_ends(
    town: Town, looks: Looks
) -> None:
    await town.liked(await town.member("ana"), 12)
    async with town.database.write() as tx:
        await memos.set_schedule(tx, Schedule(paused=True), datetime.now(UTC))
    settings = quick(town.settings.data_dir, learn_min_verdicts=12)
    async with watching(town, settings=settings):
        assert await looked(looks) == Due(False, "scheduled learning is paused")
        async with town.database.read() as conn:
            assert not await rounds.last(conn)
        async with town.database.write() as tx:
            await memos.set_schedule(tx, Schedule(), datetime.now(UTC))
        ended = await until(town, lambda found: found.state.ended)
    assert ended.trigger == "schedule"


async def test_a_look_in_quiet_hours_is_put_off_to_their_end(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    ana = await town.member("ana")
    await town.liked(ana, 12)
    hour, asked, fired, looked = [6], [0], asyncio.Event(), asyncio.Event()

    def asks_whether_quiet(*args: Any) -> bool:
        asked[0] += fired.is_set()
        if asked[0] == 2:  # the first time may still have been before the scheduler called
            looked.set()
        return is_quiet(*args)

    called = Watch._look_later

    async def look_later(self: Watch) -> None:
        await called(self)
        fired.set()

    settings = quick(town.settings.data_dir, learn_min_verdicts=5, learn_quiet_hours="00:00-12:00")
    monkeypatch.setattr(watch_module, "local", lambda at: at.replace(hour=hour[0]))
    monkeypatch.setattr(watch_module, "is_quiet", asks_whether_quiet)
    monkeypatch.setattr(Watch, "_look_later", look_later)
    async with watching(town, settings=settings):
        await asyncio.wait_for(looked.wait(), PATIENCE)
        async with town.database.read() as conn:
            assert await rounds.last(conn) == []
        hour[0] = 13
        ended = await until(town, lambda found: found.state.ended)
    assert (ended.trigger, ended.state) == ("schedule", RoundState.PROMOTED), ended.reason


async def test_it_shows_that_it_lives_and_leaves_when_it_ends(town: Town) -> None:
    async with watching(town):
        async with asyncio.timeout(PATIENCE):
            while True:
                async with town.database.read() as conn:
                    seen = await presence.every(conn)
                if "learner" in seen:
                    break
                await asyncio.sleep(0.05)
    assert seen["learner"].pid == os.getpid()
    assert datetime.fromisoformat(seen["learner"].detail["next_look"])
    async with town.database.read() as conn:
        assert "learner" not in await presence.every(conn)


async def test_a_round_that_was_put_down_is_taken_up(town: Town) -> None:
    ana = await town.member("ana")
    await town.liked(ana, 12)
    stop = [False]
    shop = town.shop(stopping=lambda: stop[0], tell=lambda p: stop.__setitem__(0, p.step >= 2))
    put_down = await run_round(shop, await begin(shop, trigger="command"))
    assert not put_down.state.ended
    async with watching(town):
        ended = await until(town, lambda found: found.state.ended)
    assert (ended.id, ended.state) == (put_down.id, RoundState.PROMOTED)


async def test_told_to_stop_it_puts_its_round_down_at_once(town: Town) -> None:
    ana = await town.member("ana")
    await town.liked(ana, 12)
    settings = quick(town.settings.data_dir, learn_min_verdicts=5, epochs=1000)
    steps = threading.Event()
    async with watching(
        town, settings=settings, tell=lambda p: steps.set() if p.step else None
    ) as stop:
        await asyncio.to_thread(steps.wait, PATIENCE)
        stop.set()
    async with town.database.read() as conn:
        (left,) = await rounds.unfinished(conn)
    assert left.state is RoundState.TRAINING
    assert left.report["crashes"] == 0


async def test_progress_reaches_the_store(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listen, "_EVERY", 0.05)
    ana = await town.member("ana")
    await town.liked(ana, 12)
    settings = quick(town.settings.data_dir, learn_min_verdicts=5, epochs=1000)
    async with watching(town, settings=settings):
        found = await until(town, lambda found: found.progress.step > 0)
    assert found.state is RoundState.TRAINING
    assert found.progress.steps >= found.progress.step
    assert found.progress.loss is not None
    assert found.progress.tokens_per_second > 0


async def test_it_ends_when_its_parent_is_gone(town: Town) -> None:
    gone = await asyncio.create_subprocess_exec("true")
    await gone.wait()
    async with watching(town, parent=gone.pid) as stop:
        await asyncio.wait_for(stop.wait(), PATIENCE)


async def test_a_round_survives_the_bot_and_is_the_last(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    ana = await town.member("ana")
    await town.liked(ana, 12)
    monkeypatch.setattr("learner.watch.SHOW_SECONDS", 0.01)
    bot = await asyncio.create_subprocess_exec("sleep", "600")
    killed = asyncio.Event()

    def kill(_progress: Progress) -> None:
        if not killed.is_set():
            killed.set()
            os.kill(bot.pid, signal.SIGKILL)

    settings = quick(town.settings.data_dir, learn_min_verdicts=12)
    async with watching(town, settings=settings, parent=bot.pid, tell=kill) as stop:
        ended = await until(town, lambda found: found.state.ended)
        await bot.wait()
        await asyncio.wait_for(stop.wait(), PATIENCE)
    assert killed.is_set()
    assert ended.state is RoundState.PROMOTED, ended.reason
    async with town.database.read() as conn:
        assert len(await rounds.last(conn, 9)) == 1


async def test_a_wish_to_cancel_with_nothing_running_is_answered(town: Town) -> None:
    async with town.database.write() as tx:
        await requests.ask(tx, RequestKind.CANCEL, town.now())
    async with watching(town), asyncio.timeout(PATIENCE):
        while True:
            async with town.database.read() as conn:
                if not await requests.pending(conn):
                    break
            await asyncio.sleep(0.05)


class Clock:
    """The time, as the listener reads it: nobody sleeps, the time just goes on."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def monotonic(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds

    def now(self) -> datetime:
        return START + timedelta(seconds=self.seconds)


async def listener(town: Town, clock: Clock, *, busy: float) -> Listener:
    """An ear of a round, while the bot says that it is busy for so many seconds."""
    now = clock.now()
    async with town.database.write() as tx:
        await presence.show(tx, "bot", 1, now, busy_until=now + timedelta(seconds=busy))
    begun = await begin(town.shop(), trigger="command")
    found = Listener(
        town.database, begun.id, now=clock.now, stopping=lambda: False, tell=lambda _: None
    )
    await found.look()
    return found


@pytest.mark.parametrize(("busy", "waits"), [(100, LONGEST_WAIT), (1, 1), (-1, 0)])
async def test_training_waits_while_the_chat_is_busy_but_not_for_ever(
    town: Town, monkeypatch: pytest.MonkeyPatch, busy: float, waits: float
) -> None:
    clock = Clock()
    found = await listener(town, clock, busy=busy)
    monkeypatch.setattr(listen, "time", clock)
    found.ear.pause()
    assert clock.seconds == pytest.approx(waits, abs=0.1)


async def test_a_listener_hears_a_cancel_and_tells_progress(town: Town) -> None:
    found = await listener(town, Clock(), busy=0)
    found.ear.tell(Progress(step=3, steps=9, note="training"))
    async with town.database.write() as tx:
        await requests.ask(tx, RequestKind.CANCEL, town.now())
    await found.look()
    assert found.cancelled
    assert found.ear.told_to_stop()
    async with town.database.read() as conn:
        assert (await rounds.last(conn))[0].progress.step == 3


async def test_a_verdict_after_the_last_look_is_new_and_one_before_is_not(
    town: Town, looks: Looks
) -> None:
    ana = await town.member("ana")
    made = await town.liked(ana, 12)
    settings = quick(town.settings.data_dir, learn_min_verdicts=3)
    assert (await town.round()).state is RoundState.PROMOTED
    async with watching(town, settings=settings, now=town.now):
        assert await looked(looks) == Due(False, "0 of 3 new verdicts")
    for exchange in made[:3]:
        await town.say(ana, exchange, FeedbackKind.DISLIKE)
    async with watching(town, settings=settings):
        second = await until(town, lambda found: found.id == 2 and found.state.ended)
    assert await looked(looks) == Due(True, "3 new verdicts")
    assert second.report["lapsed"] > 0
    assert second.report["withdrawn"] == 0, "another judgement is no withdrawal"
    assert "(needed -1.0%)" in second.reason
