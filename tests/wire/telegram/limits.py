"""Telegram's limits on what a bot may send, counted; going over one is seen by the test.

https://core.telegram.org/bots/faq: about one message a second in a chat (a short burst is let
pass), twenty a minute in a group, thirty a second overall. Edits count like messages. Drafts are
counted apart, at the same pace.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from tests.wire.telegram.refusals import Refusal

BURST: Final = 3
GROUP_MINUTE: Final = 20
OVERALL_SECOND: Final = 30
_MINUTE: Final = 59.0
"""A second less than a minute: two clocks and the road between them are not that exact."""


@dataclass(frozen=True)
class Violation:
    """A call that came too soon."""

    method: str
    chat: int
    limit: str
    at: float


class Limits:
    """Counts the calls by chat and overall. `clock` gives seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """Nothing is counted yet."""
        self._clock = clock
        self.violations: list[Violation] = []
        self._due: dict[tuple[int, bool], float] = {}
        self._minutes: dict[int, deque[float]] = {}
        self._overall: deque[float] = deque()
        self._holds: dict[int, tuple[int, float | None]] = {}

    def hold(self, chat: int, seconds: int) -> None:
        """Answer a chat's next call with 429; a further one within `seconds` is a violation."""
        self._holds[chat] = (seconds, None)

    def take(self, method: str, chat: int, *, group: bool, draft: bool = False) -> None:
        """Count a call, or refuse it with `retry_after`."""
        now = self._clock()
        self._held(method, chat, now)
        second, minute = self._overall, self._minutes.setdefault(chat, deque())
        _drop(second, now - 1.0)
        _drop(minute, now - _MINUTE)
        due = self._due.get((chat, draft), 0.0)
        waits = {
            "one a second in a chat": due - (BURST - 1) - now,
            "twenty a minute in a group": minute[0] + _MINUTE - now
            if group and len(minute) >= GROUP_MINUTE
            else 0.0,
            "thirty a second": second[0] + 1.0 - now if len(second) >= OVERALL_SECOND else 0.0,
        }
        limit, wait = max(waits.items(), key=lambda item: item[1])
        if wait > 1e-6:
            self.violations.append(Violation(method, chat, limit, now))
            raise _patience(wait)
        self._due[chat, draft] = max(due, now) + 1.0
        second.append(now)
        if not draft:
            minute.append(now)

    def _held(self, method: str, chat: int, now: float) -> None:
        if chat not in self._holds:
            return
        seconds, until = self._holds[chat]
        if until is None:
            self._holds[chat] = (seconds, now + seconds)
            raise _patience(seconds)
        if now < until:
            self.violations.append(Violation(method, chat, "retry_after", now))
            raise _patience(until - now)
        del self._holds[chat]


def _patience(seconds: float) -> Refusal:
    wait = max(1, math.ceil(seconds))
    return Refusal(429, f"Too Many Requests: retry after {wait}", retry_after=wait)


def _drop(times: deque[float], before: float) -> None:
    while times and times[0] <= before:
        times.popleft()
