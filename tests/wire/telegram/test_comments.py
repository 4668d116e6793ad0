"""Comments on a channel's posts: a message of its group is one only if it answers another."""

from __future__ import annotations

import pytest

from tests.wire.telegram import town
from tests.wire.telegram.house import House
from tests.wire.telegram.people import Human, post
from tests.wire.telegram.server import BotApi
from tests.wire.telegram.town import answered, group, replies, said, spoken
from tests.wire.telegram.world import Chat, Message


@pytest.fixture
def hall(api: BotApi, ana: Human, bo: Human, mod: Human) -> Chat:
    """A channel's discussion group, in which the bot sees everything."""
    hall = group(api, ana, bo, admins=(mod,), bot="administrator")
    town.channel(api, hall)
    return hall


@pytest.fixture
def copy(api: BotApi, hall: Chat) -> Message:
    """The copy of a post that is commented on."""
    assert hall.linked is not None
    return post(api, hall.linked, "Big news, ask @thumbwise_bot")


@pytest.mark.usefixtures("house")
async def test_a_comment_is_answered_and_a_post_is_not(
    api: BotApi, ana: Human, hall: Chat, copy: Message
) -> None:
    asked = ana.say(hall, "@thumbwise_bot what does it mean?", reply=copy)
    (answer,) = await replies(api, hall)
    assert answer.reply is asked
    assert answer.topic == copy.id
    assert hall.linked is not None
    assert not spoken(api, hall.linked)


async def test_all_parts_of_a_long_reply_stay_below_the_post(
    api: BotApi, house: House, ana: Human, hall: Chat, copy: Message
) -> None:
    house.voice.words = "long " * 2000
    asked = ana.say(hall, "@thumbwise_bot at length?", reply=copy)
    await replies(api, hall)
    parts = spoken(api, hall)
    assert len(parts) == 3
    assert [part.reply for part in parts] == [asked, *parts[:-1]]
    assert {part.topic for part in parts} == {copy.id}


async def test_the_next_reply_to_review_stays_below_the_post(
    api: BotApi, house: House, ana: Human, bo: Human, mod: Human, hall: Chat, copy: Message
) -> None:
    for number in (1, 2):
        ana.say(hall, f"@thumbwise_bot number {number}", reply=copy)
        await answered(api, bo.press((await replies(api, hall, number))[-1], "👎"))
    mod.say(hall, "/review", reply=copy)
    card = await said(api, hall, "2 to review")
    mod.press(card, "✅")
    await said(api, hall, "1 to review")
    assert {message.topic for message in spoken(api, hall)} == {copy.id}
    assert len(await house.rows("SELECT id FROM decisions")) == 1
