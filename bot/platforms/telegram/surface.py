"""Where a reply is drawn: one chat on Telegram, below the message that it answers."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Final

import structlog
from telegram.error import BadRequest, EndPointNotFound, InvalidToken, TelegramError

from bot.platforms.posting import CURSOR
from bot.platforms.telegram import keyboards
from bot.platforms.telegram.client import Unwelcome
from bot.platforms.telegram.entities import render
from bot.platforms.telegram.writer import Markup, Spot, Writer, below

log = structlog.get_logger()

_DRAFT: Final = "draft-"


class Drafts:
    """Whether growing replies are shown as drafts, which cost no messages, in private chats.

    An older server does not know them; then there are none for good.
    """

    def __init__(self) -> None:
        self._known = True
        self._without: set[int] = set()
        self._numbers = itertools.count(1)

    def allowed(self, chat: int) -> bool:
        """Whether drafts may be tried in a chat."""
        return self._known and chat > 0 and chat not in self._without

    def number(self) -> int:
        """A number for another draft; never 0."""
        return next(self._numbers)

    async def show(self, writer: Writer, spot: Spot, number: int, text: str) -> bool:
        """Show a draft; False if the chat or the server has none."""
        try:
            await writer.draft(spot, number, render(text))
        except (InvalidToken, EndPointNotFound):
            log.info("this Bot API server knows no drafts; replies grow by edits")
            self._known = False
        except BadRequest as error:
            log.info("no drafts in a chat; replies grow by edits", error=str(error))
            self._without.add(spot.chat)
        else:
            return True
        return False


class ChatSurface:
    """Implements `posting.Surface`: the first message answers the member's, others follow it."""

    def __init__(self, writer: Writer, spot: Spot, drafts: Drafts) -> None:
        self._writer = writer
        self._spot = spot
        self._below = spot
        self._drafts = drafts
        self._shut = False
        self.messages: set[str] = set()
        """The ids of all that was sent, drafts apart."""

    def answer(self, message: str) -> None:
        """Let what comes next answer a message, in a private chat too."""
        self._below = replace(self._below, answers=int(message))

    async def typing(self) -> None:
        """See `Surface.typing`."""
        await self._writer.typing(self._spot)

    async def send(self, text: str, *, exchange: int | None) -> str:
        """See `Surface.send`. The id of a draft says that it is one."""
        if _is_growing(text, exchange) and self._drafts.allowed(self._spot.chat):
            number = self._drafts.number()
            if await self._drafts.show(self._writer, self._spot, number, text):
                return f"{_DRAFT}{number}"
        with self._noticing():
            message = await self._writer.post(self._below, render(text), _buttons(exchange))
        self._below = below(self._spot, message)
        self.messages.add(str(message))
        return str(message)

    async def edit(self, message: str, text: str, *, exchange: int | None) -> str | None:
        """See `Surface.edit`. A draft becomes a message when its text is complete."""
        if message.startswith(_DRAFT):
            number = int(message.removeprefix(_DRAFT))
            growing = _is_growing(text, exchange) and self._drafts.allowed(self._spot.chat)
            if growing and await self._drafts.show(self._writer, self._spot, number, text):
                return message
            return await self.send(text, exchange=exchange)
        with self._noticing():
            changed = await self._writer.change(
                self._spot, int(message), render(text), _buttons(exchange)
            )
        return message if changed else None

    async def remove(self, message: str) -> None:
        """See `Surface.remove`. Drafts vanish by themselves."""
        if not message.startswith(_DRAFT):
            await self._writer.remove(self._spot, int(message))

    async def whisper(self, text: str) -> None:
        """Say it below the member's message; Telegram knows no word to one person in a group.

        It is a passing word: a failure is logged, and keeps no reply from being written.
        """
        if self._shut:
            return
        try:
            await self._writer.say(self._spot, text, passing=True)
        except (TelegramError, Unwelcome) as error:
            log.warning("cannot speak in a chat", error=str(error))

    @contextmanager
    def _noticing(self) -> Iterator[None]:
        """Remember when the chat is closed to the bot: then nothing can be explained there."""
        try:
            yield
        except Unwelcome:
            self._shut = True
            raise


def _is_growing(text: str, exchange: int | None) -> bool:
    return exchange is None and text.endswith(CURSOR)


def _buttons(exchange: int | None) -> Markup:
    return None if exchange is None else keyboards.rating(exchange)
