"""The server's faults, proved with a small bot: lost lines and sessions, 429s, cut requests."""

from __future__ import annotations

import aiohttp
import pytest
from simcord.backend.models import Channel

from tests.wire.discord.calls import EDIT, SEND, Call
from tests.wire.discord.client import Parrot, running
from tests.wire.discord.gateway import HEARTBEAT, IDENTIFY, RESUME
from tests.wire.discord.limits import COUNT, SECONDS, Limits
from tests.wire.discord.members import Member
from tests.wire.discord.server import DiscordServer

pytestmark = pytest.mark.usefixtures("pointed")


async def test_a_resumed_session_hears_what_it_missed(
    server: DiscordServer, talk: Channel, ana: Member
) -> None:
    parrot = Parrot()
    async with running(parrot):
        session = await server.gateway.until_live()
        ana.say(talk, "before")
        await parrot.bell.until(lambda: parrot.heard, "a message")
        async with server.gateway.away():
            ana.say(talk, "meanwhile")
        assert await server.gateway.until_live() is session
        ana.say(talk, "after")
        await parrot.bell.until(lambda: len(parrot.heard) >= 3, "what was missed")
        assert parrot.heard == ["before", "meanwhile", "after"]
        assert len(server.gateway.sent(IDENTIFY)) == 1
        resumes = server.gateway.sent(RESUME)
        assert [(frame.session, frame.path) for frame in resumes] == [(session.id, "/resume")]
        assert server.gateway.sent(HEARTBEAT)


async def test_a_request_to_reconnect_is_followed_by_a_resume(
    server: DiscordServer, talk: Channel, ana: Member
) -> None:
    parrot = Parrot()
    async with running(parrot):
        await server.gateway.ask_to_reconnect()
        await server.gateway.until_live()
        assert len(server.gateway.sent(RESUME)) == 1
        ana.say(talk, "still there?")
        assert await parrot.bell.until(lambda: parrot.heard, "a message") == ["still there?"]


async def test_a_lost_session_begins_anew_and_hears_nothing_twice(
    server: DiscordServer, talk: Channel, ana: Member
) -> None:
    parrot = Parrot()
    async with running(parrot):
        first = await server.gateway.until_live()
        await server.gateway.lose()
        second = await server.gateway.until_live()
        assert second is not first
        assert len(server.gateway.sent(IDENTIFY)) == 2
        ana.say(talk, "hello")
        ana.say(talk, "again")
        await parrot.bell.until(lambda: len(parrot.heard) >= 2, "messages")
        assert parrot.heard == ["hello", "again"]


async def test_a_429_is_told_apart_from_one_that_was_asked_for(
    server: DiscordServer, talk: Channel, ana: Member
) -> None:
    async with running(Parrot()):
        await server.gateway.until_live()
        server.faults.answer(*EDIT, 429, retry_after=0.01, times=2)
        ana.say(talk, "hello", mention=True)
        await server.reply(talk)
        assert [call.status for call in server.log.find(*EDIT)] == [429, 429, 200]
        assert not server.log.limited()


async def test_a_cut_request_may_have_been_carried_out(
    server: DiscordServer, talk: Channel
) -> None:
    address = f"{server.api_base}/channels/{talk.id}/messages"
    headers = {"Authorization": "Bot MTIz.local.token"}
    server.faults.cut(*SEND, carried_out=True)
    async with aiohttp.ClientSession(headers=headers) as session:
        with pytest.raises(aiohttp.ServerDisconnectedError):
            await session.post(address, json={"content": "one"})
        for _ in range(2):  # with a nonce a message is sent once, however often it is asked for
            two = {"content": "two", "nonce": "2", "enforce_nonce": True}
            async with session.post(address, json=two) as response:
                assert response.headers["Content-Type"] == "application/json"
        assert response.headers["X-RateLimit-Remaining"] == "2"
    assert [message.content for message in server.replies(talk)] == ["one", "two"]


async def test_a_held_request_waits_until_it_is_let_through(
    server: DiscordServer, talk: Channel, ana: Member
) -> None:
    gate = server.faults.hold(*EDIT)
    async with running(Parrot()):
        await server.gateway.until_live()
        ana.say(talk, "hello", mention=True)
        await gate.arrived.wait()
        assert [message.content for message in server.replies(talk)] == ["..."]
        gate.open()
        await server.reply(talk)


async def test_too_many_edits_are_refused_as_discord_refuses_them(
    server: DiscordServer, talk: Channel
) -> None:
    bot = server.backend.bot_user
    message = server.backend.create_message(talk.id, bot.id, "x")
    address = f"{server.api_base}/channels/{talk.id}/messages/{message.id}"
    headers = {"Authorization": "Bot MTIz.local.token"}
    async with aiohttp.ClientSession(headers=headers) as session:
        for at in range(COUNT + 1):
            async with session.patch(address, json={"content": str(at)}) as response:
                told = await response.json()
        assert response.status == 429
        assert 0 < told["retry_after"] <= SECONDS
        assert response.headers["Via"]
    limited: list[Call] = server.log.limited()
    assert len(limited) == 1
    server.log.calls.remove(limited[0])  # or the fixture would say so, too


def test_a_window_ends_after_five_seconds() -> None:
    limits = Limits()
    waits = [limits.take("PATCH", "/channels/1/messages/2", at).retry_after for at in range(5)]
    assert waits == [0] * 5
    assert limits.take("PATCH", "/channels/1/messages/3", 4.5).retry_after == 0.5
    assert limits.take("PATCH", "/channels/9/messages/3", 4.5).retry_after == 0
    assert limits.take("POST", "/channels/1/messages", 4.5).retry_after == 0
    assert limits.take("PATCH", "/channels/1/messages/2", 5.0).retry_after == 0


async def test_a_second_instance_hears_the_same(
    server: DiscordServer, talk: Channel, ana: Member
) -> None:
    one, two = Parrot(), Parrot()
    async with running(one), running(two):
        await server.bell.until(
            lambda: sum(session.live for session in server.gateway.sessions) == 2, "two sessions"
        )
        ana.say(talk, "hello")
        await one.bell.until(lambda: one.heard, "a message")
        await two.bell.until(lambda: two.heard, "a message")
        assert one.heard == two.heard == ["hello"]
