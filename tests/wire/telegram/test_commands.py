"""What members do by commands, and what their menus offer."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import Final, cast

import pytest

from bot.platforms.base import CONFIRM_WITHIN, TOO_LATE
from bot.platforms.telegram.languages import LANGUAGES, Language
from tests.wire.telegram.house import House, heard
from tests.wire.telegram.people import Human
from tests.wire.telegram.server import BotApi
from tests.wire.telegram.town import group, replies, said, spoken

MENUS: Final = 3 * 6
"""How many lists there are: three scopes, each in English and five more languages."""


async def test_the_menus_offer_what_each_may_do(
    api: BotApi, quiet_house: House, ana: Human, mod: Human
) -> None:
    await quiet_house.start()
    await api.until(lambda: len(api.menus.lists) == MENUS, "the commands are registered")
    hall = group(api, ana, admins=(mod,))
    alone = api.menus.shown(ana.private, ana.user, "member")
    member = api.menus.shown(hall, ana.user, "member")
    ruler = api.menus.shown(hall, mod.user, "administrator")
    assert {"start", "help", "reset", "status", "privacy", "forget", "flag", "better"} <= set(alone)
    assert "chat" in member
    assert not {"train", "promote", "review"} <= set(member)
    assert {"review", "approve", "train", "promote", "stats", "persona"} <= set(ruler)


async def test_the_menus_speak_the_members_languages(api: BotApi, quiet_house: House) -> None:
    await quiet_house.start()
    await api.until(lambda: len(api.menus.lists) == MENUS, "the commands are registered")
    for scope in ("all_private_chats", "all_group_chats", "all_chat_administrators"):
        lists = {
            language: {one["command"]: one["description"] for one in found}
            for (key, language), found in api.menus.lists.items()
            if key == (scope,)
        }
        assert set(lists) == {"", "de", "es", "fr", "pt", "ru"}
        assert lists[""]["forget"] == "delete what I have of you"
        assert lists["de"]["forget"] == "löschen, was ich von dir habe"
        assert lists["es"]["flag"] == "[MOTIVO]: denunciar una respuesta a los moderadores"
        assert all(set(one) == set(lists[""]) for one in lists.values())
        assert len({one["help"] for one in lists.values()}) == len(lists)


async def test_the_menus_are_told_anew_only_when_they_changed(
    api: BotApi, quiet_house: House, ana: Human, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def settled() -> int:
        """The number of lists told, once the start after the last has found nothing to tell."""
        looks = len(api.made("getMyCommands"))
        await quiet_house.start()
        await api.until(lambda: len(api.made("getMyCommands")) > looks, "a look at the menus")
        ana.say(ana.private, "/status")
        await said(api, ana.private, "base model")
        await quiet_house.stop()
        return len(api.made("setMyCommands"))

    await told(api, quiet_house)
    assert await settled() == MENUS
    api.menus.lists.clear()  # somebody else used the token
    await told(api, quiet_house)
    assert await settled() == 2 * MENUS
    french = replace(LANGUAGES["fr"], meanings={**LANGUAGES["fr"].meanings, "help": "aide"})
    monkeypatch.setitem(cast(dict[str, Language], LANGUAGES), "fr", french)
    await told(api, quiet_house)
    assert {"command": "help", "description": "aide"} in api.menus.lists[
        ("all_private_chats",), "fr"
    ]
    assert await settled() == 3 * MENUS


async def test_menus_that_were_told_in_part_are_told_again(api: BotApi, quiet_house: House) -> None:
    for _ in range(3):  # as often as it tries
        api.faults.fail("setMyCommands", 500, "Internal Server Error", times=1)
    await quiet_house.start()
    await api.until(lambda: len(api.made("setMyCommands")) == 3, "it gives up")
    await quiet_house.stop()
    await told(api, quiet_house)
    assert len(api.menus.lists) == MENUS


async def told(api: BotApi, house: House) -> None:
    """Start the bot, let it tell all menus and remember it, and stop it again."""
    sets = len(api.made("setMyCommands"))
    notes = "SELECT written_at FROM memos WHERE name LIKE 'note: menu%'"
    before = await house.rows(notes)
    house.clock.pass_(seconds=1)
    await house.start()
    await api.until(lambda: len(api.made("setMyCommands")) >= sets + MENUS, "all menus are told")
    while await house.rows(notes) == before:  # noqa: ASYNC110 - the store rings no bell
        await asyncio.sleep(0.1)
    await house.stop()


@pytest.mark.usefixtures("house")
async def test_start_help_and_status(api: BotApi, ana: Human) -> None:
    ana.say(ana.private, "/start")
    await said(api, ana.private, "learns from what you think")
    ana.say(ana.private, "/help")
    helped = await said(api, ana.private, "/privacy")
    assert "/promote" not in helped.text
    ana.say(ana.private, "/status")
    await said(api, ana.private, "base model")


@pytest.mark.parametrize("privacy", [True, False])
async def test_start_in_a_group_says_what_the_bot_hears(
    api: BotApi, quiet_house: House, ana: Human, privacy: bool
) -> None:
    api.world.privacy = privacy
    await quiet_house.start()
    hall = group(api, ana)
    ana.say(hall, "/start@thumbwise_bot")
    found = await said(api, hall, "mention me as")
    assert ("only what is meant for me" in found.text) is privacy
    desk = group(api, ana, bot="administrator")
    ana.say(desk, "/start@thumbwise_bot")
    found = await said(api, desk, "mention me as")
    assert "I read what is said here" in found.text


async def test_start_promises_nothing_that_telegram_does_not_tell(
    api: BotApi, quiet_house: House, ana: Human
) -> None:
    await quiet_house.start()
    hall = group(api, ana)
    for _ in range(2):
        api.faults.fail("getChatMember", 500, "Internal Server Error")
    ana.say(hall, "/start@thumbwise_bot")
    assert "I answer when you mention me" in (await said(api, hall, "mention me as")).text


async def test_reset_begins_anew(api: BotApi, house: House, ana: Human) -> None:
    ana.say(ana.private, "remember the fox")
    await replies(api, ana.private)
    ana.say(ana.private, "/reset")
    await said(api, ana.private, "afresh")
    ana.say(ana.private, "what now?")
    await replies(api, ana.private, 2)
    assert heard(house.voice) == ["what now?"]


async def test_chat_without_words_and_with_a_reply(
    api: BotApi, house: House, ana: Human, bo: Human
) -> None:
    hall = group(api, ana, bo)
    ana.say(hall, "/chat")
    await said(api, hall, "/chat and, after it")
    question = bo.say(hall, "Why is the sky blue?")
    ana.say(hall, "/chat", reply=question)
    await replies(api, hall)
    said_by = [(turn.speaker, turn.text) for turn in house.voice.prompts[-1].turns]
    assert said_by == [("Bo", "Why is the sky blue?"), ("Ana", "What do you think of that?")]
    kept = await house.rows("SELECT text FROM messages WHERE speaker = 'Ana'")
    assert kept == [("What do you think of that?",)]


@pytest.mark.usefixtures("house")
async def test_commands_for_other_bots_are_theirs(api: BotApi, ana: Human) -> None:
    api.world.privacy = False
    hall = group(api, ana)
    ana.say(hall, "/help@other_bot")
    ana.say(hall, "/weather")
    ana.say(hall, "@thumbwise_bot hello")
    await replies(api, hall)
    assert len(spoken(api, hall)) == 1


@pytest.mark.usefixtures("house")
async def test_an_unknown_command_in_private_is_explained(api: BotApi, ana: Human) -> None:
    ana.say(ana.private, "/weather tomorrow")
    await said(api, ana.private, "do not know /weather")


async def test_privacy_choices_and_a_copy(api: BotApi, house: House, ana: Human) -> None:
    ana.say(ana.private, "hello")
    await replies(api, ana.private)
    ana.say(ana.private, "/privacy learning off")
    await said(api, ana.private, "Learning from replies to you: off")
    assert await house.rows("SELECT trained FROM members") == [(0,)]
    ana.say(ana.private, "/privacy export")
    sent = await said(api, ana.private, "all that I keep of you")
    file = api.files.kept[sent.data["document"]["file_id"]]
    assert json.loads(file.data)["messages"][0]["text"] == "hello"


async def test_a_copy_that_was_asked_for_in_a_group_comes_in_private(
    api: BotApi, house: House, ana: Human, bo: Human
) -> None:
    hall = group(api, ana, bo)
    assert ana.private
    ana.say(hall, "/privacy export")
    await said(api, ana.private, "all that I keep of you")
    await said(api, hall, "private chat")
    bo.say(hall, "/privacy export")  # has no private chat with the bot
    await said(api, hall, "write to me in private")
    assert not any("document" in message.data for message in spoken(api, hall))
    assert await house.rows("SELECT count(*) FROM members") == [(2,)]


async def test_forget_asks_first_and_whom_it_concerns(
    api: BotApi, house: House, ana: Human, bo: Human
) -> None:
    hall = group(api, ana, bo)
    ana.say(hall, "/chat my secret is blue")
    await replies(api, hall)
    ana.say(hall, "/forget")
    asked = await said(api, hall, "for good")
    wrong = bo.press(asked, "Confirm")
    await api.until(lambda: wrong.answered, "the stranger is told")
    assert wrong.alert
    assert "secret" in str(await house.rows("SELECT text FROM messages"))
    ana.press(asked, "Confirm")
    await said(api, hall, "deleted")
    assert "secret" not in str(await house.rows("SELECT text FROM messages"))
    assert not asked.labels


async def test_forget_can_be_thought_over(api: BotApi, house: House, ana: Human) -> None:
    ana.say(ana.private, "my secret is blue")
    await replies(api, ana.private)
    ana.say(ana.private, "/forget")
    asked = await said(api, ana.private, "for good")
    ana.press(asked, "Cancel")
    await said(api, ana.private, "Nothing was done")
    assert "secret" in str(await house.rows("SELECT text FROM messages"))


async def test_an_old_question_is_not_confirmed_any_more(
    api: BotApi, house: House, ana: Human
) -> None:
    ana.say(ana.private, "my secret is blue")
    await replies(api, ana.private)
    ana.say(ana.private, "/forget")
    asked = await said(api, ana.private, "for good")
    asked.data["date"] -= CONFIRM_WITHIN.total_seconds() + 1
    ana.press(asked, "Confirm")
    await said(api, ana.private, TOO_LATE)
    assert not asked.labels
    assert "secret" in str(await house.rows("SELECT text FROM messages"))


async def test_flag_is_about_what_it_replies_to(api: BotApi, house: House, ana: Human) -> None:
    ana.say(ana.private, "one")
    (first,) = await replies(api, ana.private)
    ana.say(ana.private, "two")
    await replies(api, ana.private, 2)
    ana.say(ana.private, "/flag rude", reply=first)
    await said(api, ana.private, "a moderator will look")
    found = await house.rows(
        "SELECT e.reply, f.text FROM feedback f JOIN exchanges e ON e.id = f.exchange_id"
    )
    assert found == [("You said: one", "rude")]


@pytest.mark.parametrize("quiet_house", [{"member_rate": 2}], indirect=True)
async def test_who_asks_too_much_is_told_to_wait(
    api: BotApi, quiet_house: House, ana: Human
) -> None:
    await quiet_house.start()
    for number in range(3):
        ana.say(ana.private, f"number {number}")
    await said(api, ana.private, "ask me again in")
    await replies(api, ana.private, 2)
