"""The commands in the menus: complete in every language, and within what Telegram takes."""

from __future__ import annotations

import re

import pytest

from bot.chat.commands import COMMANDS
from bot.domain import Role
from bot.platforms.base import Entry
from bot.platforms.telegram import menu
from bot.platforms.telegram.languages import LANGUAGES

MENU = [Entry(one.name, one.usage, one.meaning, one.role) for one in COMMANDS.values()]
ALL = [*MENU, menu.START, menu.CHAT, menu.BETTER]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_command_is_described_in_every_language(language: str) -> None:
    known = LANGUAGES[language]
    assert set(known.meanings) == {entry.name for entry in ALL}
    assert set(known.words) == {word for e in ALL for word in re.findall("[A-Z]+", e.usage)}
    for entry in ALL:
        assert known.meanings[entry.name].strip() == known.meanings[entry.name] != entry.meaning


def test_all_lists_are_within_telegrams_limits() -> None:
    found = menu.offers(MENU)
    assert len({(offer.scope.type, offer.language) for offer in found}) == len(found)
    assert {offer.language for offer in found} == {"", *LANGUAGES}
    for offer in found:
        assert re.fullmatch("|[a-z]{2}", offer.language)
        assert 1 <= len(offer.commands) <= 100
        assert len({command.command for command in offer.commands}) == len(offer.commands)
        for command in offer.commands:
            assert re.fullmatch("[a-z0-9_]{1,32}", command.command)
            assert 1 <= len(command.description) <= 256


def test_what_is_too_much_for_telegram_is_cut() -> None:
    many = [Entry(f"c{n}", "", "x" * 300, Role.MEMBER) for n in range(200)]
    for offer in menu.offers(many):
        assert len(offer.commands) == 100
        assert all(len(command.description) <= 256 for command in offer.commands)


def test_a_command_that_a_language_lacks_is_there_in_english() -> None:
    new = Entry("dance", "now|TEXT", "dance with me", Role.MEMBER)
    assert menu.described(new, "de") == "now|TEXT: dance with me"
    assert menu.described(new, "ru") == "now|ТЕКСТ: dance with me"
    assert menu.described(new, "xx") == menu.described(new) == "now|TEXT: dance with me"
