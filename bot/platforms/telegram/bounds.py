"""How often Telegram may be called: in one chat, overall, and not at all while it says so.

Messages and edits share a chat's limit. Telegram allows about one a second in a private chat, 20 a
minute in a group, and 30 calls a second overall.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from bot.platforms.posting import Pace

PRIVATE_SECONDS: Final = 1.0
GROUP_SECONDS: Final = 3.2
CALL_SECONDS: Final = 0.036
_ALL: Final = "all"


def every(chat: int) -> float:
    """Seconds between two messages or edits in a chat; groups have negative ids."""
    return PRIVATE_SECONDS if chat > 0 else GROUP_SECONDS


class Bounds:
    """Keeps all calls of one bot within Telegram's limits. `sleep` and `clock` are a test's own."""

    def __init__(
        self,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        clock: Callable[[], float] | None = None,
    ) -> None:
        self.pace = Pace(sleep, clock)
        self.sleep = sleep
        self._clock = clock
        self._held: dict[int, float] = {}

    async def message(self, chat: int) -> None:
        """Wait for the chat's turn to send or edit a message, and take it."""
        await self.pace.wait(str(chat), every(chat))

    async def call(self, chat: int | None) -> None:
        """Wait until a call may be made at all.

        Whoever took a turn in a chat before Telegram asked for patience takes another one after.
        """
        while chat is not None and self.is_held(chat):
            await self.pace.wait(str(chat), every(chat))
        await self.pace.wait(_ALL, CALL_SECONDS)

    def hold(self, chat: int, seconds: float) -> None:
        """Call nothing in a chat for so long: Telegram asked for it."""
        now = self.now()
        self._held = {key: until for key, until in self._held.items() if until > now}
        self._held[chat] = max(self._held.get(chat, 0.0), now + seconds)
        self.pace.hold(str(chat), seconds)

    def is_held(self, chat: int) -> bool:
        """Whether Telegram asked for patience in a chat."""
        return self.held(chat) > 0

    def held(self, chat: int) -> float:
        """For how many more seconds Telegram asked for patience in a chat."""
        return max(0.0, self._held.get(chat, 0.0) - self.now())

    def now(self) -> float:
        """The time in seconds, from wherever the clock counts."""
        return self._clock() if self._clock else asyncio.get_running_loop().time()
