"""Who may judge and train in a group: its administrators, asked of Telegram and kept briefly."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from math import inf
from typing import Final

import structlog
import telegram
from telegram.error import TelegramError

from bot.domain import ChannelKind, Person, Place, Role
from bot.platforms.telegram.client import Client, Unwelcome

log = structlog.get_logger()

KEPT_SECONDS: Final = 60.0
KEPT_AT_WORST_SECONDS: Final = 3600.0


class Roles:
    """The administrators of each group, as they were a minute ago at most.

    While Telegram cannot be asked they are as they were, for up to an hour; each event asks anew.
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self._known: dict[int, tuple[float, Mapping[str, Role]]] = {}

    async def grant(self, person: Person, place: Place) -> Person:
        """The person with the role that Telegram grants in a group. In private it grants none."""
        if place.kind is ChannelKind.DIRECT or not person.id.isdecimal():
            return person
        roles = await self._of(int(place.community))
        if roles is None:
            return replace(person, role_known=False)
        return replace(person, role=roles.get(person.id, Role.MEMBER))

    def recall(self, person: Person, place: Place) -> Person:
        """The person with the role that `grant` found last, for acts that need none: never asks."""
        if place.kind is ChannelKind.DIRECT or not person.id.isdecimal():
            return person
        at, known = self._known.get(int(place.community), (-inf, None))
        if known is None or self._client.bounds.now() - at >= KEPT_AT_WORST_SECONDS:
            return replace(person, role_known=False)
        return replace(person, role=known.get(person.id, Role.MEMBER))

    async def _of(self, chat: int) -> Mapping[str, Role] | None:
        """The roles in a group; None if they cannot be had."""
        now = self._client.bounds.now()
        at, known = self._known.get(chat, (-inf, None))
        if known is not None and now - at < KEPT_SECONDS:
            return known
        try:
            found = await self._client.call(chat, self._client.bot.get_chat_administrators, tries=2)
        except (TelegramError, Unwelcome) as error:
            log.warning("cannot ask who administers a group", chat=chat, error=str(error))
            return known if now - at < KEPT_AT_WORST_SECONDS else None
        now = self._client.bounds.now()
        horizon = now - KEPT_AT_WORST_SECONDS
        self._known = {key: one for key, one in self._known.items() if one[0] > horizon}
        self._known[chat] = (now, roles_of(found))
        return self._known[chat][1]


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
