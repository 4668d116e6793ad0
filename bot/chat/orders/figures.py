"""How the bot does over time, for admins: in words and as a picture."""

from __future__ import annotations

import asyncio
from typing import Final

from bot.chat import chart, stats
from bot.chat.orders.order import Ask, Command, Later
from bot.domain import Role
from bot.platforms.base import Answer, Attachment


async def _stats(ask: Ask) -> Later:
    found = await stats.gather(ask.tx, ask.now)

    async def draw() -> Answer:
        picture = await asyncio.to_thread(chart.draw, found)
        return Answer("\n".join(found.lines()), Attachment("stats.png", picture, "image/png"))

    return draw


COMMANDS: Final = (
    Command("stats", "", "ratings, approval and losses over time", Role.ADMIN, _stats),
)
