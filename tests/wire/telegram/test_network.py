"""A network that loses answers, a Telegram that is slow or wants patience, and who may do what."""

from __future__ import annotations

import asyncio

import pytest

from bot.domain import ChannelKind, Place
from tests.wire.telegram.house import House
from tests.wire.telegram.people import Human
from tests.wire.telegram.server import BotApi
from tests.wire.telegram.town import answered, group, replies, said, spoken


async def test_a_reply_whose_confirmation_is_lost_comes_rather_twice_than_never(
    api: BotApi, house: House, ana: Human
) -> None:
    api.faults.drop("sendMessage", carried_out=True)
    ana.say(ana.private, "hello")
    first, second = await replies(api, ana.private, 2)
    assert first.text == second.text == "You said: hello"
    for message in (first, second):  # the buttons of both are of the one reply
        await answered(api, ana.press(message, "👎"))
    assert [kind for _, kind in await house.votes()] == ["dislike", "retraction"]
    assert len(house.voice.jobs) == 1


@pytest.mark.usefixtures("house")
async def test_a_telegram_that_is_slow_to_confirm_is_waited_for(api: BotApi, ana: Human) -> None:
    gate = api.faults.hold("sendMessage", carried_out=True)
    ana.say(ana.private, "hello")
    await replies(api, ana.private)
    await asyncio.sleep(40)  # of the loop's brisk seconds
    gate.set()
    ana.say(ana.private, "next")
    found = await replies(api, ana.private, 2)
    assert [message.text for message in found] == ["You said: hello", "You said: next"]


async def test_an_edit_whose_confirmation_is_lost_changes_nothing(
    api: BotApi, house: House, ana: Human
) -> None:
    hall = group(api, ana)
    house.voice.words, house.voice.pause = " ".join(f"word{n}" for n in range(30)), 0.5
    api.faults.drop("editMessageText", times=4, carried_out=True)
    ana.say(hall, "/chat hello")
    (reply,) = await replies(api, hall)
    assert api.faults.left() == []
    assert reply.text == house.voice.words
    assert len(spoken(api, hall)) == 1


async def test_news_whose_confirmation_is_lost_comes_once(
    api: BotApi, house: House, ana: Human
) -> None:
    hall = group(api, ana)
    place = Place("telegram", str(hall.id), str(hall.id), ChannelKind.GROUP)
    api.faults.drop("sendMessage", carried_out=True)
    assert house.platform is not None
    await house.platform.announce(place, "I learned something")
    assert [message.text for message in spoken(api, hall)] == ["I learned something"]


@pytest.mark.parametrize("quiet_house", [{"member_rate": 1}], indirect=True)
async def test_a_passing_word_comes_once_and_not_too_late(
    api: BotApi, house: House, ana: Human, bo: Human
) -> None:
    ana.say(ana.private, "one")
    await replies(api, ana.private)
    api.faults.drop("sendMessage", carried_out=True)
    ana.say(ana.private, "two")
    await said(api, ana.private, "One moment")
    hall = group(api, ana, bo)
    api.limits.hold(hall.id, 150)
    bo.say(hall, "/chat three")
    await api.until(lambda: any(c.code == 429 for c in api.calls), "patience is asked for")
    bo.say(hall, "/chat four")  # too soon; but to say so in minutes is of no use
    await asyncio.sleep(100)  # of the loop's brisk seconds
    await replies(api, hall)
    await api.until(lambda: not api.updates.pending, "both are seen through")
    assert [message.text for message in spoken(api, hall)] == ["You said: three"]
    assert len(house.voice.jobs) == 2
    assert len(spoken(api, ana.private)) == 2


async def test_a_press_that_cannot_be_answered_is_carried_out(
    api: BotApi, house: House, ana: Human
) -> None:
    ana.say(ana.private, "hello")
    await replies(api, ana.private)
    ana.say(ana.private, "/forget")
    asked = await said(api, ana.private, "for good")
    api.faults.fail("answerCallbackQuery", 500, "Internal Server Error", times=2)
    press = ana.press(asked, "Confirm")
    await api.until(lambda: not asked.labels, "it is done")
    assert api.faults.left() == []
    assert await house.rows("SELECT text FROM messages WHERE text LIKE '%hello%'") == []
    press.stale = True  # nobody waits for an answer any more


async def test_administrators_stay_so_while_telegram_cannot_be_asked(
    api: BotApi, house: House, ana: Human, mod: Human
) -> None:
    hall = group(api, ana, admins=(mod,))
    ana.say(hall, "/chat hello")
    (reply,) = await replies(api, hall)
    mod.say(hall, "/approve", reply=reply)
    await said(api, hall, "Approved")
    await asyncio.sleep(120)  # of the loop's brisk seconds: what was known is old by now
    for _ in range(2):
        api.faults.fail("getChatAdministrators", 500, "Internal Server Error")
    mod.say(hall, "/reject", reply=reply)
    await said(api, hall, "Rejected")
    assert api.faults.left() == []
    await house.restart()  # now nothing is known
    for _ in range(4):
        api.faults.fail("getChatAdministrators", 500, "Internal Server Error")
    mod.say(hall, "/chat who am I?")
    await replies(api, hall, 2)
    mod.say(hall, "/approve", reply=reply)
    await said(api, hall, "/approve is for moderators")
    found = await house.rows(f"SELECT role FROM members WHERE external_id = '{mod.user.id}'")
    assert found == [("admin",)]  # it is only not granted for now
    assert api.faults.left() == []
    before = len(spoken(api, hall))
    mod.say(hall, "/approve", reply=reply)  # and Telegram is asked again
    await api.until(lambda: len(spoken(api, hall)) > before, "an answer")
    assert "Approved" in spoken(api, hall)[-1].text
