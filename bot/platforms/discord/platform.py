"""Discord as one of the house's platforms: logging in, staying, and leaving in good order."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final

import aiohttp
import discord
import structlog
import yarl
from discord.backoff import ExponentialBackoff
from discord.gateway import DiscordWebSocket
from discord.http import Route

from bot.domain import Place
from bot.errors import ThumbwiseError
from bot.platforms.base import Capabilities, Room
from bot.platforms.discord.client import Client
from bot.platforms.discord.permissions import NOBODY
from bot.platforms.discord.surface import MAX_CHARS
from bot.platforms.formatting import split

log = structlog.get_logger()

WRONG_TOKEN: Final = (
    "Discord does not know this token. Copy it again from the Bot page of "  # noqa: S105 - no secret
    "https://discord.com/developers/applications and put it into DISCORD_TOKEN."
)
NO_INTENT: Final = (
    "Discord does not let the bot read messages. Turn on Message Content Intent on the Bot page of "
    "https://discord.com/developers/applications, then start again."
)
NOT_ENOUGH_SHARDS: Final = (
    "The bot is in too many servers for so few connections. Set DISCORD_SHARDS to 0, or higher."
)
_CLOSED: Final = {
    4004: WRONG_TOKEN,
    4010: NOT_ENOUGH_SHARDS,
    4011: NOT_ENOUGH_SHARDS,
    4014: NO_INTENT,
}
"""What Discord's reasons for closing a connection for good mean to whoever runs the bot."""

_UNREACHABLE: Final = (
    aiohttp.ClientError,
    OSError,
    TimeoutError,
    discord.DiscordServerError,
    discord.GatewayNotFound,
)


class Discord:
    """Implements `Platform`.

    Args:
        token: the bot's own; it is never logged.
        api_base: another REST address, without a slash at its end.
        gateway: another gateway address.
        shards: gateway connections; 0 is as many as Discord advises.
        attachment_chars: how much is read of the text files that come with a message.
        sleep: how to wait before trying again; asyncio's unless a test brings its own.
    """

    name = "discord"
    capabilities = Capabilities(max_chars=MAX_CHARS, edits=True, buttons=True)

    def __init__(
        self,
        token: str,
        *,
        api_base: str = "",
        gateway: str = "",
        shards: int = 0,
        attachment_chars: int = 8000,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._token = token
        self._api_base = api_base.rstrip("/")
        self._gateway = gateway
        self._shards = shards
        self._attachment_chars = attachment_chars
        self._sleep = sleep
        self._client: Client | None = None

    async def run(self, room: Room) -> None:
        """Serve until cancelled. Raises `ThumbwiseError` for what only its owner can mend."""
        if self._api_base:
            Route.BASE = self._api_base
        if self._gateway:
            DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(self._gateway)
        # Below INFO discord.py logs what members wrote, and the tokens of interactions.
        chatty = logging.getLogger("discord")
        chatty.setLevel(max(chatty.getEffectiveLevel(), logging.INFO))
        wait = ExponentialBackoff[bool]()
        while True:
            self._client = client = Client(
                room,
                gateway=self._gateway,
                shards=self._shards,
                attachment_chars=self._attachment_chars,
            )
            connection = asyncio.create_task(_connect(client, self._token))
            try:
                await asyncio.wait([connection])
            finally:  # discord.py loses a cancellation while it reconnects; it heeds `close`
                await client.end()
                connection.cancel()
                await asyncio.wait([connection])
                error = None if connection.cancelled() else connection.exception()
            if error is not None and not isinstance(error, _UNREACHABLE):
                raise error
            seconds = wait.delay()
            log.warning("discord is out of reach", error=str(error), again_in=round(seconds))
            await self._sleep(seconds)

    async def announce(self, place: Place, text: str) -> None:
        """See `Platform.announce`."""
        client = self._client
        if client is None or client.is_closed() or not place.channel.isdecimal():
            log.warning("discord cannot announce now", channel=place.channel)
            return
        channel = client.get_partial_messageable(int(place.channel))
        try:
            for part in split(text, MAX_CHARS):
                await client.pace.wait(place.channel, client.every)
                await channel.send(part, allowed_mentions=NOBODY)
        except (discord.DiscordException, aiohttp.ClientError, OSError) as error:
            log.warning("cannot announce", channel=place.channel, error=str(error))


async def _connect(client: Client, token: str) -> None:
    """Log in and stay connected; what cannot be mended by trying again becomes a sentence."""
    try:
        await client.login(token)
        await client.connect()
    except discord.LoginFailure:
        raise ThumbwiseError(WRONG_TOKEN) from None
    except discord.PrivilegedIntentsRequired:
        raise ThumbwiseError(NO_INTENT) from None
    except discord.ConnectionClosed as error:
        if error.code in _CLOSED:
            raise ThumbwiseError(_CLOSED[error.code]) from None
        raise
