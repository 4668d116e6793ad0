"""What waits behind a reply that takes long, and what is done to it meanwhile."""

from __future__ import annotations

import asyncio

import pytest

from bot.platforms.posting import CURSOR, RESTARTING
from tests.wire.telegram import town
from tests.wire.telegram.house import House, heard
from tests.wire.telegram.people import Human
from tests.wire.telegram.server import BotApi
from tests.wire.telegram.town import answered, group, replies, said, spoken


async def test_what_waits_can_still_be_changed_and_who_waits_is_told(
    api: BotApi, house: House, ana: Human
) -> None:
    house.voice.go.clear()
    ana.say(ana.private, "one")
    await house.voice.submitted.wait()
    two = ana.say(ana.private, "secret")
    ana.edit(two, "harmless")
    ana.say(ana.private, "third")
    await said(api, ana.private, "2 replies come before yours")
    house.voice.go.set()
    await replies(api, ana.private, 3)
    asked = [prompt.turns[-1].text for prompt in house.voice.prompts]
    assert asked == ["one", "harmless", "third"]
    assert "secret" not in str(house.voice.prompts)


async def test_typing_is_kept_alive_until_there_is_something_to_read(
    api: BotApi, house: House, ana: Human
) -> None:
    def typed() -> int:
        return len([call for call in api.calls if call.method == "sendChatAction"])

    house.voice.go.clear()
    ana.say(ana.private, "one")
    await api.until(lambda: typed() >= 3, "typing is shown again and again")
    house.voice.go.set()
    await replies(api, ana.private)
    at_the_end = typed()
    await asyncio.sleep(20)  # of the loop's brisk seconds
    assert typed() == at_the_end


async def test_a_vote_for_a_reply_that_still_grows_counts_and_holds_up_nothing(
    api: BotApi, house: House, ana: Human
) -> None:
    hall = group(api, ana, forum=True, bot="administrator")
    topic = town.open_topic(api, hall, ana, "Cats")
    ana.say(hall, "/chat hello", topic=topic)
    (first,) = await replies(api, hall)
    house.voice.words, house.voice.pause = "one two three four five six seven eight", 4.0
    ana.say(hall, "/chat tell me more", topic=topic)
    await api.until(lambda: len(spoken(api, hall)) == 2, "the reply begins to grow")
    growing = spoken(api, hall)[1]
    ana.react(growing, "👍")
    ana.react(growing, "👎")
    await answered(api, ana.press(first, "👎"))
    assert town.rated(api, hall) == [first]
    assert len(await house.votes()) == 1
    await replies(api, hall, 2)
    await api.until(lambda: growing.labels[:2] == ["👍", "👎 1"], "the vote is shown")
    assert [kind for _, kind in await house.votes()] == ["dislike", "like", "dislike"]


async def test_who_refused_to_be_remembered_is_not_quoted_from_another_chat_either(
    api: BotApi, house: House, ana: Human, bo: Human
) -> None:
    bo.say(bo.private, "/privacy remembering off")
    await said(api, bo.private, "remember")
    ana.quote(ana.private, "is it true?", "the grass is green", by=bo.user)
    await replies(api, ana.private)
    assert heard(house.voice) == ["is it true?"]


@pytest.mark.parametrize("moment", [0.5, 2.0, 3.5])
async def test_whoever_waits_in_a_group_is_told_of_the_restart(
    api: BotApi, house: House, ana: Human, moment: float
) -> None:
    hall = group(api, ana)
    house.voice.words, house.voice.pause = " ".join(f"word{n}" for n in range(200)), 1.0
    ana.say(hall, "/chat tell me")
    await api.until(lambda: spoken(api, hall), "the reply begins to grow")
    await asyncio.sleep(moment)  # of the loop's brisk seconds: before, in and after a step
    await house.stop()
    assert RESTARTING in [message.text for message in spoken(api, hall)]
    assert not any(CURSOR in message.text for message in spoken(api, hall))
