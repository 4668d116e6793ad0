"""Who may judge and train in a group: its administrators, asked of Telegram and kept briefly."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final

import structlog
import telegram
from telegram.error import TelegramError

from bot.domain import ChannelKind, Person, Place, Role
from bot.platforms.telegram.client import Client, Unwelcome

log = structlog.get_logger()

KEPT_SECONDS: Final = 60.0


class Roles:
    """The administrators of each group, as they were a minute ago at most."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._known: dict[int, tuple[float, Mapping[str, Role]]] = {}

    async def grant(self, person: Person, place: Place) -> Person:
        """The person with the role that Telegram grants in a group. In private it grants none."""
        if place.kind is ChannelKind.DIRECT or not person.id.isdecimal():
            return person
        roles = await self._of(int(place.community))
        return replace(person, role=roles.get(person.id, Role.MEMBER))

    async def _of(self, chat: int) -> Mapping[str, Role]:
        if (known := self._fresh(chat)) is not None:
            return known
        roles = await self._ask(chat)
        now = self._client.bounds.now()
        self._known = {key: one for key, one in self._known.items() if one[0] > now}
        self._known[chat] = (now + KEPT_SECONDS, roles)
        return roles

    def _fresh(self, chat: int) -> Mapping[str, Role] | None:
        until, roles = self._known.get(chat, (0.0, {}))
        return roles if until > self._client.bounds.now() else None

    async def _ask(self, chat: int) -> Mapping[str, Role]:
        bot = self._client.bot
        try:
            found = await self._client.call(chat, bot.get_chat_administrators, tries=2)
        except (TelegramError, Unwelcome) as error:
            log.warning("cannot ask who administers a group", chat=chat, error=str(error))
            return {}
        return roles_of(found)


def roles_of(administrators: Iterable[telegram.ChatMember]) -> dict[str, Role]:
    """What a group's administrators may do here, by their ids."""
    return {str(one.user.id): _role(one) for one in administrators if not one.user.is_bot}


def _role(member: telegram.ChatMember) -> Role:
    """Whoever may change the group or name administrators runs it; the others keep order."""
    if isinstance(member, telegram.ChatMemberOwner):
        return Role.ADMIN
    if isinstance(member, telegram.ChatMemberAdministrator):
        leads = member.can_change_info or member.can_promote_members
        return Role.ADMIN if leads else Role.MODERATOR
    return Role.MEMBER
