"""An event loop on which waiting goes quickly: idle time counts many times over.

A platform's paces are seconds, a test's are milliseconds. While anything runs the clock runs as
always; only where the loop would sleep does it sleep for a fraction and say that the whole span has
passed. Whoever asks the loop for the time (asyncio's sleeps and timeouts, the platform's pace, the
server's limits) sees one and the same clock.
"""

from __future__ import annotations

import asyncio
import selectors
import time
from typing import Any, Final

SPEED: Final = 40.0
"""How many seconds pass in one second of waiting."""


class BriskSelector(selectors.DefaultSelector):
    """A selector that counts a wait `SPEED` times."""

    def __init__(self) -> None:
        """Begin at the real time."""
        super().__init__()
        self.ahead = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Wait for a fraction of `timeout`, and put the clock forward by the rest."""
        if timeout is None or timeout <= 0:
            return super().select(timeout)
        began = time.monotonic()
        ready = super().select(timeout / SPEED)
        self.ahead += (time.monotonic() - began) * (SPEED - 1)
        return ready


class BriskLoop(asyncio.SelectorEventLoop):
    """An event loop on a `BriskSelector`."""

    def __init__(self) -> None:
        """Make the loop."""
        self._brisk = BriskSelector()
        super().__init__(self._brisk)

    def time(self) -> float:
        """The loop's time, in seconds, with the waits that were cut short counted in full."""
        return super().time() + self._brisk.ahead


def factories(realtime: bool) -> dict[str, Any]:
    """The loops by name; the real one is for tests that talk with another process."""
    return {"real": asyncio.SelectorEventLoop} if realtime else {"brisk": BriskLoop}
