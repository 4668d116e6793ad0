"""The commands that Telegram's menus offer: by scope, and told anew only when they changed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

import structlog
import telegram
from telegram.error import TelegramError

from bot.domain import Role
from bot.platforms.base import Entry
from bot.platforms.telegram.client import Client

log = structlog.get_logger()

_NAME: Final = re.compile(r"[a-z0-9_]{1,32}")
_LONGEST: Final = 256

START: Final = Entry("start", "", "say hello", Role.MEMBER)
CHAT: Final = Entry("chat", "TEXT", "talk to me", Role.MEMBER)
BETTER: Final = Entry("better", "TEXT", "what I should have said, as a reply to me", Role.MEMBER)


def private(menu: Sequence[Entry]) -> list[Entry]:
    """What private chats offer."""
    return [START, *_of(menu, Role.MEMBER), BETTER]


def groups(menu: Sequence[Entry]) -> list[Entry]:
    """What groups offer to everybody."""
    return [CHAT, *_of(menu, Role.MEMBER), BETTER]


def administrators(menu: Sequence[Entry]) -> list[Entry]:
    """What groups offer to their administrators."""
    return [CHAT, *_of(menu, Role.ADMIN), BETTER]


def _of(menu: Sequence[Entry], role: Role) -> list[Entry]:
    own = {START.name, CHAT.name, BETTER.name}
    return [
        entry
        for entry in menu
        if role.may_act_as(entry.role) and _NAME.fullmatch(entry.name) and entry.name not in own
    ]


async def register(client: Client, menu: Sequence[Entry]) -> None:
    """Let Telegram's menus offer the commands. A failure is logged; they work all the same."""
    scopes = (
        (telegram.BotCommandScopeAllPrivateChats(), private(menu)),
        (telegram.BotCommandScopeAllGroupChats(), groups(menu)),
        (telegram.BotCommandScopeAllChatAdministrators(), administrators(menu)),
    )
    try:
        for scope, entries in scopes:
            await _register(client, scope, entries)
    except TelegramError as error:
        log.warning("cannot register the commands", error=str(error))


async def _register(
    client: Client, scope: telegram.BotCommandScope, entries: Sequence[Entry]
) -> None:
    wanted = [telegram.BotCommand(entry.name, _meaning(entry)) for entry in entries[:100]]
    known = await client.call(None, lambda _: client.bot.get_my_commands(scope), tries=3)
    if list(known) != wanted:
        await client.call(None, lambda _: client.bot.set_my_commands(wanted, scope), tries=3)


def _meaning(entry: Entry) -> str:
    return f"{entry.usage}: {entry.meaning}"[:_LONGEST] if entry.usage else entry.meaning[:_LONGEST]
