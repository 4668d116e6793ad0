"""What goes wrong with Telegram, and that nobody loses anything by it."""

from __future__ import annotations

import asyncio

import pytest

from bot.errors import ThumbwiseError
from tests.wire.telegram import town
from tests.wire.telegram.house import House, heard
from tests.wire.telegram.people import Human
from tests.wire.telegram.server import BotApi
from tests.wire.telegram.town import answered, group, replies, said, spoken
from tests.wire.telegram.world import Chat


async def growing(api: BotApi, house: House, human: Human) -> Chat:
    """A group in which a long reply is being written."""
    hall = group(api, human)
    house.voice.words, house.voice.pause = " ".join(f"word{n}" for n in range(40)), 0.5
    human.say(hall, "/chat hello")
    await api.until(lambda: api.made("editMessageText"), "an edit")
    return hall


async def test_a_wrong_token_ends_with_a_sentence(api: BotApi, quiet_house: House) -> None:
    running = await quiet_house.start(token="1234:wrong")  # noqa: S106 - opens nothing
    await asyncio.wait([running])
    with pytest.raises(ThumbwiseError, match="TELEGRAM_TOKEN"):
        await quiet_house.stop()
    assert len(api.calls) == 1


@pytest.mark.usefixtures("house")
async def test_a_second_poller_is_survived(api: BotApi, ana: Human) -> None:
    await api.until(lambda: api.updates.polls, "a poll")
    api.faults.fail(
        "getUpdates",
        409,
        "Conflict: terminated by other getUpdates request; "
        "make sure that only one bot instance is running",
        times=3,
    )
    polls = api.updates.polls
    await api.updates.poll(None, 1, 0)  # the other program
    ana.say(ana.private, "are you there?")
    await replies(api, ana.private)
    assert api.updates.conflicts == 1
    assert api.updates.polls > polls + 1
    assert len([c for c in api.made("getUpdates") if c.code == 409]) == 4


@pytest.mark.usefixtures("house")
async def test_a_lost_network_loses_nothing(api: BotApi, ana: Human) -> None:
    ana.say(ana.private, "one")
    await replies(api, ana.private)
    await api.vanish()
    ana.say(ana.private, "two")
    await asyncio.sleep(20)  # of the loop's brisk seconds: some tries fail
    await api.listen()
    found = await replies(api, ana.private, 2)
    assert [m.text for m in found] == ["You said: one", "You said: two"]


async def test_a_start_without_network_waits_for_it(
    api: BotApi, quiet_house: House, ana: Human
) -> None:
    await api.vanish()
    starting = asyncio.create_task(quiet_house.start())
    await asyncio.sleep(10)
    await api.listen()
    await starting
    ana.say(ana.private, "hello")
    await replies(api, ana.private)


@pytest.mark.parametrize(
    ("method", "code", "why"),
    [
        ("sendMessage", 500, "Internal Server Error"),
        ("sendMessage", 502, "Bad Gateway"),
        ("getUpdates", 502, "Bad Gateway"),
        ("sendChatAction", 500, "Internal Server Error"),
        ("answerCallbackQuery", 500, "Internal Server Error"),
    ],
)
@pytest.mark.usefixtures("house")
async def test_an_error_of_the_server_is_passing(
    api: BotApi, ana: Human, method: str, code: int, why: str
) -> None:
    api.faults.fail(method, code, why)
    ana.say(ana.private, "hello")
    (reply,) = await replies(api, ana.private)
    await answered(api, ana.press(reply, "👍"))
    assert api.faults.left() == []


@pytest.mark.usefixtures("house")
async def test_a_cut_connection_is_tried_again(api: BotApi, ana: Human) -> None:
    api.faults.drop("sendMessage")
    api.faults.drop("getUpdates", times=2)
    ana.say(ana.private, "hello")
    (reply,) = await replies(api, ana.private)
    assert reply.text == "You said: hello"


@pytest.mark.usefixtures("house")
async def test_patience_is_kept_for_the_whole_chat(api: BotApi, ana: Human, bo: Human) -> None:
    hall = group(api, ana, bo)
    api.limits.hold(hall.id, 30)
    ana.say(hall, "/chat hello")
    bo.say(hall, "/help")
    bo.say(bo.private, "meanwhile")
    await replies(api, bo.private)
    assert not spoken(api, hall)
    await replies(api, hall)
    await said(api, hall, "/privacy")
    assert len([c for c in api.made("sendMessage") if c.code == 429]) == 1


async def test_patience_while_a_reply_grows_keeps_its_end(
    api: BotApi, house: House, ana: Human
) -> None:
    hall = await growing(api, house, ana)
    api.limits.hold(hall.id, 40)
    (reply,) = await replies(api, hall)
    assert reply.text == house.voice.words


async def test_a_member_who_blocked_the_bot_harms_nobody_else(
    api: BotApi, house: House, ana: Human, bo: Human
) -> None:
    house.voice.go.clear()
    ana.say(ana.private, "hello")
    await house.voice.submitted.wait()
    ana.block()
    house.voice.go.set()
    bo.say(bo.private, "and me?")
    await replies(api, bo.private)
    await api.until(lambda: not api.updates.pending, "all updates are confirmed")
    assert not spoken(api, ana.private)
    ana.unblock()
    ana.say(ana.private, "again")
    await replies(api, ana.private)
    assert "hello" in heard(house.voice)


async def test_a_bot_that_was_kicked_is_quiet_until_it_is_invited(
    api: BotApi, house: House, ana: Human, mod: Human
) -> None:
    hall = group(api, ana, admins=(mod,))
    house.voice.go.clear()
    ana.say(hall, "/chat hello")
    await house.voice.submitted.wait()
    mod.kick_bot(hall)
    house.voice.go.set()
    await api.until(lambda: not api.updates.pending, "all updates are confirmed")
    mod.invite_bot(hall)
    ana.say(hall, "/chat welcome back")
    (reply,) = await replies(api, hall)
    assert "welcome back" in reply.text


async def test_a_reply_that_is_deleted_while_it_grows_is_sent_at_its_end(
    api: BotApi, house: House, ana: Human
) -> None:
    hall = await growing(api, house, ana)
    spoken(api, hall)[0].deleted = True
    (reply,) = await replies(api, hall)
    assert reply.text == house.voice.words


@pytest.mark.usefixtures("house")
async def test_a_question_that_is_deleted_is_answered_all_the_same(
    api: BotApi, house: House, ana: Human
) -> None:
    hall = group(api, ana)
    house.voice.go.clear()
    asked = ana.say(hall, "/chat hello")
    await house.voice.submitted.wait()
    ana.remove(asked)
    house.voice.go.set()
    (reply,) = await replies(api, hall)
    assert reply.reply is None


async def test_a_press_below_a_deleted_reply_counts(api: BotApi, house: House, ana: Human) -> None:
    ana.say(ana.private, "hello")
    (reply,) = await replies(api, ana.private)
    press = ana.press(reply, "👍")
    reply.deleted = True
    await answered(api, press)
    ana.say(ana.private, "go on")
    await replies(api, ana.private)
    assert await house.votes() == [(str(ana.user.id), "like")]


async def test_what_is_not_safe_yet_is_not_confirmed(
    api: BotApi, house: House, ana: Human, bo: Human
) -> None:
    house.voice.go.clear()
    ana.say(ana.private, "slow")
    await house.voice.submitted.wait()
    bo.say(bo.private, "/help")
    await said(api, bo.private, "/privacy")
    assert api.updates.confirmed == []
    house.voice.go.set()
    await replies(api, ana.private)
    await api.until(lambda: len(api.updates.confirmed) == 2, "both are confirmed")


async def test_a_restart_answers_nothing_twice(api: BotApi, house: House, ana: Human) -> None:
    for number in range(3):
        ana.say(ana.private, f"number {number}")
    await replies(api, ana.private, 3)
    await house.stop()
    given = list(api.updates.given)
    ana.say(ana.private, "while you slept")
    await house.start()
    await replies(api, ana.private, 4)
    assert set(api.updates.given) > set(given)
    assert len(spoken(api, ana.private)) == 4


async def test_an_update_that_telegram_brings_again_is_answered_once(
    api: BotApi, house: House, ana: Human
) -> None:
    ana.say(ana.private, "hello")
    await replies(api, ana.private)
    await api.until(lambda: not api.updates.pending, "it is confirmed")
    await house.stop()
    await house.rows("SELECT 1")
    async with house.database.write() as tx:
        await tx.exec_driver_sql("DELETE FROM memos")  # as if the cursor had not been kept
    api.updates.pending.append(
        {
            "update_id": api.updates.given[-1],
            "message": next(iter(ana.private.messages.values())).to_json(),
        }
    )
    await house.start()
    ana.say(ana.private, "next")
    await replies(api, ana.private, 2)
    assert len(house.voice.jobs) == 2


async def test_a_reply_under_way_is_finished_when_the_bot_is_stopped(
    api: BotApi, house: House, ana: Human
) -> None:
    house.voice.words, house.voice.pause = "one two three four", 0.5
    ana.say(ana.private, "count")
    await house.voice.submitted.wait()
    await house.stop()
    (reply,) = town.rated(api, ana.private)
    assert reply.text == "one two three four"
    await house.start()
    await api.until(lambda: not api.updates.pending, "it is confirmed")
    assert len(house.voice.jobs) == 1


@pytest.mark.usefixtures("house")
async def test_updates_of_unknown_kinds_are_passed_over(api: BotApi, ana: Human) -> None:
    api.updates.pending += [
        {"update_id": 1, "poll": {"id": "1"}},
        {"update_id": 2, "message": {"message_id": "nonsense"}},
        {"update_id": 3, "something_new": {"x": 1}},
    ]
    for number, update in enumerate(api.updates.pending):
        update["update_id"] = 870_000_000 - 3 + number
    api.updates.ring()
    ana.say(ana.private, "hello")
    await replies(api, ana.private)
    await api.until(lambda: not api.updates.pending, "all are confirmed")
