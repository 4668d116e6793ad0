"""Whose turn it is: a channel's replies come one after the other, and what waits may yet change."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from bot.domain import Message, Place


class ChannelTurns:
    """One lock a channel, so that its replies come in order; a lock lives while it is wanted."""

    def __init__(self) -> None:
        self._locks: dict[int, tuple[asyncio.Lock, int]] = {}

    def of(self, channel: int) -> _Turn:
        """The channel's turn, to be taken with `async with`."""
        return _Turn(self._locks, channel)

    def ahead(self, channel: int) -> int:
        """How many have the channel's turn or wait for it."""
        return self._locks[channel][1] if channel in self._locks else 0

    async def settled(self, channel: int) -> None:
        """Wait until whoever has the channel's turn now has ended."""
        if channel in self._locks:
            async with self._locks[channel][0]:
                pass


class _Turn:
    def __init__(self, locks: dict[int, tuple[asyncio.Lock, int]], channel: int) -> None:
        self._locks, self._channel = locks, channel

    async def __aenter__(self) -> None:
        lock, wanted = self._locks.get(self._channel, (asyncio.Lock(), 0))
        self._locks[self._channel] = (lock, wanted + 1)
        try:
            await lock.acquire()
        except asyncio.CancelledError:
            self._leave()
            raise

    async def __aexit__(self, *_: object) -> None:
        self._locks[self._channel][0].release()
        self._leave()

    def _leave(self) -> None:
        lock, wanted = self._locks.pop(self._channel)
        if wanted > 1:
            self._locks[self._channel] = (lock, wanted - 1)


@dataclass(slots=True)
class Waiting:
    """A message that is not kept yet: what it says by now, and whether its author took it back."""

    text: str
    gone: bool = False


class WaitingRoom:
    """The messages that wait for their turn. They are in no store yet, so edits find them here."""

    def __init__(self) -> None:
        self._waiting: dict[tuple[str, str, str], list[Waiting]] = defaultdict(list)

    @contextmanager
    def wait(self, message: Message) -> Iterator[Waiting]:
        """Let a message wait until the end of the block."""
        key, waiting = _key(message.place, message.external_id), Waiting(message.text)
        self._waiting[key].append(waiting)
        try:
            yield waiting
        finally:
            self._waiting[key].remove(waiting)
            if not self._waiting[key]:
                del self._waiting[key]

    def edit(self, place: Place, external_id: str, text: str) -> None:
        """A message says something else from now on, if it waits here."""
        for waiting in self._waiting.get(_key(place, external_id), ()):
            waiting.text = text

    def remove(self, place: Place, external_ids: Collection[str]) -> None:
        """Messages were deleted; those that wait here are not answered any more."""
        for external_id in external_ids:
            for waiting in self._waiting.get(_key(place, external_id), ()):
                waiting.gone = True


def _key(place: Place, external_id: str) -> tuple[str, str, str]:
    return place.platform, place.channel, external_id
