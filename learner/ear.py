"""What long work in a thread listens to, and says, while it runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bot.domain import Progress


class Stopped(Exception):
    """The work was told to stop, and has stopped with everything in order. Not a failure."""


def _silent(_progress: Progress) -> None:
    return


@dataclass(frozen=True, slots=True)
class Ear:
    """Called by the work, from its own thread, in all moments in which it could pause or end.

    Attributes:
        tell: takes the progress, often; it must return at once.
        wait: returns when the chat does not need the processor, or after a while anyway.
        told_to_stop: whether to end now.
    """

    tell: Callable[[Progress], None] = _silent
    wait: Callable[[], None] = lambda: None
    told_to_stop: Callable[[], bool] = lambda: False

    def pause(self) -> None:
        """Let the chat go first. Raises `Stopped` when the work shall end."""
        if not self.told_to_stop():
            self.wait()
        if self.told_to_stop():
            raise Stopped
