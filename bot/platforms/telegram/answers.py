"""What a command says, shown: its text, its file, its buttons, and a text that goes on changing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

import structlog
from telegram.error import TelegramError

from bot.domain import ChannelKind, Person, Place
from bot.platforms.base import Answer, Room
from bot.platforms.formatting import split, utf16
from bot.platforms.telegram import keyboards
from bot.platforms.telegram.client import Unwelcome
from bot.platforms.telegram.entities import MAX_UNITS, plain
from bot.platforms.telegram.writer import Spot, Writer
from bot.platforms.walks import Walks

log = structlog.get_logger()


def is_done(answer: Answer) -> bool:
    """Whether what a command asked for has been done, and must not be done again.

    What was only refused, asked back or handed out may be.
    """
    harmless = answer.refused or answer.confirm or answer.attachment or answer.review is not None
    return not harmless


class Answers:
    """Shows the room's answers in Telegram's chats."""

    def __init__(self, writer: Writer, room: Room) -> None:
        self._writer = writer
        self._room = room
        self._watching = Walks()

    async def show(
        self,
        spot: Spot,
        person: Person,
        place: Place,
        answer: Answer,
        *,
        exchange: int | None = None,
        reviewing: bool = False,
    ) -> None:
        """Show an answer below the message that asked.

        `reviewing`: once the person has confirmed, the next reply under review is shown.
        """
        if answer.attachment is not None:
            await self._hand(spot, person, place, answer)
            return
        markup = None
        if answer.review is not None:
            markup = keyboards.review(answer.review)
        elif answer.confirm:
            markup = keyboards.confirmation(person, answer.confirm, exchange, reviewing=reviewing)
        message = await self._writer.say(spot, answer.text, markup)
        if answer.live and message is not None and not self._watching.closed:
            self._watching.begin(self._watch(spot, message, answer.text))

    async def close(self) -> None:
        """Stop following what goes on."""
        await self._watching.close(0)

    async def _hand(self, spot: Spot, person: Person, place: Place, answer: Answer) -> None:
        """Hand a file over: a picture here, all else, such as a member's own data, in private."""
        attachment = answer.attachment
        if attachment is None:
            raise ValueError("the answer has no file")
        public = place.kind is ChannelKind.DIRECT or attachment.media_type.startswith("image/")
        if public:
            await self._writer.hand(spot, attachment, answer.text)
            return
        said = "That is for you alone: write to me in private, and ask me there."
        if person.id.isdecimal():  # an anonymous administrator has no private chat
            try:
                await self._writer.hand(Spot(int(person.id)), attachment, answer.text)
                said = "I sent it to you in our private chat."
            except Unwelcome as error:
                log.info("a file cannot be handed over in private", error=str(error))
        await self._writer.say(spot, said)

    async def _watch(self, spot: Spot, message: int, shown: str) -> None:
        """Keep a message at what goes on, at the pace of its chat; the newest text wins."""
        newest = _Newest(self._room.progress())
        try:
            while (text := await newest.after(shown)) is not None:
                await self._writer.turn(spot)
                text = newest.text or text
                first = split(plain(text).text, MAX_UNITS, utf16)[0]
                if not await self._writer.change(spot, message, plain(first)):
                    return  # somebody deleted it
                shown = text
        except (TelegramError, Unwelcome) as error:
            log.warning("cannot go on showing how it goes", error=str(error))
        finally:
            await newest.close()


class _Newest:
    """The newest of texts that come whenever they like."""

    def __init__(self, texts: AsyncGenerator[str, None]) -> None:
        self.text = ""
        self._ended = False
        self._changed = asyncio.Event()
        self._reading = asyncio.create_task(self._read(texts))

    async def after(self, shown: str) -> str | None:
        """The newest text, once it is not the one shown; None when none will come any more."""
        while not self.text or self.text == shown:
            if self._ended:
                return None
            self._changed.clear()
            await self._changed.wait()
        return self.text

    async def close(self) -> None:
        self._reading.cancel()
        await asyncio.wait([self._reading])

    async def _read(self, texts: AsyncGenerator[str, None]) -> None:
        try:
            async with aclosing(texts):
                async for text in texts:
                    self.text = text
                    self._changed.set()
        finally:
            self._ended = True
            self._changed.set()
