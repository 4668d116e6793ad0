"""Which updates are under way, and how far all of them are safe. Pure; and the order in a chat."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from types import TracebackType

from bot.platforms.telegram.past import WINDOW


class Ledger:
    """Remembers updates by their ids until all before them have ended too.

    Updates come again until they are acknowledged, and only all up to an id can be: so the oldest
    one that is under way holds the others back, unless it is carried: somebody else keeps it.

    Args:
        position: see `position`, as it was at the end of the last run.
        ended: updates above it that ended then.
        carried: updates that were carried then, and are under way again.
    """

    def __init__(
        self,
        position: int | None = None,
        ended: Collection[int] = (),
        carried: Collection[int] = (),
    ) -> None:
        self._top = position
        self._ended = set(ended)
        self._open = set(carried)
        self._carried = set(carried)

    @property
    def position(self) -> int | None:
        """All updates up to this id have ended or are carried; None if nothing was ever seen."""
        waiting = self._open - self._carried
        return min(waiting) - 1 if waiting else self._top

    @property
    def ended(self) -> Collection[int]:
        """The updates above the position that have ended."""
        return sorted(self._ended)

    @property
    def under_way(self) -> Collection[int]:
        """The updates that have not ended."""
        return sorted(self._open)

    @property
    def busy(self) -> bool:
        """Whether any update holds others back."""
        return bool(self._open - self._carried)

    def begin(self, update: int) -> bool:
        """An update came; False if it is known already."""
        if self._top is not None and update < self._top - WINDOW and not self._open:
            self._top = None
            self._ended.clear()
        position = self.position
        known = update in self._open or update in self._ended
        if not known and position is not None and update <= position:
            return False
        if not known:
            self._open.add(update)
        self._top = update if self._top is None else max(self._top, update)
        return not known

    def end(self, update: int) -> None:
        """All that comes of an update is safe. A second time does nothing."""
        if update in self._open:
            self._open.remove(update)
            self._carried.discard(update)
            self._ended.add(update)
            self._prune()

    def carry(self) -> None:
        """From now on all that is under way is kept by somebody else, and holds nothing back."""
        self._carried = set(self._open)
        self._prune()

    def _prune(self) -> None:
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
