"""Admins' orders to the learner, and what it has made."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime
from typing import Final

from apscheduler.triggers.cron import CronTrigger
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.chat import status
from bot.chat.orders.order import Ask, Command
from bot.domain import RequestKind, Role, Schedule
from bot.errors import Refused
from bot.platforms.base import Answer
from bot.store import adapters, audit, memos, requests, rounds

_VERSION: Final = re.compile(r"v?[0-9]{1,9}")
_MINUTES: Final = range(1, 100_001)


async def _train(ask: Ask) -> Answer:
    what = ask.words[0].lower() if ask.words else "status"
    running = await rounds.unfinished(ask.tx)
    if what == "status":
        return Answer("\n".join(await status.of_learning(ask.tx)), live=bool(running))
    if not ask.member.role.may_act_as(Role.ADMIN):
        raise Refused(f"/train {what} is for admins.")
    if what == "now":
        if running:
            raise Refused(f"Round {running[0].id} is running already. /train status shows it.")
        await requests.ask(ask.tx, RequestKind.TRAIN, ask.now, ask.member.id)
        await audit.note(ask.tx, ask.actor, "train now", ask.now)
        alive = (await status.gather(ask.tx, ask.now)).learner
        how = "" if alive else " The learner is not running; it will begin when it is started."
        return Answer(
            f"I asked for a round of learning.{how} /train status shows how it goes.", live=alive
        )
    if what == "cancel":
        waiting = [r for r in await requests.pending(ask.tx) if r.kind is RequestKind.TRAIN]
        for request in waiting:
            await requests.answer(ask.tx, request.id, "cancelled", ask.now)
        if running:
            await requests.ask(ask.tx, RequestKind.CANCEL, ask.now, ask.member.id)
        elif not waiting:
            raise Refused("No round is running.")
        await audit.note(ask.tx, ask.actor, "train cancel", ask.now)
        return Answer("The round is being cancelled. What is live stays live.")
    raise Refused("Say /train now, /train status or /train cancel.")


async def _learning(ask: Ask) -> Answer:
    match [word.lower() for word in ask.words]:
        case []:
            return Answer(await _when(ask))
        case ["pause" | "resume" as what]:
            changed = replace(await memos.schedule(ask.tx), paused=what == "pause")
        case ["schedule"]:
            return Answer(await _when(ask))
        case ["schedule", "reset"]:
            changed = Schedule(paused=(await memos.schedule(ask.tx)).paused)
        case ["schedule", *given]:
            changed = _scheduled(await memos.schedule(ask.tx), given)
        case _:
            raise Refused(
                "Say /learning pause, /learning resume, or /learning schedule with minutes, a "
                "cron expression of five fields, or reset."
            )
    await memos.set_schedule(ask.tx, changed, ask.now)
    await audit.note(ask.tx, ask.actor, "learning", ask.now, " ".join(ask.words)[:200])
    return Answer(await _when(ask))


def _scheduled(before: Schedule, given: list[str]) -> Schedule:
    """The schedule with what an admin wrote: "90" minutes or "0 3 * * *"."""
    if len(given) == 1 and given[0].isdecimal() and int(given[0]) in _MINUTES:
        return replace(before, every=int(given[0]), cron="")
    try:
        CronTrigger.from_crontab(" ".join(given))
    except ValueError:
        raise Refused(
            "Say /learning schedule 90 for every 90 minutes, or a cron expression of five fields "
            "such as /learning schedule 0 3 * * *."
        ) from None
    return replace(before, every=None, cron=" ".join(given))


async def _when(ask: Ask) -> str:
    """When the learner looks for work, in a sentence."""
    settings, changed = ask.services.settings, await memos.schedule(ask.tx)
    cron = changed.cron or ("" if changed.every else settings.learn_cron)
    often = f"by the schedule {cron}" if cron else _minutes(changed.every or settings.learn_every)
    what = "would look" if changed.paused else "looks"
    words = f"The learner {what} for work {often}"
    if settings.learn_quiet_hours:
        words += f", but not in the quiet hours {settings.learn_quiet_hours}"
    if changed.paused:
        words += ". Scheduled learning is paused; /train now still works"
    return f"{words}."


def _minutes(every: int) -> str:
    return "every minute" if every == 1 else f"every {every} minutes"


async def _adapters(ask: Ask) -> Answer:
    found = await adapters.every(ask.tx, ask.base_model)
    if not found:
        return Answer("No adapter yet: the base model answers as it came.")
    lines = (
        f"{row['version']}: {row['state']}, from {row['parent']}, taught by {row['data']}, "
        f"held-out loss {row['held-out loss']}, {row['created']}"
        for row in status.table(found)
    )
    return Answer("\n".join(lines))


async def _promote(ask: Ask) -> Answer:
    if len(ask.words) != 1 or not _VERSION.fullmatch(ask.words[0]):
        raise Refused("Say which version: /promote 3. /adapters lists them; 0 is the base model.")
    return await _switched(ask, int(ask.words[0].lstrip("v")), "promote")


async def _rollback(ask: Ask) -> Answer:
    target = await adapters.rollback_target(ask.tx, ask.base_model)
    return await _switched(ask, target, "rollback")


async def _switched(ask: Ask, version: int, kind: str) -> Answer:
    if ask.ask:
        line = "/rollback" if kind == "rollback" else f"/promote {version}"
        return Answer(
            f"{adapters.name(version)} will answer from then on, here and everywhere. Shall it?",
            confirm=line,
        )
    return Answer(
        await switch(
            ask.tx, version, base_model=ask.base_model, actor=ask.actor, at=ask.now, kind=kind
        )
    )


async def switch(
    tx: AsyncConnection, version: int, *, base_model: str, actor: str, at: datetime, kind: str
) -> str:
    """Make a version live in the store, audited; the running bot follows within a second or two."""
    previous = await adapters.promote(
        tx, version, base_model=base_model, actor=actor, at=at, kind=kind
    )
    await audit.note(tx, actor, kind, at, f"version {version}", previous=previous)
    return (
        f"{adapters.name(version)} is live now in place of "
        f"{adapters.name(previous)[0].lower()}{adapters.name(previous)[1:]}. "
        "Replies that are being written finish on the old one."
    )


COMMANDS: Final = (
    Command("train", "now|status|cancel", "a round of learning", Role.MEMBER, _train),
    Command("adapters", "", "what I have learned, by version", Role.MODERATOR, _adapters),
    Command("promote", "VERSION", "make a version live", Role.ADMIN, _promote),
    Command("rollback", "", "go back to what was live before", Role.ADMIN, _rollback),
    Command(
        "learning",
        "[pause|resume|schedule] [WHEN]",
        "when I learn",
        Role.ADMIN,
        _learning,
    ),
)
