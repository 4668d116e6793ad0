"""What comes of each event: the chat is asked, and its answer is written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Final

import structlog
from telegram.error import TelegramError

from bot.domain import FeedbackKind, Person
from bot.platforms.base import Room
from bot.platforms.files import LARGEST_FILE, decoded, is_text_file
from bot.platforms.posting import attend
from bot.platforms.telegram import keyboards, menu
from bot.platforms.telegram.answers import Answers, is_done
from bot.platforms.telegram.client import Client, Unwelcome
from bot.platforms.telegram.events import (
    Amended,
    Belonging,
    Bettered,
    Event,
    File,
    Me,
    Migrated,
    Milestones,
    Ordered,
    Pressed,
    Reacted,
    Spoken,
    moved,
)
from bot.platforms.telegram.greeting import Greeting
from bot.platforms.telegram.presses import STALE, Presses
from bot.platforms.telegram.replies import Replies
from bot.platforms.telegram.roles import Roles
from bot.platforms.telegram.writer import Spot, Writer, spot_of

log = structlog.get_logger()

ONLY_TEXT: Final = "I can only read text, and text files: no stickers, voices or pictures."
UNKNOWN_REPLY: Final = "I do not know that message as a reply of mine."
_ABOUT_REPLIES: Final = frozenset(
    {"better", "flag", "why", "approve", "reject", "correct", "skip", "ban"}
)
_HINT_SECONDS: Final = 15.0


class Desk:
    """Handles the events of one bot account."""

    def __init__(
        self,
        client: Client,
        room: Room,
        me: Me,
        *,
        attachment_chars: int,
        now: Callable[[], datetime],
    ) -> None:
        self._client = client
        self._room = room
        self._attachment_chars = attachment_chars
        self._roles = Roles(client)
        self._told: dict[tuple[int, str], float] = {}
        self._commands = frozenset(entry.name for entry in room.menu())
        self.writer = Writer(client)
        self._replies = Replies(client, self.writer)
        self._answers = Answers(self.writer, room)
        self._greeting = Greeting(client, me)
        self._presses = Presses(
            client.bounds, self.writer, room, self._answers, self._roles, me.username, now
        )

    async def handle(self, event: Event, tell: Milestones) -> None:
        """See an event through."""
        match self._settled(event):
            case Spoken() as spoken:
                await self._spoken(spoken, tell)
            case Ordered() as ordered:
                await self._ordered(ordered, tell)
            case Bettered() as bettered:
                await self._bettered(bettered, tell)
            case Pressed() as pressed:
                await self._pressed(pressed, tell)
            case Reacted() as reacted:
                await self._reacted(reacted)
            case Amended(place, message, said, file):
                if text := await self._whole_text(said, file):
                    await self._room.edited(place, message, text)
            case Migrated(place, after):
                await self._client.follow(int(place.community), int(after.community))
            case Belonging(place, inside):
                what = "Telegram: welcome in a chat" if inside else "Telegram: out of a chat"
                log.info(what, chat=place.community)

    def _settled(self, event: Event) -> Event | None:
        """The event with the ids that its group has by now."""
        place = event.place
        chat = str(self._client.current(int(place.community)))
        if chat == place.community or isinstance(event, Migrated | Belonging):
            return event
        return moved(event, replace(place, community=chat, channel=chat))

    async def close(self) -> None:
        """End what goes on beside the walks."""
        await self._answers.close()
        await self._presses.close()

    async def _spoken(self, event: Spoken, tell: Milestones) -> None:
        message = event.message
        text = await self._whole_text(message.text, event.file)
        if not text:
            if message.addressed:
                await self._hint(spot_of(message.place, message.external_id), ONLY_TEXT)
            return
        author = await self._roles.grant(message.author, message.place)
        said = replace(message, author=author, text=text, attached=len(text) - len(message.text))
        # The store knows a message that comes again: its reply is shown until it was once.
        with self._replies.begin(message.place, message.external_id, tell.heard) as outlet:
            await attend(self._room.message(said, outlet), outlet)

    async def _whole_text(self, said: str, file: File | None) -> str:
        """What was said, with the beginning of the text file that came with it.

        Words that came with another file say so; such a file alone says nothing.
        """
        if file is None:
            return said
        content = await self._contents(file)
        if content is None:
            return f"[file: {file.name or 'unnamed'}, not read] {said}" if said else ""
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

    async def _ordered(self, event: Ordered, tell: Milestones) -> None:
        spot = spot_of(event.place, event.message)
        own = (menu.START.name, menu.CHAT.name, menu.BETTER.name)
        if event.name not in self._commands and event.name not in own and not event.explicit:
            return  # most likely another bot's
        if event.name == menu.START.name:
            await self._hint(spot, await self._greeting.text(event.place))
            return
        if event.name == menu.CHAT.name:
            await self._hint(spot, "Write /chat and, after it, what you want to say to me.")
            return
        exchange = await self._target(event)
        if event.target is not None and exchange is None and _is_about_a_reply(event):
            await self._hint(spot, UNKNOWN_REPLY)
            return
        person = await self._roles.grant(event.person, event.place)
        if event.name == menu.BETTER.name:
            await self._better(event, person, exchange, event.words, tell)
            return
        line = f"/{event.name} {event.words}".strip()
        answer = await self._room.command(person, event.place, line, exchange=exchange, ask=True)
        if is_done(answer):
            tell.safe()
        await self._answers.show(spot, person, event.place, answer, exchange=exchange)

    async def _target(self, event: Ordered) -> int | None:
        if not event.target:
            return None
        return await self._room.exchange_of(event.place, event.target)

    async def _bettered(self, event: Bettered, tell: Milestones) -> None:
        person = await self._roles.grant(event.person, event.place)
        spot = spot_of(event.place, event.message)
        if not event.reviewing:
            await self._better(event, person, event.exchange, event.text, tell)
            return
        line = f"/correct {event.text}"
        answer = await self._room.command(person, event.place, line, exchange=event.exchange)
        if is_done(answer):
            tell.safe()
        await self._answers.show(spot, person, event.place, answer)
        if not answer.refused:
            await self._presses.review_next(spot, person, event.place)

    async def _better(
        self,
        event: Ordered | Bettered,
        person: Person,
        exchange: int | None,
        text: str,
        tell: Milestones,
    ) -> None:
        spot = spot_of(event.place, event.message)
        via = "button" if isinstance(event, Bettered) else "command"
        if not text:
            await self._hint(spot, "Write /better and, after it, what I should have said.")
            return
        kind = FeedbackKind.CORRECTION
        thanks = await self._room.rating(person, event.place, exchange, kind, text=text, via=via)
        tell.safe()
        await self.writer.say(spot, thanks)

    async def _pressed(self, event: Pressed, tell: Milestones) -> None:
        press = keyboards.parse(event.data)
        if press is None:
            await self.writer.acknowledge(event.id, STALE)
            return
        shown = await self._room.place_of(event.place, event.message)
        if shown is not None:  # of a message that is too old to be shown Telegram tells no topic
            event = replace(event, place=shown)
        if press.act != "again":
            await self._presses.carry_out(event, press, tell.safe)
            return
        person = self._roles.recall(event.person, event.place)
        with self._replies.begin(event.place, event.message, tell.heard, kept=tell.safe) as outlet:
            again = self._room.again(person, event.place, press.exchange or 0, outlet)
            await attend(again, outlet)

    async def _reacted(self, event: Reacted) -> None:
        reply = self._replies.with_message(event.place, event.message)
        if reply is not None:  # it can be rated when it is complete
            await reply.ended.wait()
        place = await self._room.place_of(event.place, event.message)  # Telegram tells no topic
        if place is None:
            return
        exchange = await self._room.exchange_of(place, event.message)
        if exchange is None:
            return
        person = self._roles.recall(event.person, place)
        kind = event.vote or FeedbackKind.RETRACTION
        await self._room.rating(person, place, exchange, kind, via="reaction", of=event.removed)
        await self._presses.recount(place, event.message, exchange)


def _is_about_a_reply(event: Ordered) -> bool:
    """Whether a command that answers a message is about that message."""
    by_number = event.name == "ban" and event.words.removeprefix("#").isdecimal()
    return event.name in _ABOUT_REPLIES and not by_number
