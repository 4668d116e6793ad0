"""When a round is due: the decision (pure), and the APScheduler job that looks."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any, Final

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger

from bot.domain import Schedule
from bot.settings import Settings

SOON: Final = timedelta(seconds=10)
"""How long after its start the learner looks for the first time, if no look was due meanwhile."""


UNCHANGED: Final = Schedule()


@dataclass(frozen=True, slots=True)
class Look:
    """What is seen at a look.

    Attributes:
        running: whether a round runs.
        paused: whether an admin holds scheduled rounds back.
        asked: whether an admin has asked for one.
        new_verdicts: replies that were judged since the last round looked at the verdicts.
        enough: how many of them make a round worthwhile.
        local: the time of day here.
        quiet: start and end of the hours without scheduled rounds, or None.
        withdrawn: how many replies the live adapter knows and should not know any more.
        tried: whether the last round knew of just these and could not unlearn them. The same round
            once more would end the same way; another withdrawal, or enough new verdicts, may not.
    """

    running: bool
    asked: bool
    new_verdicts: int
    enough: int
    local: time
    quiet: tuple[time, time] | None = None
    paused: bool = False
    withdrawn: int = 0
    tried: bool = False


@dataclass(frozen=True, slots=True)
class Due:
    """Whether a round shall begin now, and why or why not, in words."""

    yes: bool
    why: str


def due(look: Look) -> Due:
    """Decide. An admin's wish waits for nothing but a round that runs already."""
    if look.running:
        return Due(False, "a round is running")
    if look.asked:
        return Due(True, "an admin asked for it")
    if look.paused:
        return Due(False, "scheduled learning is paused")
    if is_quiet(look.local, look.quiet):
        return Due(False, "these are quiet hours")
    if look.withdrawn and not look.tried:
        return Due(True, f"{look.withdrawn} replies that it was taught by were withdrawn")
    if look.new_verdicts < look.enough:
        return Due(False, f"{look.new_verdicts} of {look.enough} new verdicts")
    return Due(True, f"{look.new_verdicts} new verdicts")


def is_quiet(at: time, quiet: tuple[time, time] | None) -> bool:
    """Whether a time of day lies in the quiet hours, which may go over midnight.

    The start belongs to them, the end does not. From a time to itself is no time at all.
    """
    if quiet is None:
        return False
    start, end = quiet
    return start <= at < end if start <= end else at >= start or at < end


def first_look(now: datetime, last: datetime | None, every: timedelta) -> datetime:
    """When to look first after a start: when it would have been time, but not in the past.

    So a learner that is restarted often still looks. A last time that lies in the future is one
    that a wrong clock has told.
    """
    return max(now + SOON, min(last, now) + every) if last else now + SOON


def make_scheduler(
    settings: Settings,
    look: Callable[[], Awaitable[None]],
    *,
    now: datetime,
    last: datetime | None,
    changed: Schedule = UNCHANGED,
) -> Any:
    """A scheduler, not started yet, that calls `look` when settings and admins want it.

    A look that comes while another runs is left out; one that was missed (the machine slept) is
    made up for once.
    """
    scheduler = AsyncIOScheduler()
    scheduler.add_job(
        look,
        id=_JOB,
        max_instances=1,
        coalesce=True,
        misfire_grace_time=None,
        **_timing(settings, changed, now, last),
    )
    return scheduler


def reschedule(
    scheduler: Any, settings: Settings, changed: Schedule, *, now: datetime, last: datetime | None
) -> None:
    """Follow what an admin changed."""
    timing = _timing(settings, changed, now, last)
    scheduler.reschedule_job(_JOB, trigger=timing["trigger"])
    if "next_run_time" in timing:
        scheduler.modify_job(_JOB, next_run_time=timing["next_run_time"])


def _timing(
    settings: Settings, changed: Schedule, now: datetime, last: datetime | None
) -> dict[str, Any]:
    """An admin's word beats the settings; in both, a cron expression beats an interval."""
    cron = changed.cron or ("" if changed.every else settings.learn_cron)
    if cron:
        return {"trigger": crontab(cron)}
    every = timedelta(minutes=changed.every or settings.learn_every)
    trigger = IntervalTrigger(seconds=int(every.total_seconds()))
    return {"trigger": trigger, "next_run_time": first_look(now, last, every)}


def crontab(expression: str) -> CronTrigger:
    """What fires by a cron expression, in which 0 is Sunday; to APScheduler, 0 is Monday."""
    *before, weekdays = expression.split()
    named = ",".join(map(_named, weekdays.split(",")))
    return CronTrigger.from_crontab(" ".join([*before, named]))


_WEEKDAYS: Final = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")


def _named(days: str) -> str:
    """Weekdays that are given by number, by name; everything else as it is."""
    found = re.fullmatch(r"(\*(?=/)|[0-6])(?:-([0-6]))?(?:/([1-9]))?", days)
    if not found:
        return days
    first, last, step = found.groups()
    start = 0 if first == "*" else int(first)
    end = int(last) if last else 6 if step else start
    return ",".join(_WEEKDAYS[start : end + 1 : int(step or 1)]) or days


def next_look(scheduler: Any) -> datetime | None:
    """When the scheduler looks next, aware."""
    job = scheduler.get_job(_JOB)
    found: datetime | None = job.next_run_time if job else None
    return found


_JOB: Final = "look"
