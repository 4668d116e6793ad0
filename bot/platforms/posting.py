"""A reply on its way to a platform that shows it by sending messages and editing them.

The one place that decides how often a growing reply is redrawn and into which messages it is split;
a platform brings a `Surface` with its four or five calls. The newest text wins: however quickly
pieces come, there is at most one call at a time, calls keep to the pace of their channel, and the
last one always carries the complete text.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, Protocol

import structlog

from bot.platforms.formatting import split

log = structlog.get_logger()

CURSOR: Final = " ▌"
"""Stands at the end of a reply that is still being written."""


class Surface(Protocol):
    """One conversation on a platform, and the message in it that is being answered.

    Its calls wait and try again by themselves when the platform asks for patience. Every text fits
    `max_chars`.
    """

    async def typing(self) -> None:
        """Show that somebody types; it lasts a few seconds, and is asked for again."""

    async def send(self, text: str, *, exchange: int | None) -> str:
        """Send one message and return its id; with an exchange it gets rating buttons."""

    async def edit(self, message: str, text: str, *, exchange: int | None) -> str | None:
        """Change a message that was sent; returns its id, or None if it is gone (deleted)."""

    async def remove(self, message: str) -> None:
        """Take back a message that was sent, if it is still there."""

    async def whisper(self, text: str) -> None:
        """Say something to the one who asked, alone if the platform can."""


class Pace:
    """When the next call in each channel may be made: one every `seconds`, whoever makes it.

    `sleep` and `clock` are asyncio's unless a test brings its own.
    """

    def __init__(
        self,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        clock: Callable[[], float] | None = None,
    ) -> None:
        self._sleep = sleep
        self._clock = clock
        self._next: dict[str, float] = {}

    async def wait(self, channel: str, seconds: float) -> None:
        """Wait for the channel's turn, and take it."""
        now = self._now()
        at = max(now, self._next.get(channel, 0.0))
        self._next = {key: when for key, when in self._next.items() if when > now}
        self._next[channel] = at + seconds
        if at > now:
            try:
                await self._sleep(at - now)
            except asyncio.CancelledError:
                if self._next.get(channel) == at + seconds:
                    self._next[channel] = at  # nobody lined up behind: the turn is free again
                raise

    def hold(self, channel: str, seconds: float) -> None:
        """Make no call in the channel for so long: the platform asked for it."""
        self._next[channel] = max(self._next.get(channel, 0.0), self._now() + seconds)

    def _now(self) -> float:
        return self._clock() if self._clock else asyncio.get_running_loop().time()


class Posting:
    """Implements `Outlet` on a `Surface`.

    Args:
        channel: the channel's key in `pace`.
        every: seconds between two edits in the channel.
        max_chars: the longest message, in the units of `length`.
        length: how the platform measures a text (Telegram: in UTF-16 units).
    """

    def __init__(
        self,
        surface: Surface,
        pace: Pace,
        *,
        channel: str,
        every: float,
        max_chars: int,
        length: Callable[[str], int] = len,
    ) -> None:
        self._surface = surface
        self._pace = pace
        self._channel = channel
        self._every = every
        self._max = max_chars
        self._length = length
        self._text = ""
        self._exchange: int | None = None
        self._queued = False
        self._done = False
        self._drawn: list[_Drawn] = []
        self._calling = asyncio.Lock()
        self._drawing: asyncio.Task[None] | None = None
        self._typing: asyncio.Task[None] | None = None

    async def thinking(self) -> None:
        """See `Outlet.thinking`: somebody types until the first words are shown."""
        if self._typing is None:
            self._typing = asyncio.create_task(self._keep_typing())
            self._typing.add_done_callback(_retrieve)

    async def waiting(self, ahead: int) -> None:
        """See `Outlet.waiting`: the message that says so becomes the reply."""
        replies = "reply comes" if ahead == 1 else "replies come"
        self._queued = True
        await self._redraw(f"⏳ {ahead} {replies} before yours; I am on it.")

    async def show(self, text: str) -> None:
        """See `Outlet.show`: never waits for the platform."""
        if text.strip():
            self._queued = False
            await self._redraw(text)

    async def finish(self, text: str, exchange: int) -> Sequence[str]:
        """See `Outlet.finish`."""
        self._stop_typing()
        self._text, self._exchange, self._done, self._queued = text, exchange, True, False
        drawing, self._drawing = self._drawing, None
        if drawing is not None:  # it has taken its turn in the channel already: it brings this
            await asyncio.wait([drawing])
            _retrieve(drawing)
        await self._draw()
        kept = len(self._wanted())
        for surplus in self._drawn[kept:]:
            await self._surface.remove(surplus.message)
        return [drawn.message for drawn in self._drawn[:kept]]

    async def notice(self, text: str) -> None:
        """See `Outlet.notice`. A reply that broke off keeps what it had, without the cursor."""
        await self._settle()
        if self._drawn and not self._done:
            self._done = True
            if self._queued:  # there is nothing yet but the word that it waits
                self._text = text
            await self._draw()
            if self._queued:
                return
        await self._surface.whisper(text)

    async def close(self) -> None:
        """End what still goes on in the background; for whoever gives up on the reply."""
        await self._settle()
        if self._queued and not self._done:  # it was announced, and nobody waits for it any more
            for drawn in self._drawn:
                await self._surface.remove(drawn.message)

    @property
    def begun(self) -> bool:
        """Whether anybody can see that there will be a reply, and it is not complete yet."""
        return not self._done and (self._typing is not None or bool(self._drawn))

    async def _redraw(self, text: str) -> None:
        self._text = text
        if self._drawing is None or self._drawing.done():
            _retrieve(self._drawing)
            self._drawing = asyncio.create_task(self._draw())

    async def _draw(self) -> None:
        """Bring the platform's messages to the newest text, one call for each turn of the pace."""
        while self._stale() is not None:
            await self._pace.wait(self._channel, self._every)
            async with self._calling:
                at = self._stale()  # what has come meanwhile is in it
                if at is not None:
                    await self._put(at, *self._wanted()[at])

    def _wanted(self) -> list[tuple[str, int | None]]:
        """The texts that the messages should show, and the exchange that the last one carries."""
        cursor = "" if self._done or self._queued else CURSOR
        parts = split(self._text, self._max - self._length(cursor), self._length)
        last = len(parts) - 1
        return [
            (part + cursor, self._exchange) if at == last else (part, None)
            for at, part in enumerate(parts)
        ]

    def _stale(self) -> int | None:
        """The first message that does not show yet what it should."""
        for at, (text, exchange) in enumerate(self._wanted()):
            if at >= len(self._drawn):
                return at
            drawn = self._drawn[at]
            if (drawn.text, drawn.exchange) != (text, exchange) and (self._done or not drawn.gone):
                return at
        return None

    async def _put(self, at: int, text: str, exchange: int | None) -> None:
        """One call. A message that somebody deleted is sent again only when the reply is done."""
        if not self._queued:
            self._stop_typing()
        drawn = self._drawn[at] if at < len(self._drawn) else None
        message = None
        if drawn is not None and not drawn.gone:
            message = await self._surface.edit(drawn.message, text, exchange=exchange)
        gone = drawn is not None and message is None and not self._done
        if message is None and not gone:
            message = await self._surface.send(text, exchange=exchange)
        now = _Drawn(message or "", text, exchange, gone)
        self._drawn[at : at + 1] = [now]

    async def _settle(self) -> None:
        """End what goes on in the background, after the call that is under way."""
        self._stop_typing()
        drawing, self._drawing = self._drawing, None
        if drawing is not None:
            async with self._calling:
                drawing.cancel()
            await asyncio.wait([drawing])
        _retrieve(drawing)

    async def _keep_typing(self) -> None:
        while True:
            await self._surface.typing()
            await asyncio.sleep(TYPING_SECONDS)

    def _stop_typing(self) -> None:
        if self._typing is not None:
            self._typing.cancel()


async def attend(walk: Awaitable[None], posting: Posting) -> None:
    """See a walk through that answers by a posting; who waits for one that is cut off is told."""
    try:
        await walk
    except asyncio.CancelledError:
        if posting.begun:
            with suppress(Exception):
                async with asyncio.timeout(_FAREWELL_SECONDS):
                    await posting.notice(RESTARTING)
        raise
    finally:
        await posting.close()


RESTARTING: Final = "I am being restarted. Please ask again if I do not come back to this."
_FAREWELL_SECONDS: Final = 12.0
"""Longer than the slowest channel's pace."""


@dataclass(frozen=True, slots=True)
class _Drawn:
    """A message of the reply as the platform shows it. `gone`: somebody deleted it."""

    message: str
    text: str
    exchange: int | None
    gone: bool


def _retrieve(task: asyncio.Task[None] | None) -> None:
    """Look at how a task ended: what failed for the moment is made up for by the next call."""
    if task is not None and task.done() and not task.cancelled() and (error := task.exception()):
        log.debug("cannot show that a reply grows", error=str(error))


TYPING_SECONDS: Final = 4.5
"""Platforms let "is typing" fade after five to ten seconds."""
