"""What must be known of Telegram's updates at the next start, and where it is kept."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

import structlog

from bot.platforms.base import Room
from bot.platforms.walks import end

log = structlog.get_logger()

NOTE: Final = "updates of telegram"
_TRY_AGAIN_SECONDS: Final = 5.0

WINDOW: Final = 10_000
"""An id so far below what was seen is no old update: Telegram has begun to count anew."""

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Past:
    """What came of the updates so far.

    Attributes:
        position: all updates up to this id have ended or are under way; None: nobody polled yet.
        ended: ids of updates that Telegram may bring again, though all that comes of them is safe.
        under_way: updates that have not ended and that Telegram does not bring again, as it sent
            them. They hold what people wrote, so they go as soon as they have ended.
    """

    position: int | None = None
    ended: tuple[int, ...] = ()
    under_way: tuple[Json, ...] = ()

    def reaches(self, update: int) -> bool:
        """Whether the position tells of an update. Far below it are those of a later count."""
        return self.position is not None and 0 <= self.position - update < WINDOW


def read(note: str, bot: int) -> Past:
    """The past that a note tells of; none if it is empty, or of another bot than the one given."""
    told = json.loads(note or "{}")
    if told.get("bot") != bot:
        return Past()
    return Past(told["position"], tuple(told["ended"]), tuple(told["under_way"]))


def write(past: Past, bot: int) -> str:
    """A bot's past as a note."""
    return json.dumps({"bot": bot, **asdict(past)})


class Keeper:
    """Keeps a bot's past on disk; `past` says what it is by now. The newest wins.

    What people wrote stays in no corner of the disk once it has ended, and nothing of another bot.
    """

    def __init__(self, room: Room, bot: int, past: Callable[[], Past]) -> None:
        self._room = room
        self._bot = bot
        self._past = past
        self._kept = ""
        self._holds: frozenset[int] = frozenset()
        self._keeping = asyncio.Lock()
        self._changed = asyncio.Event()
        self._running: asyncio.Task[None] | None = None

    async def open(self) -> Past:
        """What was kept last. From now on it is kept whenever it changes."""
        self._kept = await self._room.note(NOTE) or ""
        found = read(self._kept, self._bot)
        if self._kept and found == Past():
            await self._room.keep_note(NOTE, "", forget=True)
            self._kept = ""
        self._holds = _numbers(found)
        self._running = asyncio.create_task(self._run())
        return found

    async def close(self) -> None:
        """Keep it for the last time."""
        if self._running is not None:
            await end(self._running)
            await self.keep()

    def change(self) -> None:
        """The past is another one; it is kept soon."""
        self._changed.set()

    async def _run(self) -> None:
        while True:
            await self._changed.wait()
            self._changed.clear()
            await self.keep()

    async def keep(self) -> bool:
        """Keep it now; whether it is on disk. The room does not raise, so that is looked at."""
        async with self._keeping:
            past = self._past()
            text = write(past, self._bot)
            if text != self._kept:
                left = bool(self._holds - _numbers(past))
                await self._room.keep_note(NOTE, text, forget=left)
                self._kept = await self._room.note(NOTE) or ""
                self._holds = _numbers(read(self._kept, self._bot))
            return self._kept == text

    async def keep_surely(self) -> None:
        """Keep it now, and come back only when it is on disk."""
        while not await self.keep():
            log.warning("cannot keep which updates are under way")
            await asyncio.sleep(_TRY_AGAIN_SECONDS)


def _numbers(past: Past) -> frozenset[int]:
    """The ids of the updates that are kept with what people wrote."""
    return frozenset(update["update_id"] for update in past.under_way)
