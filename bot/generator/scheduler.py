"""Who runs, who waits, and who reads how much next. Pure; knows nothing of torch."""

from __future__ import annotations

from collections import deque
from typing import Generic, Protocol, TypeVar


class Unread(Protocol):
    """What the scheduler sees of a row."""

    @property
    def unread(self) -> int:
        """Tokens of its prompt that the model has not read yet; 0 when it writes."""


Row = TypeVar("Row", bound=Unread)


class Scheduler(Generic[Row]):
    """First come, first served. A waiting row gets a place as soon as one is free.

    Args:
        places: most rows that run side by side.
        chunk: most prompt tokens read in one step, so that a long prompt does not stall the
            writing of the others.
    """

    def __init__(self, places: int, chunk: int) -> None:
        self._places = places
        self._chunk = chunk
        self.waiting: deque[Row] = deque()
        self.running: list[Row] = []

    @property
    def idle(self) -> bool:
        """Whether there is nothing to do."""
        return not self.waiting and not self.running

    def add(self, row: Row) -> None:
        """Put a row at the end of the queue."""
        self.waiting.append(row)

    def admit(self) -> list[Row]:
        """Move the first waiting rows to the free places; returns the rows moved."""
        free = min(self._places - len(self.running), len(self.waiting))
        admitted = [self.waiting.popleft() for _ in range(free)]
        self.running += admitted
        return admitted

    def drop(self, row: Row) -> None:
        """Take a row out, wherever it is, if it is still anywhere."""
        if row in self.running:
            self.running.remove(row)
        elif row in self.waiting:
            self.waiting.remove(row)

    def reads(self) -> list[tuple[Row, int]]:
        """Which rows read how many tokens of their prompts next, the oldest first."""
        left, reads = self._chunk, []
        for row in self.running:
            if row.unread and left:
                count = min(row.unread, left)
                reads.append((row, count))
                left -= count
        return reads
