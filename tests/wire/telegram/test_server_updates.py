"""The server itself: how updates come, who gets them, and the limits."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from telegram import Bot
from telegram.error import BadRequest, Conflict, RetryAfter, TelegramError

from tests.wire.telegram import town
from tests.wire.telegram.people import Human, post
from tests.wire.telegram.server import BotApi
from tests.wire.telegram.town import group
from tests.wire.telegram.webhook import HEADER

SECRET = "s3cret"  # noqa: S105 - of this file only


@pytest.fixture
async def bot(api: BotApi) -> AsyncIterator[Bot]:
    """A bot of python-telegram-bot on the server."""
    async with Bot(api.token, base_url=f"{api.base}/bot") as it:
        yield it


def heard(api: BotApi) -> list[str]:
    """The texts that wait for the bot."""
    found = []
    for update in api.updates.pending:
        kind = next(key for key in update if key != "update_id")
        found.append(update[kind].get("text", kind))
    return found


async def test_what_is_not_confirmed_comes_again(api: BotApi, bot: Bot, ana: Human) -> None:
    for text in ("one", "two", "three"):
        ana.say(ana.private, text)
    first = await bot.get_updates(limit=2)
    again = await bot.get_updates()
    assert [update.update_id for update in again[:2]] == [update.update_id for update in first]
    rest = await bot.get_updates(offset=again[1].update_id + 1)
    assert [update.message.text for update in rest if update.message] == ["three"]
    assert api.updates.confirmed == [update.update_id for update in first]


async def test_a_poll_waits_for_an_update(api: BotApi, bot: Bot, ana: Human) -> None:
    poll = asyncio.create_task(bot.get_updates(timeout=30))
    await api.until(lambda: api.updates.polls, "a poll")
    ana.say(ana.private, "hello")
    assert len(await poll) == 1
    assert await bot.get_updates(offset=-1, timeout=1)
    offset = api.updates.pending[-1]["update_id"] + 1
    assert await bot.get_updates(offset=offset, timeout=1) == ()


async def test_a_second_poll_ends_the_first(api: BotApi, bot: Bot, ana: Human) -> None:
    first = asyncio.create_task(bot.get_updates(timeout=30))
    await api.until(lambda: api.updates.polls, "a poll")
    async with Bot(api.token, base_url=f"{api.base}/bot") as other:
        second = asyncio.create_task(other.get_updates(timeout=30))
        with pytest.raises(Conflict):
            await first
        ana.say(ana.private, "hello")
        assert len(await second) == 1


async def test_only_allowed_kinds_are_queued(api: BotApi, bot: Bot, ana: Human) -> None:
    asked = ana.say(ana.private, "hello")
    ana.react(asked, "👍")
    assert len(api.updates.withheld) == 1
    await bot.get_updates(allowed_updates=["message_reaction"])
    ana.react(asked, "👎")
    ana.edit(asked, "hallo")
    update = (await bot.get_updates())[-1]
    assert update.message_reaction is not None
    assert update.message_reaction.old_reaction[0].to_dict()["emoji"] == "👍"


async def test_privacy_mode_lets_commands_mentions_and_replies_pass(
    api: BotApi, bot: Bot, ana: Human
) -> None:
    hall = group(api, ana)
    sent = await bot.send_message(hall.id, "hello all")
    shown = hall.messages[sent.message_id]
    for text in ("just talk", "/chat hi", "/chat@other_bot hi", "hey @Thumbwise_bot"):
        ana.say(hall, text)
    ana.say(hall, "a reply", reply=shown)
    assert heard(api) == ["/chat hi", "hey @Thumbwise_bot", "a reply"]
    api.world.privacy = False
    ana.say(hall, "just talk")
    assert heard(api)[-1] == "just talk"


async def test_bots_do_not_hear_bots(api: BotApi) -> None:
    other = Human(api, "Other", is_bot=True)
    hall = group(api, other, bot="administrator")
    other.say(hall, "@thumbwise_bot hi")
    assert heard(api) == []


async def test_a_post_reaches_the_discussion_group(api: BotApi, bot: Bot, ana: Human) -> None:
    hall = group(api, ana, bot="administrator")
    news = town.channel(api, hall)
    copy = post(api, news, "Big news")
    comment = ana.say(hall, "@thumbwise_bot what is it?", reply=copy)
    assert comment.topic == copy.id
    _, forwarded, question = await bot.get_updates()
    assert forwarded.message is not None
    assert forwarded.message.is_automatic_forward
    assert question.message is not None
    assert not question.message.is_topic_message


async def test_an_anonymous_administrator_hides_behind_the_group(
    api: BotApi, bot: Bot, mod: Human
) -> None:
    hall = group(api, admins=(mod,))
    hall.members[mod.user.id].anonymous = True
    mod.say(hall, "/status")
    message = (await bot.get_updates())[0].message
    assert message is not None
    assert message.sender_chat is not None
    assert message.sender_chat.id == hall.id
    assert message.from_user is not None
    assert message.from_user.is_bot


async def test_blocking_is_told(bot: Bot, ana: Human) -> None:
    ana.block()
    ana.unblock()
    kinds = [u.my_chat_member for u in await bot.get_updates()]
    assert [k.new_chat_member.status for k in kinds if k] == ["kicked", "member"]


async def test_a_webhook_gets_what_it_did_not_take_again(api: BotApi, bot: Bot, ana: Human) -> None:
    taken: list[str | None] = []
    done = asyncio.Event()

    async def take(request: web.Request) -> web.Response:
        taken.append(request.headers.get(HEADER))
        if len(taken) == 1:
            return web.Response(status=502)
        done.set()
        return web.Response()

    async with _hook(take) as base:
        api.webhook.proxies["https://bot.example"] = base
        await bot.set_webhook("https://bot.example/hook", secret_token=SECRET)
        ana.say(ana.private, "hello")
        await done.wait()
        await api.until(lambda: not api.updates.pending, "the update was taken")
        assert taken == [SECRET, SECRET]
        assert api.webhook.attempts == [502, 200]
        with pytest.raises(Conflict, match=r"(?i)webhook is active"):
            await bot.get_updates()
        await bot.delete_webhook()
    await bot.get_updates()
    with pytest.raises(BadRequest, match=r"(?i)HTTPS"):
        await bot.set_webhook("http://bot.example/hook")
    api.complaints.clear()


@contextlib.asynccontextmanager
async def _hook(take: web.RequestHandler | object) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_post("/hook", take)  # type: ignore[arg-type]
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


class Watch:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.time = 0.0

    def __call__(self) -> float:
        return self.time


async def _until_refused(bot: Bot, chat: int, count: int) -> int:
    """Send until it is too much; returns how many came through."""
    for sent in range(count):
        try:
            await bot.send_message(chat, "x")
        except RetryAfter:
            return sent
    return count


async def test_limits_of_a_chat_a_group_and_overall(api: BotApi, bot: Bot) -> None:
    watch = Watch()
    api.clock = watch
    people = [Human(api, f"P{n}") for n in range(20)]
    assert await _until_refused(bot, people[0].private.id, 9) == 3
    watch.time = 60
    hall = group(api, people[0])
    for _ in range(20):
        watch.time += 1.1
        await bot.send_message(hall.id, "x")
    watch.time += 1.1
    assert await _until_refused(bot, hall.id, 1) == 0
    watch.time = 200
    sent = 0
    with contextlib.suppress(TelegramError):
        for human in people:
            for _ in range(2):
                await bot.send_message(human.private.id, "x")
                sent += 1
    assert sent == 30
    assert [v.limit for v in api.limits.violations] == [
        "one a second in a chat",
        "twenty a minute in a group",
        "thirty a second",
    ]
    api.limits.violations.clear()


async def test_edits_count_and_a_hold_is_obeyed(api: BotApi, bot: Bot, ana: Human) -> None:
    watch = Watch()
    api.clock = watch
    sent = await bot.send_message(ana.private.id, "0")
    for text in "12":
        await sent.edit_text(text)
    with pytest.raises(RetryAfter):
        await sent.edit_text("3")
    assert len(api.limits.violations) == 1
    api.limits.violations.clear()
    watch.time = 100
    api.limits.hold(ana.private.id, 5)
    with pytest.raises(RetryAfter):
        await sent.edit_text("4")
    assert not api.limits.violations
    with pytest.raises(RetryAfter):
        await bot.send_message(ana.private.id, "early")
    assert [v.limit for v in api.limits.violations] == ["retry_after"]
    api.limits.violations.clear()
    watch.time = 105.5
    await bot.send_message(ana.private.id, "in time")
