"""Which updates are under way, and how far all of them are safe. Pure; and the order in a chat."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Final

_WINDOW: Final = 10_000
"""An id so far below what was seen is no old update: Telegram has begun to count anew."""


class Ledger:
    """Remembers updates by their ids until all before them have ended too.

    Updates come again until they are acknowledged, and only all up to an id can be: so the oldest
    one that is under way holds the others back.
    """

    def __init__(self, handled: int | None = None) -> None:
        self._top = handled
        self._open: set[int] = set()
        self._ended: set[int] = set()

    @property
    def position(self) -> int | None:
        """All updates up to this id have ended; None if nothing was ever seen."""
        return min(self._open) - 1 if self._open else self._top

    @property
    def busy(self) -> bool:
        """Whether any update is under way."""
        return bool(self._open)

    def begin(self, update: int) -> bool:
        """An update came; False if it is known already."""
        if self._top is not None and update < self._top - _WINDOW and not self._open:
            self._top = None
            self._ended.clear()
        position = self.position
        if update in self._open or update in self._ended:
            return False
        if position is not None and update <= position:
            return False
        self._open.add(update)
        self._top = update if self._top is None else max(self._top, update)
        return True

    def end(self, update: int) -> None:
        """All that comes of an update is safe. A second time does nothing."""
        if update in self._open:
            self._open.remove(update)
            self._ended.add(update)
            position = self.position
            if position is not None:
                self._ended = {one for one in self._ended if one > position}


class Lanes:
    """Lets walks begin in the order of their entry, lane by lane."""

    def __init__(self) -> None:
        self._last: dict[str, asyncio.Event] = {}

    def enter(self, lane: str) -> Turn:
        """Stand in a lane; use the turn with `async with`."""
        return Turn(self._last, lane)


class Turn:
    """A place in a lane. `pass_on` lets the next one go before this one has ended."""

    def __init__(self, last: dict[str, asyncio.Event], lane: str) -> None:
        self._lanes, self._lane = last, lane
        self._before = last.get(lane)
        self._passed = last[lane] = asyncio.Event()

    def pass_on(self) -> None:
        """Let the next one go."""
        self._passed.set()
        if self._lanes.get(self._lane) is self._passed:
            del self._lanes[self._lane]

    async def __aenter__(self) -> Turn:
        if self._before is not None:
            try:
                await self._before.wait()
            except asyncio.CancelledError:
                self.pass_on()
                raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.pass_on()
