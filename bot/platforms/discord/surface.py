"""Where replies are drawn: below a member's message, or below a command or button that was used."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Final, TypeVar

import aiohttp
import discord
import structlog
from discord.abc import Messageable

from bot.platforms.discord.buttons import reply_buttons
from bot.platforms.discord.permissions import ASKER, NOBODY

log = structlog.get_logger()

MAX_CHARS: Final = 2000
"""Discord's longest message, in characters."""

NOTICE_SECONDS: Final = 60.0
"""How long a word to one member stays in a channel, where nothing is for one member alone."""

UNKNOWN_MESSAGE: Final = 10008

PAUSES: Final = (1.0, 3.0, 9.0)
"""Seconds between tries while Discord fails or the line is cut."""

TROUBLES: Final = (discord.HTTPException, discord.RateLimited, aiohttp.ClientError, OSError)
"""What a call to Discord may fail with, whoever is to blame."""

T = TypeVar("T")


async def insist(call: Callable[[], Awaitable[T]]) -> T:
    """Make a call again when it fails for reasons that pass by themselves.

    It may have been carried out all the same, so only what does no harm twice may be insisted on.
    """
    for seconds in PAUSES:
        try:
            return await call()
        except (aiohttp.ClientError, OSError, discord.DiscordServerError) as error:
            log.info("a call to discord is made again", error=str(error), seconds=seconds)
            await asyncio.sleep(seconds)
    return await call()


class MessageSurface:
    """Implements `posting.Surface`: the first message answers the member's, others follow it."""

    def __init__(self, message: discord.Message) -> None:
        self._message = message
        self._channel: Any = message.channel  # its kinds have no common type with all the calls
        self._sent = 0

    async def typing(self) -> None:
        """See `Surface.typing`."""
        await self._channel.typing()

    async def send(self, text: str, *, exchange: int | None) -> str:
        """See `Surface.send`.

        Discord makes one message of all sends with the same nonce within some minutes. So a send
        whose answer was lost can be made again; and a process that answers a message once more,
        because the one before it was killed, goes on with what that one had shown.
        """
        while True:
            options: dict[str, Any] = {} if self._sent else self._reference()
            nonce = f"{self._message.id}-{self._sent}"
            sent = await insist(partial(self._post, text, exchange, nonce=nonce, **options))
            self._sent += 1
            known = str(sent.id)
            if _shows(sent, text, exchange) or await self.edit(known, text, exchange=exchange):
                return known

    async def _post(self, text: str, exchange: int | None, **options: Any) -> discord.Message:
        sent: discord.Message = await self._channel.send(
            text, allowed_mentions=ASKER, view=reply_buttons(exchange), **options
        )
        return sent

    async def edit(self, message: str, text: str, *, exchange: int | None) -> str | None:
        """See `Surface.edit`."""
        known = self._channel.get_partial_message(int(message))
        try:
            await insist(
                lambda: known.edit(
                    content=text, allowed_mentions=NOBODY, view=reply_buttons(exchange)
                )
            )
        except discord.NotFound as error:
            if error.code != UNKNOWN_MESSAGE:
                raise
            return None
        return message

    async def remove(self, message: str) -> None:
        """See `Surface.remove`."""
        try:
            await self._channel.get_partial_message(int(message)).delete()
        except discord.NotFound:
            log.debug("a message was already deleted", message=message)

    async def whisper(self, text: str) -> None:
        """Say it below the message and, where others read along, take it back after a while."""
        private = self._message.guild is None
        try:
            await self._channel.send(
                text[:MAX_CHARS],
                allowed_mentions=ASKER,
                delete_after=None if private else NOTICE_SECONDS,
                **self._reference(),
            )
        except (discord.Forbidden, discord.NotFound) as error:
            log.warning("cannot speak in a channel", channel=self._channel.id, error=str(error))

    def _reference(self) -> dict[str, Any]:
        """What makes a message a reply; an answer to a deleted message is an ordinary one."""
        guild, channel = self._message.guild, self._message.channel
        known = isinstance(channel, discord.abc.GuildChannel | discord.Thread)
        if guild and known and not channel.permissions_for(guild.me).read_message_history:
            return {}
        return {"reference": self._message.to_reference(fail_if_not_exists=False)}


def _shows(message: discord.Message, text: str, exchange: int | None) -> bool:
    """Whether a message is what was sent, and not an older one."""
    same = message.content.strip() == text.strip()
    return same and bool(message.components) == (exchange is not None)


class InteractionSurface:
    """Implements `posting.Surface` below a command or a button that somebody used.

    It needs no permission in the channel for 15 minutes; a reply that takes longer, behind a long
    queue, goes on as an ordinary message.
    """

    def __init__(self, interaction: discord.Interaction[Any]) -> None:
        self._interaction = interaction
        self._channel: Any = interaction.channel  # its kinds have no common type with all the calls

    async def typing(self) -> None:
        """See `Surface.typing`."""
        if isinstance(self._channel, Messageable):
            await self._channel.typing()

    async def send(self, text: str, *, exchange: int | None) -> str:
        """See `Surface.send`."""
        view = reply_buttons(exchange)
        options: dict[str, Any] = {} if view is None else {"view": view}
        if self._is_ordinary():
            return str((await self._channel.send(text, allowed_mentions=NOBODY, **options)).id)
        sent = await self._interaction.followup.send(
            text, allowed_mentions=NOBODY, wait=True, **options
        )
        return str(sent.id)

    async def edit(self, message: str, text: str, *, exchange: int | None) -> str | None:
        """See `Surface.edit`."""
        if self._is_ordinary():
            change = self._channel.get_partial_message(int(message)).edit
        else:
            change = partial(self._interaction.followup.edit_message, int(message))
        options = {"content": text, "allowed_mentions": NOBODY, "view": reply_buttons(exchange)}
        try:
            await insist(partial(change, **options))
        except discord.NotFound as error:
            if error.code != UNKNOWN_MESSAGE:
                raise
            return None
        return message

    async def remove(self, message: str) -> None:
        """See `Surface.remove`."""
        try:
            if self._is_ordinary():
                await self._channel.get_partial_message(int(message)).delete()
            else:
                await self._interaction.followup.delete_message(int(message))
        except discord.NotFound:
            log.debug("a message was already deleted", message=message)

    async def whisper(self, text: str) -> None:
        """Say it to the one who asked, alone."""
        await self._interaction.followup.send(
            text[:MAX_CHARS], allowed_mentions=NOBODY, ephemeral=True
        )

    def _is_ordinary(self) -> bool:
        """Whether calls must go through the channel."""
        return self._interaction.is_expired() and isinstance(self._channel, Messageable)
