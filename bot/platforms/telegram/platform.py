"""Telegram as one of the house's platforms: opened, listened to, and closed in good order."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

import structlog
import telegram
from telegram.error import TelegramError

from bot.domain import ChannelKind, Place
from bot.platforms.base import Capabilities, Room
from bot.platforms.telegram import intake, keyboards, menu
from bot.platforms.telegram.bounds import Bounds
from bot.platforms.telegram.client import Client, Unwelcome
from bot.platforms.telegram.desk import Desk
from bot.platforms.telegram.entities import MAX_UNITS
from bot.platforms.telegram.events import (
    Amended,
    Event,
    Me,
    Migrated,
    Milestones,
    Pressed,
    Reacted,
    Spoken,
)
from bot.platforms.telegram.ledger import Lanes, Turn
from bot.platforms.telegram.polling import Polling
from bot.platforms.telegram.webhook import Webhook
from bot.platforms.telegram.writer import Writer, spot_of
from bot.platforms.walks import Walks, end

log = structlog.get_logger()

NAME: Final = "telegram"


class Telegram:
    """Implements `Platform` as a Telegram bot.

    Args:
        token: the bot's token, as @BotFather gave it.
        api_base: the root of another Bot API server, such as "http://127.0.0.1:8081".
        webhook_url: the public https address for updates; empty is long polling.
        webhook_listen: where the webhook listens behind a proxy, host:port.
        webhook_secret: what Telegram sends along with each update; empty makes one each start.
        attachment_chars: most characters read of a text file; 0 reads none.
        now: the time, by the same clock as the dates of Telegram's messages.
    """

    name = NAME
    capabilities = Capabilities(max_chars=MAX_UNITS, edits=True, buttons=True)

    def __init__(
        self,
        token: str,
        *,
        api_base: str = "",
        webhook_url: str = "",
        webhook_listen: str = "127.0.0.1:8443",
        webhook_secret: str = "",
        attachment_chars: int = 8000,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._token = token
        self._api_base = api_base
        self._webhook_url = webhook_url
        self._webhook_listen = webhook_listen
        self._webhook_secret = webhook_secret or secrets.token_urlsafe(32)
        self._attachment_chars = attachment_chars
        self._now = now
        self._writer: Writer | None = None

    async def run(self, room: Room) -> None:
        """Serve until cancelled; then let replies finish and close.

        Raises `ThumbwiseError` if Telegram does not accept the token or the webhook.
        """
        client = Client(self._token, self._api_base, Bounds())
        try:
            me = await client.open()
            log.info("Telegram is connected", bot=f"@{me.username}", reads=_reads(me))
            desk = Desk(client, room, me, attachment_chars=self._attachment_chars, now=self._now)
            self._writer = desk.writer
            moving = _Moving(client, room)
            await moving.recall()
            client.moved = moving
            await self._serve(client, room, desk, me)
        finally:
            self._writer = None
            await client.close()

    async def announce(self, place: Place, text: str) -> None:
        """See `Platform.announce`."""
        if self._writer is None:
            log.warning("Telegram is not connected; nothing was announced")
            return
        try:
            await self._writer.say(spot_of(place), text, passing=True)
        except (TelegramError, Unwelcome) as error:
            log.warning("cannot announce", chat=place.channel, error=str(error))

    async def _serve(self, client: Client, room: Room, desk: Desk, me: Me) -> None:
        entrance = Entrance(desk, me)
        source: Polling | Webhook
        if self._webhook_url:
            source = Webhook(
                client,
                room,
                entrance.begin,
                url=self._webhook_url,
                listen=self._webhook_listen,
                secret=self._webhook_secret,
            )
        else:
            source = Polling(client, room, entrance.begin)
        listening = asyncio.create_task(source.run())
        registering = asyncio.create_task(menu.register(client, room))
        try:
            await asyncio.wait([listening])
            listening.result()
        finally:
            await end(listening, registering)
            await entrance.close()
            await desk.close()
            await source.close()


class Entrance:
    """Begins a walk for each update, in order within a chat and side by side otherwise."""

    def __init__(self, desk: Desk, me: Me) -> None:
        self._desk = desk
        self._me = me
        self._lanes = Lanes()
        self._walks = Walks()

    def begin(self, update: telegram.Update, safe: Callable[[], None]) -> None:
        """Begin the walk of an update; `safe` is called, perhaps twice, when it is to come no more.

        An update that ends with the program before that is never safe: it comes again.
        """
        if self._walks.closed:
            return
        event = self._read(update)
        if event is None:
            safe()
            return
        if isinstance(event, Pressed) and _is_again(event):  # a reply waits for those before it
            self._walks.begin(self._desk.writer.acknowledge(event.id))
        self._walks.begin(self._walk(event, self._lanes.enter(lane_of(event)), safe))

    async def close(self) -> None:
        """Take nothing more in, and let the walks finish."""
        await self._walks.close()

    def _read(self, update: telegram.Update) -> Event | None:
        try:
            return intake.read(update, self._me)
        except Exception:
            log.exception("an update makes no sense", update=update.update_id)
            return None

    async def _walk(self, event: Event, turn: Turn, safe: Callable[[], None]) -> None:
        async with turn:
            try:
                await self._desk.handle(event, Milestones(turn.pass_on, safe))
            except Unwelcome as error:
                log.warning("cannot answer on Telegram", error=str(error))
            except Exception:
                log.exception("an update failed", event=type(event).__name__)
        safe()


class _Moving:
    """Tells the house that a group has new ids, and remembers it for the next start.

    Buttons below messages from before go on saying the old ids.
    """

    _NOTE: Final = "moves of telegram"

    def __init__(self, client: Client, room: Room) -> None:
        self._client = client
        self._room = room

    async def recall(self) -> None:
        """Let the client know of the moves of all times."""
        kept = json.loads(await self._room.note(self._NOTE) or "{}")
        self._client.moves.update({int(before): after for before, after in kept.items()})

    async def __call__(self, before: int, after: int) -> None:
        await self._room.moved(_group(before), _group(after))
        await self._room.keep_note(self._NOTE, json.dumps(self._client.moves))


def lane_of(event: Event) -> str:
    """What must happen in order: talk in a channel, commands there, and one's votes on a message.

    Commands do not wait for replies that are being written, and votes for nothing: who presses a
    button is to see at once that it was noticed.
    """
    again = isinstance(event, Pressed) and _is_again(event)
    if isinstance(event, Pressed | Reacted) and not again:
        return f"votes {event.person.id} {event.place.community} {event.message}"
    talk = again or isinstance(event, Spoken | Amended | Migrated)
    return f"{'talk' if talk else 'acts'} {event.place.channel}"


def _is_again(event: Pressed) -> bool:
    press = keyboards.parse(event.data)
    return press is not None and press.act == "again"


def _group(chat: int) -> Place:
    return Place(NAME, str(chat), str(chat), ChannelKind.GROUP)


def _reads(me: Me) -> str:
    """What privacy mode lets the bot see in groups."""
    if me.reads_all:
        return "all messages in groups (privacy mode is off)"
    return "only messages meant for it in groups (privacy mode is on)"
