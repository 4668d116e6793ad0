"""The real bot process against the server: its settings, restarts, and a killed one."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable
from contextlib import AbstractAsyncContextManager

import pytest

from tests.walks.conftest import World
from tests.wire.discord import process as on_discord
from tests.wire.discord.server import DiscordServer
from tests.wire.process import Bot, running
from tests.wire.telegram.people import Human
from tests.wire.telegram.server import BotApi
from tests.wire.telegram.town import answered, rated, replies, said, spoken
from tests.wire.telegram.webhook import forged

pytestmark = pytest.mark.asyncio(loop_factories=["real"])

PUBLIC = "https://bot.example/telegram"
SECRET = "s3cret-of-the_process"  # noqa: S105 - of this file only
WRONG = "1234:of-somebody-else"


def running_bot(
    world: World, api: BotApi, ready: Awaitable[object] | None = None, **changes: str
) -> AbstractAsyncContextManager[Bot]:
    """The bot, once it polls or else is `ready`."""
    polls = api.updates.polls
    if ready is None:
        ready = api.until(lambda: api.updates.polls > polls, "the process polls")
    settings = {"TELEGRAM_TOKEN": api.token, "TELEGRAM_API_BASE": api.base}
    return running(world, ready, **(settings | changes))


async def test_a_reply_is_rated_after_a_restart(api: BotApi, world: World, ana: Human) -> None:
    async with running_bot(world, api) as bot:
        ana.say(ana.private, "hello")
        (reply,) = await replies(api, ana.private)
        await bot.stop(signal.SIGINT)
    async with running_bot(world, api) as bot:
        await answered(api, ana.press(reply, "👍"))
        await api.until(lambda: reply.labels[0] == "👍 1", "the count")
        ana.say(ana.private, "/status")
        await said(api, ana.private, "Ratings: 1 👍")
        await bot.stop(signal.SIGINT)
    assert api.token not in bot.said()
    assert "Traceback" not in bot.said()


async def test_a_killed_bot_loses_nothing_and_answers_nothing_twice(
    api: BotApi, world: World, ana: Human, bo: Human
) -> None:
    async with running_bot(world, api) as bot:
        ana.say(ana.private, "before")
        await replies(api, ana.private)
        gate = api.faults.hold("sendMessage", chat=bo.private.id)
        bo.say(bo.private, "cut off")
        await api.until(lambda: api.faults.left() == [], "a reply is on its way")
        await bot.kill()
    gate.set()
    ana.say(ana.private, "while it was dead")
    async with running_bot(world, api):
        await replies(api, ana.private, 2)
        bo.say(bo.private, "are you back?")
        await replies(api, bo.private, 2)
        await api.until(lambda: not api.updates.pending, "all are confirmed")
    assert [len(rated(api, human.private)) for human in (ana, bo)] == [2, 2]


async def test_a_vote_behind_a_reply_that_hangs_survives_a_kill(
    api: BotApi, world: World, ana: Human, bo: Human
) -> None:
    async with running_bot(world, api) as bot:
        ana.say(ana.private, "hello")
        (reply,) = await replies(api, ana.private)
        gate = api.faults.hold("sendMessage", chat=bo.private.id)
        bo.say(bo.private, "cut off")
        await api.until(lambda: api.faults.left() == [], "a reply is on its way")
        ana.press(reply, "👍")
        await api.until(lambda: reply.labels[0] == "👍 1", "the count")
        ana.say(ana.private, "/status")
        await said(api, ana.private, "Ratings: 1 👍")
        await bot.kill()
    gate.set()
    assert len(api.updates.pending) >= 3  # Telegram brings the vote again
    async with running_bot(world, api):
        await replies(api, bo.private)
        await api.until(lambda: not api.updates.pending, "all are confirmed")
        before = len(spoken(api, ana.private))
        ana.say(ana.private, "/status")
        await api.until(lambda: len(spoken(api, ana.private)) > before, "the figures")
    assert "Ratings: 1 👍" in spoken(api, ana.private)[-1].text
    assert reply.labels[0] == "👍 1"
    assert "Traceback" not in bot.said()


async def test_a_webhook_by_settings_and_back_to_polling(
    api: BotApi, world: World, ana: Human, bo: Human
) -> None:
    webhook = {
        "TELEGRAM_WEBHOOK_URL": PUBLIC,
        "TELEGRAM_WEBHOOK_LISTEN": api.webhook.front(PUBLIC),
        "TELEGRAM_WEBHOOK_SECRET": SECRET,
    }
    hooked = api.until(lambda: api.webhook.url == PUBLIC, "the process sets its webhook")
    async with running_bot(world, api, hooked, **webhook):
        ana.say(ana.private, "hello")
        (reply,) = await replies(api, ana.private)
        for secret in (None, "x", SECRET.upper(), SECRET + "x"):
            assert await api.webhook.post(forged(api.world, bo.user), secret) == 401
        assert api.updates.polls == 0
    assert api.webhook.url == PUBLIC  # Telegram keeps it, and what comes meanwhile
    ana.press(reply, "👍", stale=True)
    async with running_bot(world, api) as bot:
        assert api.webhook.url == ""
        await api.until(lambda: reply.labels[0] == "👍 1", "the count")
    assert not spoken(api, bo.private)  # nobody answered what strangers forged
    for secret in (api.token, SECRET):
        assert secret not in bot.said()
    assert "Traceback" not in bot.said()


async def test_a_wrong_token_ends_with_one_sentence(api: BotApi, world: World) -> None:
    settings = {"TELEGRAM_TOKEN": WRONG, "TELEGRAM_API_BASE": api.base}
    ended = await asyncio.to_thread(
        world.run, "bot", "run", **settings, LEARN="false", CONSOLE="false", LOG_FORMAT="text"
    )
    assert ended.returncode == 1
    last = ended.stderr.strip().splitlines()[-1]
    assert "Telegram does not accept TELEGRAM_TOKEN" in last
    assert "Traceback" not in ended.stderr
    assert WRONG not in ended.stderr + ended.stdout
    assert [(call.method, call.code) for call in api.calls] == [("getMe", 401)]


async def test_a_wrong_token_leaves_the_other_doors_open(api: BotApi, world: World) -> None:
    async with DiscordServer().serving() as server:
        hall = server.guild()
        talk, zoe = server.channel(hall), server.member("zoe", hall)
        async with on_discord.running_bot(
            world, server, TELEGRAM_TOKEN=WRONG, TELEGRAM_API_BASE=api.base
        ) as bot:
            await api.until(lambda: api.made("getMe"), "the wrong token is tried")
            zoe.say(talk, "hello", mention=True)
            await server.reply(talk)
    lines = [line for line in bot.said().splitlines() if "TELEGRAM_TOKEN" in line]
    assert len(lines) == 1, "one clear line"
    assert WRONG not in bot.said()
    assert "Traceback" not in bot.said()
