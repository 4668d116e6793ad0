"""Replies under way: what they tell while they are written, and which messages they are."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from bot.domain import Place
from bot.platforms.posting import Pace, Posting
from bot.platforms.telegram.bounds import every
from bot.platforms.telegram.client import Client
from bot.platforms.telegram.entities import MAX_UNITS, measure
from bot.platforms.telegram.surface import ChatSurface, Drafts
from bot.platforms.telegram.writer import Writer, spot_of


class Reply(Posting):
    """A reply that tells when it stands in its channel's line, and when it is kept.

    Whoever comes next may begin when it stands there: to wait behind it, or to change what waits.
    """

    def __init__(
        self,
        surface: ChatSurface,
        pace: Pace,
        *,
        message: str,
        heard: Callable[[], None],
        kept: Callable[[], None] | None,
        **options: Any,
    ) -> None:
        super().__init__(surface, pace, **options)
        self.ended = asyncio.Event()
        self._message = message
        self._answer = surface.answer
        self._messages = surface.messages
        self._heard = heard
        self._kept = kept

    def shows(self, message: str) -> bool:
        """Whether a message is a part of it."""
        return message in self._messages

    async def thinking(self) -> None:
        """See `Outlet.thinking`. Right after this the room lines the reply up."""
        self._heard()
        await super().thinking()

    async def waiting(self, ahead: int) -> None:
        """See `Outlet.waiting`. It may stand above replies that come first: so it says to what."""
        self._answer(self._message)
        await super().waiting(ahead)

    async def finish(self, text: str, exchange: int) -> Sequence[str]:
        """See `Outlet.finish`."""
        if self._kept is not None:
            self._kept()
        return await super().finish(text, exchange)


class Replies:
    """The replies of one bot that are under way."""

    def __init__(self, client: Client, writer: Writer) -> None:
        self._client = client
        self._writer = writer
        self._drafts = Drafts()
        self._under_way: dict[Reply, Place] = {}

    @contextmanager
    def begin(
        self,
        place: Place,
        message: str,
        heard: Callable[[], None],
        *,
        kept: Callable[[], None] | None = None,
    ) -> Iterator[Reply]:
        """A reply to a message, under way until the end of the block.

        `heard` is called when the next one in the chat may begin, `kept` when the reply is on disk.
        """
        spot = spot_of(place, message)
        chat = self._client.current(spot.chat)
        reply = Reply(
            ChatSurface(self._writer, spot, self._drafts),
            self._client.bounds.pace,
            message=message,
            heard=heard,
            kept=kept,
            channel=str(chat),
            every=every(chat),
            max_chars=MAX_UNITS,
            length=measure,
        )
        self._under_way[reply] = place
        try:
            yield reply
        finally:
            del self._under_way[reply]
            reply.ended.set()

    def with_message(self, place: Place, message: str) -> Reply | None:
        """The reply under way that a message of a chat is a part of."""
        for reply, its_place in self._under_way.items():
            if its_place.community == place.community and reply.shows(message):
                return reply
        return None
