"""However the bot ends and begins again: nothing is lost, and nothing is done twice."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from bot.platforms.telegram import polling
from tests.wire.telegram import town
from tests.wire.telegram.house import House
from tests.wire.telegram.people import Human
from tests.wire.telegram.server import PATIENCE, BotApi
from tests.wire.telegram.town import answered, group, replies, said, spoken

PUBLIC = "https://bot.example/telegram"
WINDOW = 100
"""How many updates Telegram shows at once."""
TALK = "SELECT count(*) FROM messages WHERE text LIKE 'talk%'"


async def kept(house: House) -> str:
    """All small facts in the store."""
    return str(await house.rows("SELECT value FROM memos"))


def on_disk(house: House, words: str) -> bool:
    """Whether the store's files hold words, in whatever corner."""
    files = house.settings.data_dir.glob("*.db*")
    return any(words.encode() in file.read_bytes() for file in files)


async def test_what_was_done_behind_a_reply_that_hangs_is_not_done_again(
    api: BotApi, house: House, ana: Human, bo: Human
) -> None:
    ana.say(ana.private, "hello")
    (reply,) = await replies(api, ana.private)
    house.voice.go.clear()
    bo.say(bo.private, "this takes long")
    await api.until(lambda: len(house.voice.jobs) == 2, "the reply that hangs")
    await answered(api, ana.press(reply, "👍"))
    ana.say(ana.private, "/better Hello, Ana!", reply=reply)
    await said(api, ana.private, "better answer")
    await house.stop()
    assert len(api.updates.pending) == 3  # Telegram brings them all again
    house.voice.go.set()
    await house.start()
    await replies(api, bo.private)
    await api.until(lambda: not api.updates.pending, "all are confirmed")
    assert await house.votes() == [(str(ana.user.id), kind) for kind in ("like", "correction")]
    assert len(spoken(api, ana.private)) == 2


@pytest.mark.parametrize("act", ["forget", "again", "better", "flag"])
async def test_what_was_done_is_not_done_again_though_nobody_could_be_told(
    api: BotApi, house: House, mod: Human, act: str
) -> None:
    hall = group(api, admins=(mod,))
    mod.say(hall, "/chat hello")
    (reply,) = await replies(api, hall)
    mod.say(hall, "/forget")
    asked = await said(api, hall, "for good")
    api.limits.hold(hall.id, 150)  # to say what was done takes longer than the bot's end
    if act == "forget":
        mod.press(asked, "Confirm")
    elif act == "again":
        mod.press(reply, "🔁")
    else:
        mod.say(hall, f"/{act} Hello, Mod!", reply=reply)
    await api.until(lambda: any(call.code == 429 for call in api.calls), "it has been done")
    count = {
        "forget": "SELECT count(*) FROM audit WHERE action = 'forget'",
        "again": "SELECT count(*) FROM exchanges WHERE retry_of IS NOT NULL",
    }.get(act, "SELECT count(*) FROM feedback")
    async with asyncio.timeout(PATIENCE):
        while await house.rows(count) != [(1,)]:  # noqa: ASYNC110 - the store rings no bell
            await asyncio.sleep(0.1)
    await house.restart()
    mod.say(mod.private, "/start")
    await said(api, mod.private, "Hello! I am")
    await api.until(lambda: not api.updates.pending, "nothing is left to do")
    assert await house.rows(count) == [(1,)]


async def chatter(api: BotApi, people: Sequence[Human]) -> None:
    """Much talk among people in a group, which the bot hears and does not answer."""
    api.world.privacy = False
    hall = group(api, *people)
    for number in range(WINDOW):
        people[number % len(people)].say(hall, f"talk {number}")


async def test_a_reply_that_hangs_makes_the_bot_deaf_to_nobody(
    api: BotApi, house: House, ana: Human, bo: Human, mod: Human
) -> None:
    house.voice.go.clear()
    ana.say(ana.private, "the secret of the fox")
    await house.voice.submitted.wait()
    await chatter(api, (bo, mod))
    bo.say(bo.private, "/help")
    await said(api, bo.private, "/privacy")
    while await house.rows(TALK) != [(WINDOW,)]:  # noqa: ASYNC110 - the store rings no bell
        await asyncio.sleep(0.1)
    await api.until(lambda: not api.updates.pending, "Telegram may forget them all")
    assert "secret" in await kept(house)
    assert "language_code" in await kept(house)  # which is nowhere but in Telegram's updates
    assert on_disk(house, "language_code")
    await house.stop()
    house.voice.go.set()
    await house.start()
    (reply,) = await replies(api, ana.private)
    assert reply.text == "You said: the secret of the fox"
    async with asyncio.timeout(PATIENCE):
        while on_disk(house, "language_code"):  # noqa: ASYNC110 - the store rings no bell
            await asyncio.sleep(0.1)
    assert "secret" not in await kept(house)


async def stopped_with_an_open_question(api: BotApi, house: House, ana: Human, bo: Human) -> None:
    """Ana's question is under way, Telegram has forgotten it, and the bot is stopped."""
    house.voice.go.clear()
    ana.say(ana.private, "slow")
    await house.voice.submitted.wait()
    await chatter(api, (bo,))
    await api.until(lambda: not api.updates.pending, "Telegram may forget them all")
    await house.stop()


async def test_what_is_left_of_another_bot_is_dropped(
    api: BotApi, house: House, ana: Human, bo: Human
) -> None:
    await stopped_with_an_open_question(api, house, ana, bo)
    api.world.bot.id -= 1
    api.token = f"{api.world.bot.id}:AAAnother-Bot"
    await house.start()
    ana.say(ana.private, "/start")
    await said(api, ana.private, "Hello! I am")
    assert "slow" not in await kept(house)
    assert len(house.voice.jobs) == 1


async def test_what_telegram_has_forgotten_is_answered_by_the_webhook_too(
    api: BotApi, house: House, ana: Human, bo: Human
) -> None:
    await stopped_with_an_open_question(api, house, ana, bo)
    house.voice.go.set()
    house.options = {"webhook_url": PUBLIC, "webhook_listen": api.webhook.front(PUBLIC)}
    await house.start()
    (reply,) = await replies(api, ana.private)
    assert reply.text == "You said: slow"
    await house.stop()
    assert "slow" not in await kept(house)


async def test_what_is_too_much_waits_at_telegram(
    api: BotApi, house: House, ana: Human, bo: Human, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(polling, "MOST_UNDER_WAY", 0)
    house.voice.go.clear()
    ana.say(ana.private, "slow")
    await house.voice.submitted.wait()
    await chatter(api, (bo,))
    given = len(api.updates.given)
    await api.until(lambda: len(api.updates.given) > given + 4 * WINDOW, "it goes on asking")
    assert len(api.updates.pending) == 1 + WINDOW
    house.voice.go.set()
    await replies(api, ana.private)
    await api.until(lambda: not api.updates.pending, "all are confirmed")
    assert await house.rows(TALK) == [(WINDOW,)]


async def test_what_a_webhook_brings_again_after_a_restart_is_not_done_again(
    api: BotApi, quiet_house: House, ana: Human
) -> None:
    secret = "of-this-test"  # noqa: S105 - and of nothing else
    quiet_house.options = {
        "webhook_url": PUBLIC,
        "webhook_listen": api.webhook.front(PUBLIC),
        "webhook_secret": secret,
    }
    await quiet_house.start()
    ana.say(ana.private, "hello")
    (reply,) = await replies(api, ana.private)
    await api.until(lambda: not api.updates.pending, "the reply is safe")
    press = ana.press(reply, "👍")
    vote = api.updates.pending[0]
    await api.until(lambda: press.answered and not api.updates.pending, "the vote is safe")
    await quiet_house.restart()
    assert await api.webhook.post(vote, secret) == 200  # as if the first answer had been lost
    assert await quiet_house.votes() == [(str(ana.user.id), "like")]
    quiet_house.options = {}
    await quiet_house.stop()
    api.updates.pending.append(vote)
    await quiet_house.start()
    ana.say(ana.private, "and now?")
    await replies(api, ana.private, 2)
    assert await quiet_house.votes() == [(str(ana.user.id), "like")]
    assert len(town.rated(api, ana.private)) == 2
