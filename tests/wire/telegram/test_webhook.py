"""Updates by webhook, behind a proxy that speaks https."""

from __future__ import annotations

import pytest

from tests.wire.telegram import town
from tests.wire.telegram.house import House
from tests.wire.telegram.people import Human
from tests.wire.telegram.server import BotApi
from tests.wire.telegram.town import answered, replies, spoken
from tests.wire.telegram.webhook import forged

PUBLIC = "https://bot.example/telegram"
SECRET = "s3cret-of-the_test"  # noqa: S105 - of this file only


@pytest.fixture
async def hooked(api: BotApi, quiet_house: House) -> House:
    """The bot, listening to its webhook."""
    quiet_house.options = {
        "webhook_url": PUBLIC,
        "webhook_listen": api.webhook.front(PUBLIC),
        "webhook_secret": SECRET,
    }
    await quiet_house.start()
    return quiet_house


async def test_updates_come_and_are_answered_in_order(
    api: BotApi, hooked: House, ana: Human
) -> None:
    for number in range(3):
        ana.say(ana.private, f"number {number}")
    found = await replies(api, ana.private, 3)
    assert [m.text for m in found] == [f"You said: number {n}" for n in range(3)]
    await api.until(lambda: not api.updates.pending, "all are taken")
    assert api.updates.polls == 0
    await answered(api, ana.press(found[0], "👍"))
    assert await hooked.votes() == [(str(ana.user.id), "like")]


@pytest.mark.usefixtures("hooked")
async def test_strangers_are_turned_away(api: BotApi, ana: Human) -> None:
    update = forged(api.world, ana.user)
    assert await api.webhook.post(update, None) == 401
    assert await api.webhook.post(update, SECRET + "x") == 401
    ana.say(ana.private, "real")
    (reply,) = await replies(api, ana.private)
    assert reply.text == "You said: real"


async def test_a_delivery_that_comes_twice_is_answered_once(
    api: BotApi, hooked: House, ana: Human
) -> None:
    hooked.voice.go.clear()
    ana.say(ana.private, "hello")
    await hooked.voice.submitted.wait()
    update = api.updates.pending[0]
    hooked.voice.go.set()
    assert await api.webhook.post(update, SECRET) == 200
    ana.say(ana.private, "next")
    await replies(api, ana.private, 2)
    assert len(hooked.voice.jobs) == 2


async def test_what_comes_while_the_bot_is_away_comes_again(
    api: BotApi, hooked: House, ana: Human
) -> None:
    await hooked.stop()
    ana.say(ana.private, "are you there?")
    await api.until(lambda: 0 in api.webhook.attempts, "a delivery fails")
    await hooked.start()
    await replies(api, ana.private)
    assert len(spoken(api, ana.private)) == 1


async def test_back_to_polling_the_webhook_goes(api: BotApi, hooked: House, ana: Human) -> None:
    await hooked.stop()
    hooked.options = {}
    ana.say(ana.private, "meanwhile")
    await hooked.start()
    await replies(api, ana.private)
    assert api.webhook.url == ""
    assert town.rated(api, ana.private)
