"""The scheduled learner: waits for its time or for an admin, and runs one round at a time.

Told to end, it puts a running round down at the next small step; whoever comes next takes it up.
"""

from __future__ import annotations

import asyncio
import gc
import os
from contextlib import suppress
from datetime import datetime
from typing import Any, Final

import structlog

from bot.domain import RequestKind, Round
from bot.errors import StoreError
from bot.store import feedback, memos, presence, requests, rounds
from learner.ending import clear_leftovers
from learner.round import begin, run_round
from learner.schedule import (
    UNCHANGED,
    Look,
    due,
    is_quiet,
    make_scheduler,
    next_look,
    reschedule,
)
from learner.withdrawal import still_known, tried_to_unlearn
from learner.workshop import Workshop

POLL_SECONDS: Final = 1.5
SHOW_SECONDS: Final = 5.0
_log = structlog.get_logger(__name__)


class Watch:
    """A learner at work.

    Args:
        shop: what rounds are given; its `stopping` should be `stop.is_set`.
        stop: set to end.
        parent: the process after whose end this one finishes its round, and ends; None outlives
            everybody.
    """

    def __init__(self, shop: Workshop, stop: asyncio.Event, *, parent: int | None = None) -> None:
        self._shop = shop
        self._stop = stop
        self._parent = parent
        self._is_child = parent is not None and os.getppid() == parent
        self._time_to_look = asyncio.Event()
        self._scheduler: Any = None
        self._schedule = UNCHANGED
        self._round: int | None = None

    async def run(self) -> None:
        """Watch until told to stop. What nobody foresaw is raised; the open round is kept."""
        await clear_leftovers(self._shop)
        async with self._shop.database.read() as conn:
            last = await rounds.last_look(conn)
            self._schedule = await memos.schedule(conn)
        self._scheduler = make_scheduler(
            self._shop.settings,
            self._look_later,
            now=self._shop.now(),
            last=last,
            changed=self._schedule,
        )
        self._scheduler.start()
        showing = asyncio.create_task(self._keep_showing())
        try:
            while not self._stop.is_set():
                if showing.done():
                    showing.result()
                if self._is_orphan():  # looked at between rounds: one that runs is finished
                    _log.info("the bot is gone, the learner ends", parent=self._parent)
                    self._stop.set()
                    break
                found = await self._next_round()
                if found is not None:
                    self._round = found.id
                    await run_round(self._shop, found)
                    self._round = None
                    gc.collect()  # the base model is let go of now, not some time later
                else:
                    await _sleep(self._stop, POLL_SECONDS)
        finally:
            self._scheduler.shutdown(wait=False)
            showing.cancel()
            await asyncio.wait([showing])
            async with self._shop.database.write() as tx:
                await presence.leave(tx, "learner", os.getpid())

    def _is_orphan(self) -> bool:
        # A dead parent that nobody buried still has a process id, but no children any more.
        if self._is_child:
            return os.getppid() != self._parent
        return self._parent is not None and not is_alive(self._parent)

    async def _look_later(self) -> None:
        """What the scheduler calls: only a note, so that all rounds begin in one place."""
        self._time_to_look.set()

    async def _next_round(self) -> Round | None:
        """The round to run now: one that was put down, or a new one if it is due."""
        database, settings = self._shop.database, self._shop.settings
        async with database.read() as conn:
            unfinished = await rounds.unfinished(conn)
            asked = await requests.pending(conn)
            schedule = await memos.schedule(conn)
            last = await rounds.last_look(conn)
        if schedule != self._schedule:
            _log.info("an admin changed the schedule", paused=schedule.paused)
            self._schedule = schedule
            now = self._shop.now()
            reschedule(self._scheduler, settings, schedule, now=now, last=last)
        if unfinished:
            _log.info("a round is taken up", round=unfinished[0].id)
            return unfinished[0]
        wishes = [request for request in asked if request.kind is RequestKind.TRAIN]
        # A look that falls into quiet hours is put off to their end: the next may be quiet as well.
        quiet = is_quiet(local(self._shop.now()).time(), settings.quiet_hours)
        scheduled = self._time_to_look.is_set() and not quiet
        if not quiet:
            self._time_to_look.clear()
        if not wishes and not scheduled:
            await self._answer_late_cancels(asked)
            return None
        async with database.read() as conn:
            since = await feedback.count_since(conn, await rounds.last_look(conn))
        base_model = self._shop.fingerprint
        lingering = await still_known(database, settings, base_model)
        verdict = due(
            Look(
                running=False,
                asked=bool(wishes),
                new_verdicts=since,
                enough=settings.learn_min_verdicts,
                local=local(self._shop.now()).time(),
                quiet=settings.quiet_hours,
                paused=schedule.paused,
                withdrawn=len(lingering.exchanges),
                tried=await tried_to_unlearn(database, base_model, lingering),
            )
        )
        _log.info("looked whether a round is due", due=verdict.yes, why=verdict.why)
        if not verdict.yes:
            return None
        trigger = "request" if wishes else "schedule"
        requested_by = wishes[0].member if wishes else None
        return await begin(self._shop, trigger=trigger, requested_by=requested_by)

    async def _answer_late_cancels(self, asked: list[Any]) -> None:
        for request in asked:
            async with self._shop.database.write() as tx:
                await requests.answer(tx, request.id, "No round was running.", self._shop.now())

    async def _keep_showing(self) -> None:
        """Say every few seconds that the learner lives."""
        while True:
            try:
                await self._show()
            except StoreError as error:
                _log.warning("cannot show that the learner lives", error=str(error))
            await asyncio.sleep(SHOW_SECONDS)

    async def _show(self) -> None:
        when = next_look(self._scheduler)
        async with self._shop.database.write() as tx:
            await presence.show(
                tx,
                "learner",
                os.getpid(),
                self._shop.now(),
                next_look=local(when).strftime("%Y-%m-%d %H:%M") if when else "",
                round=self._round,
            )


def local(at: datetime) -> datetime:
    """A time as the clocks here show it."""
    return at.astimezone()


def is_alive(pid: int) -> bool:
    """Whether there is a process of this id."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


async def _sleep(stop: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await stop.wait()
