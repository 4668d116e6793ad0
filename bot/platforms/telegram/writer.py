"""Messages on their way out: formatted if Telegram takes it, plain if not, within its limits."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import Any, Final

import structlog
import telegram
from telegram.error import BadRequest, TelegramError

from bot.domain import ChannelKind, Place
from bot.platforms.base import Attachment
from bot.platforms.formatting import split, utf16
from bot.platforms.telegram.client import Client
from bot.platforms.telegram.entities import MAX_UNITS, Mark, Rendered, plain

log = structlog.get_logger()

LONGEST_CAPTION: Final = 1024

SENDING_SECONDS: Final = 60.0
"""How long Telegram may take to say that a message was sent."""

ACKNOWLEDGING_SECONDS: Final = 15.0
"""After so long the app does not wait any more for the answer to a press."""

_GONE: Final = (
    "message to edit not found",
    "message can't be edited",
    "message_id_invalid",
    "message to delete not found",
    "message can't be deleted",
)
_NO_PREVIEW: Final = telegram.LinkPreviewOptions(is_disabled=True)

Markup = telegram.InlineKeyboardMarkup | telegram.ForceReply | None


@dataclass(frozen=True, slots=True)
class Spot:
    """Where to write: a chat, a topic in it, and the message that is answered."""

    chat: int
    thread: int | None = None
    answers: int | None = None


def spot_of(place: Place, answers: str | None = None) -> Spot:
    """The spot in a place. In a private chat it is plain what an answer answers."""
    chat, _, thread = place.channel.partition("/")
    above = int(answers) if answers and place.kind is ChannelKind.GROUP else None
    return Spot(int(chat), int(thread) if thread else None, above)


def below(spot: Spot, message: int) -> Spot:
    """Where to go on after a message. In a group by answering it.

    Among the comments on a channel's post that alone keeps it there.
    """
    return replace(spot, answers=message if spot.chat < 0 else None)


class Writer:
    """Sends, changes and removes messages of one bot.

    When no answer comes to what was sent, nobody can tell whether it arrived, or ask Telegram. All
    calls but sending do no harm when they are made again, and are. To send again may say a thing
    twice, and not to may keep it from whoever waits for it. So Telegram gets a long time to answer,
    and then replies and answers are sent again: rather twice than never. Words that nobody waits
    for (`passing`) are not: rather never than twice.

    `say` and `hand` take the chat's turn by themselves; before `post`, `change` and
    `change_keyboard` somebody has to take it.
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self._bot = client.bot

    async def turn(self, spot: Spot) -> None:
        """Wait for the chat's turn to send or edit a message, and take it."""
        await self._client.bounds.message(self._client.current(spot.chat))

    async def post(
        self, spot: Spot, body: Rendered, markup: Markup = None, *, passing: bool = False
    ) -> int:
        """Send one message that fits; its id."""

        async def send(text: str, marks: list[telegram.MessageEntity]) -> telegram.Message:
            return await self._client.call(
                spot.chat,
                lambda chat: self._bot.send_message(
                    chat,
                    text,
                    entities=marks,
                    link_preview_options=_NO_PREVIEW,
                    message_thread_id=spot.thread,
                    reply_markup=markup,
                    reply_parameters=_reply(spot),
                    read_timeout=SENDING_SECONDS,
                ),
                passing=passing,
            )

        try:
            sent = await send(body.text, _entities(body.marks))
        except BadRequest as error:
            if not body.marks:
                raise
            _log_refused(spot, error)
            sent = await send(body.unmarked().text, [])
        return sent.message_id

    async def change(self, spot: Spot, message: int, body: Rendered, markup: Markup = None) -> bool:
        """Change a message; False if it is not there any more."""
        keyboard = markup if isinstance(markup, telegram.InlineKeyboardMarkup) else None

        async def edit(text: str, marks: list[telegram.MessageEntity]) -> None:
            await self._client.call(
                spot.chat,
                lambda chat: self._bot.edit_message_text(
                    text,
                    chat_id=chat,
                    message_id=message,
                    entities=marks,
                    link_preview_options=_NO_PREVIEW,
                    reply_markup=keyboard,
                ),
            )

        try:
            await edit(body.text, _entities(body.marks))
        except BadRequest as error:
            if is_same(error):
                return True
            if is_gone(error):
                return False
            if not body.marks:
                raise
            _log_refused(spot, error)
        else:
            return True
        return await self.change(spot, message, body.unmarked(), markup)

    async def draft(self, spot: Spot, number: int, body: Rendered) -> None:
        """Show a private chat a message that is still being written."""
        await self._client.call(
            spot.chat,
            lambda chat: self._bot.send_message_draft(
                chat, number, body.text, spot.thread, entities=_entities(body.marks)
            ),
        )

    async def typing(self, spot: Spot) -> None:
        """Show that somebody types, unless Telegram asked for patience in the chat."""
        if not self._client.bounds.is_held(self._client.current(spot.chat)):
            await self._client.call(
                spot.chat,
                lambda chat: self._bot.send_chat_action(chat, "typing", spot.thread),
                tries=1,
            )

    async def say(
        self, spot: Spot, text: str, markup: Markup = None, *, passing: bool = False
    ) -> int | None:
        """Say a text, in as many messages as it needs; the last one's id, if there was any."""
        last = None
        parts = [part for part in split(plain(text).text, MAX_UNITS, utf16) if part.strip()]
        for at, part in enumerate(parts):
            buttons = markup if at == len(parts) - 1 else None
            if passing:
                self._client.check_patience(spot.chat)
            await self.turn(spot)
            last = await self.post(spot, Rendered(part.strip()), buttons, passing=passing)
            spot = below(spot, last)
        return last

    async def change_keyboard(self, spot: Spot, message: int, markup: Markup) -> None:
        """Change the buttons under a message, if it is still there."""
        keyboard = markup if isinstance(markup, telegram.InlineKeyboardMarkup) else None
        try:
            await self._client.call(
                spot.chat,
                lambda chat: self._bot.edit_message_reply_markup(
                    chat, message, reply_markup=keyboard
                ),
            )
        except BadRequest as error:
            if not is_same(error) and not is_gone(error):
                raise

    async def remove(self, spot: Spot, message: int) -> None:
        """Take a message back, if it is still there."""
        try:
            await self._client.call(spot.chat, lambda chat: self._bot.delete_message(chat, message))
        except BadRequest as error:
            if not is_gone(error):
                raise

    async def hand(self, spot: Spot, attachment: Attachment, text: str) -> None:
        """Send a file, a picture as a picture, with the text as its caption if it fits."""
        caption = plain(text).text
        if utf16(caption) > LONGEST_CAPTION:
            await self.say(spot, caption)
            caption = ""
        picture = attachment.media_type in ("image/png", "image/jpeg")
        options: dict[str, Any] = {
            "caption": caption or None,
            "message_thread_id": spot.thread,
            "reply_parameters": _reply(spot),
            "filename": attachment.name,
            "read_timeout": SENDING_SECONDS,
        }
        await self.turn(spot)
        send = self._bot.send_photo if picture else self._bot.send_document
        await self._client.call(spot.chat, lambda chat: send(chat, attachment.data, **options))

    async def acknowledge(self, press: str, text: str = "", *, alert: bool = False) -> None:
        """Answer the press of a button. A failure is logged: what was asked for is done anyhow."""
        try:
            async with asyncio.timeout(ACKNOWLEDGING_SECONDS):
                await self._client.call(
                    None,
                    lambda _: self._bot.answer_callback_query(press, text[:200] or None, alert),
                    tries=2,
                )
        except BadRequest as error:  # most often it is too late
            log.debug("a press cannot be answered", error=str(error))
        except (TelegramError, TimeoutError) as error:
            log.warning("a press cannot be answered", error=str(error))


def is_same(error: BadRequest) -> bool:
    """Whether nothing was wrong but that nothing would change."""
    return "message is not modified" in str(error).lower()


def is_gone(error: BadRequest) -> bool:
    """Whether the message is not there any more."""
    return any(sign in str(error).lower() for sign in _GONE)


def _entities(marks: tuple[Mark, ...]) -> list[telegram.MessageEntity]:
    return [
        telegram.MessageEntity(
            mark.kind,
            mark.offset,
            mark.length,
            url=mark.url or None,
            language=mark.language or None,
            user=None if mark.user is None else telegram.User(mark.user, "?", is_bot=False),
        )
        for mark in marks
    ]


def _reply(spot: Spot) -> telegram.ReplyParameters | None:
    if spot.answers is None:
        return None
    return telegram.ReplyParameters(spot.answers, allow_sending_without_reply=True)


def _log_refused(spot: Spot, error: BadRequest) -> None:
    log.warning("Telegram refuses a formatting; sent plain", chat=spot.chat, error=str(error))
