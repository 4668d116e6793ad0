"""How often a member and a channel are answered: a sliding minute, in memory.

A restart forgives everybody; that is deliberate, since the limits guard the machine and not a
contract.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable
from datetime import datetime, timedelta
from typing import Final

_MINUTE: Final = timedelta(minutes=1)


class Limits:
    """Counts replies by member and by channel. Rates are replies in a minute."""

    def __init__(self, *, member_rate: int, channel_rate: int) -> None:
        self._rates = {"member": member_rate, "channel": channel_rate}
        self._taken: dict[tuple[str, Hashable], deque[datetime]] = {}
        self._told: dict[int, datetime] = {}

    def take(self, member: int, channel: int, now: datetime) -> float:
        """Take one reply; 0 when granted, else the seconds until one is free (nothing is taken)."""
        wait = self.peek(member, channel, now)
        if not wait:
            for key in (("member", member), ("channel", channel)):
                self._taken.setdefault(key, deque()).append(now)
        return wait

    def peek(self, member: int, channel: int, now: datetime) -> float:
        """What `take` would return; nothing is taken."""
        self._drop_old(now)
        keys = (("member", member), ("channel", channel))
        return max(
            self._wait(kind, self._taken.get((kind, row), deque()), now) for kind, row in keys
        )

    def tell(self, member: int, now: datetime) -> bool:
        """Whether to tell a member that they have to wait: once a minute, lest it floods."""
        self._told = {who: at for who, at in self._told.items() if at > now - _MINUTE}
        if member in self._told:
            return False
        self._told[member] = now
        return True

    def _wait(self, kind: str, taken: deque[datetime], now: datetime) -> float:
        if len(taken) < self._rates[kind]:
            return 0.0
        return max((taken[0] + _MINUTE - now).total_seconds(), 0.001)

    def _drop_old(self, now: datetime) -> None:
        for key, taken in list(self._taken.items()):
            while taken and taken[0] <= now - _MINUTE:
                taken.popleft()
            if not taken:
                del self._taken[key]
