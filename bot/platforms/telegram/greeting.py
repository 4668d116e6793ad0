"""What the bot says of itself when somebody starts it."""

from __future__ import annotations

from typing import Final

import structlog
from telegram.constants import ChatMemberStatus
from telegram.error import TelegramError

from bot.domain import ChannelKind, Place
from bot.platforms.telegram.client import Client, Unwelcome
from bot.platforms.telegram.events import Me

log = structlog.get_logger()

KEPT_SECONDS: Final = 60.0
_RULING: Final = (ChatMemberStatus.ADMINISTRATOR, ChatMemberStatus.OWNER)


class Greeting:
    """Says what is true of each chat: an administrator is shown everything, in any privacy mode."""

    def __init__(self, client: Client, me: Me) -> None:
        self._client = client
        self._me = me
        self._known: dict[int, tuple[float, bool]] = {}

    async def text(self, place: Place) -> str:
        """The greeting for a place."""
        hello = "Hello! I am a bot that learns from what you think of its answers."
        rate = "Rate my replies with the buttons below them. /help lists what I can do."
        if place.kind is ChannelKind.DIRECT:
            return f"{hello} Write to me, and I answer. {rate}"
        ways = f"mention me as @{self._me.username}, reply to me, or say /chat"
        said = {
            True: f"I read what is said here, and answer when you {ways}.",
            False: f"Telegram shows me only what is meant for me: {ways}.",
            None: f"I answer when you {ways}.",
        }
        return f"{hello} {said[await self._reads_all(int(place.community))]} {rate}"

    async def _reads_all(self, chat: int) -> bool | None:
        """Whether the bot is shown all that is said in a group; None if it cannot be told."""
        if self._me.reads_all:
            return True
        now = self._client.bounds.now()
        self._known = {key: one for key, one in self._known.items() if one[0] > now}
        if chat in self._known:
            return self._known[chat][1]
        try:
            found = await self._client.call(
                chat, lambda chat: self._client.bot.get_chat_member(chat, self._me.id), tries=2
            )
        except (TelegramError, Unwelcome) as error:
            log.warning("cannot ask what the bot is in a group", chat=chat, error=str(error))
            return None
        rules = found.status in _RULING
        self._known[chat] = (now + KEPT_SECONDS, rules)
        return rules
