"""What comes of each event: the chat is asked, and its answer is written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

import structlog
from telegram.error import TelegramError

from bot.domain import ChannelKind, FeedbackKind, Person, Place
from bot.platforms.base import Room
from bot.platforms.files import LARGEST_FILE, decoded, is_text_file
from bot.platforms.posting import Pace, Posting
from bot.platforms.telegram import keyboards, menu
from bot.platforms.telegram.answers import Answers
from bot.platforms.telegram.bounds import every
from bot.platforms.telegram.client import Client, Unwelcome
from bot.platforms.telegram.entities import MAX_UNITS, measure
from bot.platforms.telegram.events import (
    Amended,
    Belonging,
    Bettered,
    Event,
    File,
    Me,
    Migrated,
    Ordered,
    Pressed,
    Reacted,
    Spoken,
)
from bot.platforms.telegram.presses import STALE, Presses
from bot.platforms.telegram.roles import Roles
from bot.platforms.telegram.surface import ChatSurface, Drafts
from bot.platforms.telegram.writer import Spot, Writer, spot_of

log = structlog.get_logger()

ONLY_TEXT: Final = "I can only read text, and text files: no stickers, voices or pictures."
UNKNOWN_REPLY: Final = "I do not know that message as a reply of mine."
_ABOUT_REPLIES: Final = frozenset({"better", "flag", "why", "approve", "reject", "correct"})
_HINT_SECONDS: Final = 15.0


class Reply(Posting):
    """A reply that tells when its message is kept: whoever comes next may begin then."""

    def __init__(
        self, surface: ChatSurface, pace: Pace, *, heard: Callable[[], None], **options: Any
    ) -> None:
        super().__init__(surface, pace, **options)
        self._heard = heard

    async def waiting(self, ahead: int) -> None:
        """See `Outlet.waiting`."""
        self._heard()
        await super().waiting(ahead)

    async def show(self, text: str) -> None:
        """See `Outlet.show`."""
        self._heard()
        await super().show(text)


class Desk:
    """Handles the events of one bot account."""

    def __init__(self, client: Client, room: Room, me: Me, *, attachment_chars: int) -> None:
        self._client = client
        self._room = room
        self._me = me
        self._attachment_chars = attachment_chars
        self._roles = Roles(client)
        self._drafts = Drafts()
        self._told: dict[tuple[int, str], float] = {}
        self._commands = frozenset(entry.name for entry in room.menu())
        self.writer = Writer(client)
        self._answers = Answers(self.writer, room)
        self._presses = Presses(client.bounds, self.writer, room, self._answers, me.username)

    async def handle(self, event: Event, heard: Callable[[], None]) -> None:
        """See an event through. `heard` is called when the next one in its lane may begin."""
        match event:
            case Spoken():
                await self._spoken(event, heard)
            case Ordered():
                await self._ordered(event)
            case Bettered():
                await self._bettered(event)
            case Pressed():
                await self._pressed(event, heard)
            case Reacted():
                await self._reacted(event)
            case Amended():
                await self._room.edited(event.place, event.message, event.text)
            case Migrated():
                await self._client.follow(int(event.place.community), int(event.after.community))
            case Belonging():
                what = "Telegram: welcome in a chat" if event.inside else "Telegram: out of a chat"
                log.info(what, chat=event.place.community)

    async def close(self) -> None:
        """End what goes on beside the walks."""
        await self._answers.close()
        await self._presses.close()

    async def _spoken(self, event: Spoken, heard: Callable[[], None]) -> None:
        message = event.message
        text = await self._whole_text(event)
        if not text:
            if message.addressed:
                await self._hint(spot_of(message.place, message.external_id), ONLY_TEXT)
            return
        author = await self._roles.grant(message.author, message.place)
        outlet = self._outlet(spot_of(message.place, message.external_id), heard)
        try:
            said = replace(
                message, author=author, text=text, attached=len(text) - len(message.text)
            )
            await self._room.message(said, outlet)
        finally:
            await outlet.close()

    async def _whole_text(self, event: Spoken) -> str:
        """What was said, with the beginning of the text file that came with it."""
        said, file = event.message.text, event.file
        if file is None:
            return said
        content = await self._contents(file)
        if content is None:
            return said
        return f"{said}\n\n[file: {file.name}]\n{content[: self._attachment_chars]}".strip()

    async def _contents(self, file: File) -> str | None:
        readable = self._attachment_chars > 0 and is_text_file(file.name, file.media_type)
        if not readable or file.size > LARGEST_FILE:
            return None
        try:
            return decoded(await self._client.download(file.id))
        except (TelegramError, Unwelcome) as error:
            log.warning("cannot read a file", error=str(error))
            return None

    async def _hint(self, spot: Spot, text: str) -> None:
        """Say it once to whoever sends an album, or the same command again and again."""
        now = self._client.bounds.now()
        self._told = {key: until for key, until in self._told.items() if until > now}
        if (spot.chat, text) not in self._told:
            self._told[spot.chat, text] = now + _HINT_SECONDS
            await self.writer.say(spot, text)

    async def _ordered(self, event: Ordered) -> None:
        spot = spot_of(event.place, event.message)
        own = (menu.START.name, menu.CHAT.name, menu.BETTER.name)
        if event.name not in self._commands and event.name not in own and not event.explicit:
            return  # most likely another bot's
        if event.name == menu.START.name:
            await self._hint(spot, self._greeting(event.place))
            return
        if event.name == menu.CHAT.name:
            await self._hint(spot, "Write /chat and, after it, what you want to say to me.")
            return
        exchange = await self._target(event)
        if event.target is not None and exchange is None and event.name in _ABOUT_REPLIES:
            await self._hint(spot, UNKNOWN_REPLY)
            return
        person = await self._roles.grant(event.person, event.place)
        if event.name == menu.BETTER.name:
            await self._better(spot, person, event.place, exchange, event.words, via="command")
            return
        line = f"/{event.name} {event.words}".strip()
        answer = await self._room.command(person, event.place, line, exchange=exchange, ask=True)
        await self._answers.show(spot, person, event.place, answer, exchange=exchange)

    async def _target(self, event: Ordered) -> int | None:
        if event.target is None:
            return None
        return await self._room.exchange_of(event.place, event.target)

    async def _bettered(self, event: Bettered) -> None:
        person = await self._roles.grant(event.person, event.place)
        spot = spot_of(event.place, event.message)
        if not event.reviewing:
            await self._better(spot, person, event.place, event.exchange, event.text, via="button")
            return
        line = f"/correct {event.text}"
        answer = await self._room.command(person, event.place, line, exchange=event.exchange)
        await self._answers.show(spot, person, event.place, answer)
        if not answer.refused:
            await self._presses.review_next(spot, person, event.place)

    async def _better(
        self, spot: Spot, person: Person, place: Place, exchange: int | None, text: str, *, via: str
    ) -> None:
        if not text:
            await self._hint(spot, "Write /better and, after it, what I should have said.")
            return
        kind = FeedbackKind.CORRECTION
        thanks = await self._room.rating(person, place, exchange, kind, text=text, via=via)
        await self.writer.say(spot, thanks)

    async def _pressed(self, event: Pressed, heard: Callable[[], None]) -> None:
        press = keyboards.parse(event.data)
        if press is None:
            await self.writer.acknowledge(event.id, STALE)
            return
        chat = self._client.current(int(event.place.community))
        if str(chat) != event.place.community:  # below a message from before a group moved
            here = replace(event.place, community=str(chat), channel=str(chat))
            event = replace(event, place=here)
        person = await self._roles.grant(event.person, event.place)
        if press.act != "again":
            await self._presses.carry_out(event, press, person)
            return
        await self.writer.acknowledge(event.id)
        outlet = self._outlet(spot_of(event.place, event.message), heard)
        try:
            await self._room.again(person, event.place, press.exchange or 0, outlet)
        finally:
            await outlet.close()

    async def _reacted(self, event: Reacted) -> None:
        place = event.place
        exchange = await self._room.exchange_of(place, event.message)
        if exchange is None:
            thread = self.writer.thread_of(int(place.community), int(event.message))
            if thread is None:
                return
            place = replace(place, channel=f"{place.community}/{thread}")
            exchange = await self._room.exchange_of(place, event.message)
        if exchange is None:
            return
        person = await self._roles.grant(event.person, place)
        kind = event.vote or FeedbackKind.RETRACTION
        await self._room.rating(person, place, exchange, kind, via="reaction")
        await self._presses.recount(place, event.message, exchange)

    def _outlet(self, spot: Spot, heard: Callable[[], None]) -> Reply:
        chat = self._client.current(spot.chat)
        return Reply(
            ChatSurface(self.writer, spot, self._drafts),
            self._client.bounds.pace,
            channel=str(chat),
            every=every(chat),
            max_chars=MAX_UNITS,
            length=measure,
            heard=heard,
        )

    def _greeting(self, place: Place) -> str:
        hello = "Hello! I am a bot that learns from what you think of its answers."
        rate = "Rate my replies with the buttons below them. /help lists what I can do."
        if place.kind is ChannelKind.DIRECT:
            return f"{hello} Write to me, and I answer. {rate}"
        ways = f"mention me as @{self._me.username}, reply to me, or say /chat"
        seen = (
            f"I read what is said here, and answer when you {ways}."
            if self._me.reads_all
            else f"Telegram shows me only what is meant for me: {ways}."
        )
        return f"{hello} {seen} {rate}"
