"""When a round is due: the decision (pure), and the APScheduler job that looks."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any, Final

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger

from bot.settings import Settings

SOON: Final = timedelta(seconds=10)
"""How long after its start the learner looks for the first time, if no look was due meanwhile."""


@dataclass(frozen=True, slots=True)
class Look:
    """What is seen at a look.

    Attributes:
        running: whether a round runs.
        asked: whether an admin has asked for one.
        new_verdicts: replies that were judged since the last round looked at the verdicts.
        enough: how many of them make a round worthwhile.
        local: the time of day here.
        quiet: start and end of the hours without scheduled rounds, or None.
    """

    running: bool
    asked: bool
    new_verdicts: int
    enough: int
    local: time
    quiet: tuple[time, time] | None = None


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
    if is_quiet(look.local, look.quiet):
        return Due(False, "these are quiet hours")
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

    So a learner that is restarted often still looks.
    """
    return max(now + SOON, last + every) if last else now + SOON


def make_scheduler(
    settings: Settings, look: Callable[[], Awaitable[None]], *, now: datetime, last: datetime | None
) -> Any:
    """A scheduler, not started yet, that calls `look` by LEARN_CRON or every LEARN_EVERY minutes.

    A look that comes while another runs is left out; one that was missed (the machine slept) is
    made up for once.
    """
    scheduler = AsyncIOScheduler()
    options: dict[str, Any] = {"max_instances": 1, "coalesce": True, "misfire_grace_time": None}
    if settings.learn_cron:
        scheduler.add_job(look, CronTrigger.from_crontab(settings.learn_cron), id=_JOB, **options)
    else:
        every = timedelta(minutes=settings.learn_every)
        trigger = IntervalTrigger(seconds=int(every.total_seconds()))
        first = first_look(now, last, every)
        scheduler.add_job(look, trigger, id=_JOB, next_run_time=first, **options)
    return scheduler


def next_look(scheduler: Any) -> datetime | None:
    """When the scheduler looks next, aware."""
    job = scheduler.get_job(_JOB)
    found: datetime | None = job.next_run_time if job else None
    return found


_JOB: Final = "look"
