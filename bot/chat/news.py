"""Tells channels that asked for it what the bot has learned."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Final

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.chat.services import Services
from bot.domain import Adapter, Part
from bot.errors import StoreError
from bot.platforms.base import Platform
from bot.store import adapters, conversations, memos, review, rounds

log = structlog.get_logger()

_TOLD: Final = "promotion told"


async def keep_telling(
    services: Services, platforms: Mapping[str, Platform], *, every_seconds: float = 5.0
) -> None:
    """Tell again and again what is new, until cancelled. What was before the first time is old."""
    while True:
        try:
            await tell(services, platforms)
        except StoreError as error:
            log.warning("cannot look for news", error=str(error))
        await asyncio.sleep(every_seconds)


async def tell(services: Services, platforms: Mapping[str, Platform]) -> int:
    """Tell what is new; how many channels heard of it.

    The news is marked as told before it is: news that is lost does less harm than news that comes
    again at every start.
    """
    async with services.database.write() as tx:
        told = await memos.get(tx, _TOLD)
        found = await adapters.promotions_after(tx, told or 0)
        if not found and told is not None:
            return 0
        await memos.put(tx, _TOLD, found[-1].id if found else 0, services.now())
        learned = [p for p in found if p.kind == "round"]
        if told is None or not learned:
            return 0
        text = await describe(tx, await adapters.get(tx, learned[-1].version))
        places = [c.place for c in await conversations.every(tx) if c.announce]
    heard = [place for place in places if place.platform in platforms]
    for place in heard:
        await platforms[place.platform].announce(place, text)
    return len(heard)


async def describe(conn: AsyncConnection, adapter: Adapter) -> str:
    """What a version has learned, in a few sentences that name nobody."""
    lessons = await rounds.lessons(conn, adapter.round) if adapter.round is not None else []
    new = [lesson.exchange for lesson in lessons if lesson.part is Part.NEW]
    raters = {r.member for exchange in new for r in await review.raters(conn, exchange)}
    replies = "1 reply" if len(new) == 1 else f"{len(new)} replies"
    people = "1 person" if len(raters) == 1 else f"{len(raters)} people"
    lines = [
        f"I have learned something: version {adapter.version} answers from now on. "
        f"It was taught by {replies} that {people} rated."
    ]
    lines += _figures(adapter.metrics)
    lines.append("An admin can take it back with /rollback.")
    return " ".join(lines)


def _figures(metrics: Mapping[str, Any]) -> list[str]:
    held_out, anchors = metrics.get("held_out") or {}, metrics.get("anchors") or {}
    lines = []
    if held_out.get("live"):
        fall = 1 - held_out["candidate"] / held_out["live"]
        lines.append(f"Replies of the kind you like surprise it {fall:.0%} less than before.")
    if anchors.get("base"):
        drift = anchors["candidate"] / anchors["base"] - 1
        lines.append(f"Its general answers drifted by {drift:+.1%}.")
    return lines
