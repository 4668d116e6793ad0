"""Members judge replies: by buttons, reactions, and better answers."""

from __future__ import annotations

import asyncio

import pytest

from tests.wire.telegram import town
from tests.wire.telegram.house import House
from tests.wire.telegram.keyboards import buttons
from tests.wire.telegram.people import Human
from tests.wire.telegram.server import BotApi
from tests.wire.telegram.town import answered, group, replies, said
from tests.wire.telegram.world import Message


async def labels(api: BotApi, message: Message, *wanted: str) -> None:
    """Wait until a message's buttons say this."""
    await api.until(
        lambda: message.labels[: len(wanted)] == list(wanted), f"{wanted}, not {message.labels}"
    )


async def test_a_vote_counts_once_and_can_be_changed(
    api: BotApi, house: House, ana: Human, bo: Human
) -> None:
    hall = group(api, ana, bo)
    ana.say(hall, "/chat hello")
    (reply,) = await replies(api, hall)
    assert "Thank you" in await answered(api, ana.press(reply, "👍"))
    await labels(api, reply, "👍 1", "👎")
    await answered(api, bo.press(reply, "👍"))
    await labels(api, reply, "👍 2", "👎")
    await answered(api, ana.press(reply, "👎"))
    await labels(api, reply, "👍 1", "👎 1")
    await answered(api, ana.press(reply, "👎"))  # taken back
    await labels(api, reply, "👍 1", "👎")
    a, b = str(ana.user.id), str(bo.user.id)
    assert await house.votes() == [
        (a, "like"),
        (b, "like"),
        (a, "dislike"),
        (a, "retraction"),
    ]


async def test_a_press_waits_for_nothing_that_goes_on_in_the_group(
    api: BotApi, house: House, ana: Human, bo: Human, mod: Human
) -> None:
    hall = group(api, ana, bo, admins=(mod,))
    ana.say(hall, "/chat hello")
    (reply,) = await replies(api, hall)
    api.limits.hold(hall.id, 150)
    ana.say(hall, "/help")
    await api.until(lambda: any(c.code == 429 for c in api.calls), "the answer has to wait")
    ana.say(hall, "/status")
    house.voice.go.clear()
    bo.say(hall, "/chat tell me more")  # and a reply is under way
    await api.until(lambda: len(house.voice.jobs) == 2, "it is being written")
    await asyncio.sleep(70)  # of the loop's brisk seconds: who administers is known no more
    pressed = [human.press(reply, "👍") for human in (ana, bo, mod)]
    pressed.append(mod.press(reply, "🔁"))
    for press in pressed:
        await answered(api, press)
    assert len(await house.votes()) == 3
    assert town.spoken(api, hall) == [reply]
    house.voice.go.set()
    await said(api, hall, "/privacy")
    await labels(api, reply, "👍 3")
    await replies(api, hall, 3)


async def test_only_the_last_part_of_a_reply_has_buttons_and_they_stay(
    api: BotApi, house: House, ana: Human
) -> None:
    house.voice.words = "long " * 1500
    ana.say(ana.private, "at length")
    (last,) = await replies(api, ana.private)
    await answered(api, ana.press(last, "👎"))
    await labels(api, last, "👍", "👎 1", "🔁")


async def test_buttons_work_after_a_restart(api: BotApi, house: House, ana: Human) -> None:
    ana.say(ana.private, "hello")
    (reply,) = await replies(api, ana.private)
    await house.restart()
    assert "Thank you" in await answered(api, ana.press(reply, "👍"))
    assert await house.votes() == [(str(ana.user.id), "like")]


async def test_a_press_while_the_bot_was_away_counts(api: BotApi, house: House, ana: Human) -> None:
    ana.say(ana.private, "hello")
    (reply,) = await replies(api, ana.private)
    await house.stop()
    ana.press(reply, "👍", stale=True)
    await house.start()
    await labels(api, reply, "👍 1")
    assert await house.votes() == [(str(ana.user.id), "like")]


async def test_a_button_below_a_message_that_telegram_no_longer_shows(
    api: BotApi, house: House, ana: Human
) -> None:
    ana.say(ana.private, "hello")
    (reply,) = await replies(api, ana.private)
    await answered(api, ana.press(reply, "👍", gone=True))
    assert await house.votes() == [(str(ana.user.id), "like")]


async def test_forged_buttons_do_nothing(api: BotApi, house: House, ana: Human, bo: Human) -> None:
    hall = group(api, ana)
    ana.say(hall, "/chat hello")
    (foreign,) = await replies(api, hall)
    bo.say(bo.private, "hello")
    (own,) = await replies(api, bo.private)
    theirs, true = (buttons(m.markup)[0]["callback_data"] for m in (foreign, own))
    nonsense = ("", "like", "v1:like:", "v1:like:99999999999999999999", "v1:erase:1", "\x00" * 9)
    for data in (*nonsense, theirs):
        await answered(api, bo.press(own, "👍", data=data))
    assert await house.votes() == []
    await answered(api, bo.press(own, "👍"))
    await labels(api, own, "👍 1")
    for call in api.made("editMessageReplyMarkup"):
        assert true in str(call.values["reply_markup"])


async def test_a_better_answer_by_the_pencil(
    api: BotApi, house: House, ana: Human, bo: Human
) -> None:
    hall = group(api, ana, bo)
    ana.say(hall, "/chat two and two?")
    (reply,) = await replies(api, hall)
    await answered(api, bo.press(reply, "✏"))
    asked = await api.until(
        lambda: next((m for m in town.spoken(api, hall) if m.asks), None), "a forced reply"
    )
    assert asked.markup["selective"]
    assert asked.marked("text_mention") == ["Bo"]
    bo.say(hall, "It is four.", reply=asked)
    await said(api, hall, "better answer")
    found = await house.rows("SELECT text FROM feedback WHERE kind = 'correction'")
    assert found == [("It is four.",)]
    assert len(town.rated(api, hall)) == 1  # what was given as the better answer is no question


async def test_the_pencils_question_is_known_after_a_restart(
    api: BotApi, house: House, ana: Human
) -> None:
    ana.say(ana.private, "two and two?")
    (reply,) = await replies(api, ana.private)
    await answered(api, ana.press(reply, "✏"))
    asked = await api.until(
        lambda: next((m for m in town.spoken(api, ana.private) if m.asks), None), "a forced reply"
    )
    await house.restart()
    ana.say(ana.private, "It is four.", reply=asked)
    await said(api, ana.private, "better answer")
    assert await house.votes() == [(str(ana.user.id), "correction")]


async def test_better_as_a_reply_to_an_older_answer(api: BotApi, house: House, ana: Human) -> None:
    ana.say(ana.private, "one")
    (first,) = await replies(api, ana.private)
    ana.say(ana.private, "two")
    await replies(api, ana.private, 2)
    ana.say(ana.private, "/better Uno!", reply=first)
    await said(api, ana.private, "better answer")
    found = await house.rows(
        "SELECT e.reply, f.text FROM feedback f JOIN exchanges e ON e.id = f.exchange_id"
    )
    assert found == [("You said: one", "Uno!")]


async def test_better_as_a_reply_to_somebody_else_is_explained(
    api: BotApi, house: House, ana: Human
) -> None:
    own = ana.say(ana.private, "hello")
    await replies(api, ana.private)
    ana.say(ana.private, "/better")
    await said(api, ana.private, "/better and, after it")
    ana.say(ana.private, "/start")
    start = await said(api, ana.private, "hello! I am")
    ana.say(ana.private, "/better Hi!", reply=start)
    await said(api, ana.private, "do not know that message")
    assert own
    assert await house.votes() == []


async def test_reactions_count_where_the_bot_is_an_administrator(
    api: BotApi, house: House, ana: Human, bo: Human
) -> None:
    hall = group(api, ana, bo, bot="administrator")
    ana.say(hall, "/chat hello")
    (reply,) = await replies(api, hall)
    bo.react(reply, "👍")
    await labels(api, reply, "👍 1", "👎")
    bo.react(reply, "👎", "🔥")
    await labels(api, reply, "👍", "👎 1")
    bo.react(reply)
    await labels(api, reply, "👍", "👎")
    ana.react(reply, "🔥")
    await answered(api, ana.press(reply, "👎"))
    b, a = str(bo.user.id), str(ana.user.id)
    assert await house.votes() == [
        (b, "like"),
        (b, "dislike"),
        (b, "retraction"),
        (a, "dislike"),
    ]


async def test_reactions_count_in_topics(api: BotApi, house: House, ana: Human) -> None:
    hall = group(api, ana, forum=True, bot="administrator")
    topic = town.open_topic(api, hall, ana, "Cats")
    ana.say(hall, "/chat hello", topic=topic)
    (reply,) = await replies(api, hall)
    ana.react(reply, "👍")
    await labels(api, reply, "👍 1")
    assert await house.votes() == [(str(ana.user.id), "like")]


async def test_reactions_count_in_topics_after_a_restart(
    api: BotApi, house: House, ana: Human
) -> None:
    hall = group(api, ana, forum=True, bot="administrator")
    cats, dogs = (town.open_topic(api, hall, ana, name) for name in ("Cats", "Dogs"))
    ana.say(hall, "/chat meow", topic=cats)
    (of_cats,) = await replies(api, hall)
    ana.say(hall, "/chat woof", topic=dogs)
    of_dogs = (await replies(api, hall, 2))[1]
    await house.restart()
    ana.react(of_cats, "👍")
    ana.react(of_dogs, "👎")
    await labels(api, of_cats, "👍 1", "👎")
    await labels(api, of_dogs, "👍", "👎 1")
    found = await house.rows(
        "SELECT e.reply, f.kind FROM feedback f JOIN exchanges e ON e.id = f.exchange_id"
    )
    assert sorted(found) == [("You said: meow", "like"), ("You said: woof", "dislike")]
    assert len(await house.rows("SELECT id FROM channels")) == 2  # the reactions made none


async def test_a_button_in_a_topic_below_a_message_that_telegram_no_longer_shows(
    api: BotApi, house: House, ana: Human
) -> None:
    hall = group(api, ana, forum=True)
    topic = town.open_topic(api, hall, ana, "Cats")
    ana.say(hall, "/chat hello", topic=topic)
    (reply,) = await replies(api, hall)
    await house.restart()
    assert "Thank you" in await answered(api, ana.press(reply, "👍", gone=True))
    await labels(api, reply, "👍 1")


async def test_a_reaction_reaches_no_reply_of_another_group(
    api: BotApi, house: House, ana: Human, bo: Human
) -> None:
    """Groups count their messages each from one, so the same number stands in both."""
    one = group(api, ana, bot="administrator")
    other = group(api, bo, bot="administrator")
    ana.say(one, "/chat hello")
    (reply,) = await replies(api, one)
    bo.say(other, "one")
    same = bo.say(other, "two")
    assert same.id == reply.id
    bo.react(same, "👍")
    bo.say(other, "/chat go on")
    (own,) = await replies(api, other)
    bo.react(own, "👎")  # reactions in a chat are read in order
    await labels(api, own, "👍", "👎 1")
    assert await house.votes() == [(str(bo.user.id), "dislike")]


async def test_reactions_of_strangers_messages_do_nothing(
    api: BotApi, house: House, ana: Human, bo: Human
) -> None:
    hall = group(api, ana, bo, bot="administrator")
    asked = ana.say(hall, "/chat hello")
    (reply,) = await replies(api, hall)
    bo.react(asked, "👍")
    bo.react(reply, "👎")
    await labels(api, reply, "👍", "👎 1")
    assert await house.votes() == [(str(bo.user.id), "dislike")]


@pytest.mark.usefixtures("house")
@pytest.mark.parametrize("times", [12])
async def test_many_votes_at_once_keep_to_the_limits(api: BotApi, times: int) -> None:
    people = [Human(api, f"P{n}") for n in range(times)]
    hall = group(api, *people)
    people[0].say(hall, "/chat hello")
    (reply,) = await replies(api, hall)
    for human in people:
        human.press(reply, "👍")
    await labels(api, reply, f"👍 {times}")
    assert len(api.made("editMessageReplyMarkup")) < times
