"""Whose turn it is: a channel's replies come one after the other."""

from __future__ import annotations

import asyncio


class ChannelTurns:
    """One lock a channel, so that its replies come in order; a lock lives while it is wanted."""

    def __init__(self) -> None:
        self._locks: dict[int, tuple[asyncio.Lock, int]] = {}

    def of(self, channel: int) -> _Turn:
        """The channel's turn, to be taken with `async with`."""
        return _Turn(self._locks, channel)


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
