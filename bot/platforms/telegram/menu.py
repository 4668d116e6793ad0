"""The commands that Telegram's menus offer: by scope and language, told anew only when changed."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import structlog
import telegram
from telegram.error import TelegramError

from bot.domain import Role
from bot.platforms.base import Entry, Room
from bot.platforms.telegram.client import Client
from bot.platforms.telegram.languages import LANGUAGES

log = structlog.get_logger()

MOST: Final = 100
"""How many commands Telegram takes in one list."""

NOTE: Final = "menu of telegram"
_NAME: Final = re.compile(r"[a-z0-9_]{1,32}")
_LONGEST: Final = 256
_BLANK: Final = re.compile(r"[A-Z]+")

START: Final = Entry("start", "", "say hello", Role.MEMBER)
CHAT: Final = Entry("chat", "TEXT", "talk to me", Role.MEMBER)
BETTER: Final = Entry("better", "TEXT", "what I should have said, as a reply to me", Role.MEMBER)


@dataclass(frozen=True, slots=True)
class Offer:
    """What one scope offers to people of one language ("": of all that have no list)."""

    scope: telegram.BotCommandScope
    language: str
    commands: tuple[telegram.BotCommand, ...]


def private(menu: Sequence[Entry]) -> list[Entry]:
    """What private chats offer."""
    return [START, *_of(menu, Role.MEMBER), BETTER]


def groups(menu: Sequence[Entry]) -> list[Entry]:
    """What groups offer to everybody."""
    return [CHAT, *_of(menu, Role.MEMBER), BETTER]


def administrators(menu: Sequence[Entry]) -> list[Entry]:
    """What groups offer to their administrators."""
    return [CHAT, *_of(menu, Role.ADMIN), BETTER]


def offers(menu: Sequence[Entry]) -> list[Offer]:
    """All lists, by scope and language. A command that a language lacks is there in English."""
    return list(_offers(menu))


def _offers(menu: Sequence[Entry]) -> Iterator[Offer]:
    scopes = (
        (telegram.BotCommandScopeAllPrivateChats(), private(menu)),
        (telegram.BotCommandScopeAllGroupChats(), groups(menu)),
        (telegram.BotCommandScopeAllChatAdministrators(), administrators(menu)),
    )
    for scope, entries in scopes:
        for language in ("", *LANGUAGES):
            commands = (
                telegram.BotCommand(entry.name, described(entry, language))
                for entry in entries[:MOST]
            )
            yield Offer(scope, language, tuple(commands))


def described(entry: Entry, language: str = "") -> str:
    """A command's arguments and meaning in a language, within Telegram's limit."""
    usage, meaning = entry.usage, entry.meaning
    known = LANGUAGES.get(language)
    if known is not None:
        meaning = known.meanings.get(entry.name, meaning)
        usage = _BLANK.sub(lambda blank: known.words.get(blank[0], blank[0]), usage)
    return (f"{usage}: {meaning}" if usage else meaning)[:_LONGEST]


def _of(menu: Sequence[Entry], role: Role) -> list[Entry]:
    own = {START.name, CHAT.name, BETTER.name}
    return [
        entry
        for entry in menu
        if role.may_act_as(entry.role) and _NAME.fullmatch(entry.name) and entry.name not in own
    ]


async def register(client: Client, room: Room) -> None:
    """Let Telegram's menus offer the commands. A failure is logged; they work all the same.

    What was told is remembered, and one list is looked at in case somebody else has told others.
    """
    wanted = offers(room.menu())
    told = _digest(client.bot.id, wanted)
    try:
        if await room.note(NOTE) == told and await _is_set(client, wanted[0]):
            return
        for offer in wanted:
            await _set(client, offer)
    except TelegramError as error:
        log.warning("cannot register the commands", error=str(error))
    else:
        await room.keep_note(NOTE, told)


async def _is_set(client: Client, offer: Offer) -> bool:
    known = await client.call(
        None,
        lambda _: client.bot.get_my_commands(offer.scope, offer.language or None),
        tries=3,
    )
    return tuple(known) == offer.commands


async def _set(client: Client, offer: Offer) -> None:
    await client.call(
        None,
        lambda _: client.bot.set_my_commands(offer.commands, offer.scope, offer.language or None),
        tries=3,
    )


def _digest(bot: int, wanted: Sequence[Offer]) -> str:
    """Tells apart for which bot which lists were told."""
    told = [
        (offer.scope.type, offer.language, [(c.command, c.description) for c in offer.commands])
        for offer in wanted
    ]
    return hashlib.sha256(json.dumps([bot, told]).encode()).hexdigest()
