"""The real platform when Discord or the line fails: no reply is lost, none is doubled."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from tests.wire.discord.calls import EDIT, SEND
from tests.wire.discord.gateway import IDENTIFY, RESUME
from tests.wire.discord.house import opened
from tests.wire.discord.server import DiscordServer

pytestmark = pytest.mark.usefixtures("pointed")


@pytest.mark.parametrize(
    ("call", "status"),
    [*itertools.product([SEND, EDIT], [429, 500, 502, 503])],
)
async def test_a_refused_call_is_made_again_and_the_reply_is_complete(
    server: DiscordServer, tmp_path: Path, call: tuple[str, str], status: int
) -> None:
    hall = server.guild()
    talk, ana = server.channel(hall), server.member("ana", hall)
    async with opened(server, tmp_path) as house:
        server.faults.answer(*call, status, retry_after=0.05)
        house.tap.clear()
        ana.say(talk, "hello there", mention=True)
        house.tap.drip()
        await server.bell.until(lambda: server.log.find(*SEND), "the first words")
        house.tap.flow()
        reply = await server.reply(talk)
        assert reply.content == "You said: hello there"
    assert [message.content for message in server.replies(talk)] == [reply.content]


@pytest.mark.parametrize(
    ("call", "carried_out"),
    [*itertools.product([SEND, EDIT], [False, True])],
)
async def test_a_call_whose_line_was_cut_leaves_one_complete_reply(
    server: DiscordServer, tmp_path: Path, call: tuple[str, str], carried_out: bool
) -> None:
    hall = server.guild()
    talk, ana = server.channel(hall), server.member("ana", hall)
    async with opened(server, tmp_path) as house:
        server.faults.cut(*call, carried_out=carried_out)
        house.tap.clear()
        ana.say(talk, "hello there", mention=True)
        house.tap.drip()
        await server.bell.until(lambda: server.log.find(*SEND), "the first words")
        house.tap.flow()
        await server.reply(talk)
    assert [message.content for message in server.replies(talk)] == ["You said: hello there"]


async def test_a_reply_deleted_while_it_is_written_comes_back_once_and_complete(
    server: DiscordServer, tmp_path: Path
) -> None:
    hall = server.guild()
    talk, ana = server.channel(hall), server.member("ana", hall)
    async with opened(server, tmp_path) as house:
        house.tap.clear()
        ana.say(talk, "hello there", mention=True)
        house.tap.drip()
        await server.log.until(*SEND)
        mia = server.member("mia", hall, manage_messages=True)
        mia.delete(server.replies(talk)[0])
        house.tap.flow()
        reply = await server.reply(talk)
        assert reply.content == "You said: hello there"
    assert len(server.replies(talk)) == 1


async def test_what_was_said_while_the_line_was_cut_is_answered_once(
    server: DiscordServer, tmp_path: Path
) -> None:
    hall = server.guild()
    talk, ana = server.channel(hall), server.member("ana", hall)
    async with opened(server, tmp_path):
        ana.say(talk, "before", mention=True)
        reply = await server.reply(talk)
        async with server.gateway.away():
            ana.say(talk, "meanwhile", mention=True)
            clicked = ana.click(reply, "👍")
        assert "meanwhile" in (await server.reply(talk, 2)).content
        assert (await clicked.answer()).is_ephemeral
        await server.gateway.ask_to_reconnect()
        await server.bell.until(lambda: len(server.gateway.sent(RESUME)) == 2, "a RESUME")
        await server.gateway.until_live()
        ana.say(talk, "after", mention=True)
        assert "after" in (await server.reply(talk, 3)).content
    assert [len(server.gateway.sent(IDENTIFY)), len(server.gateway.sent(RESUME))] == [1, 2]
    assert len(server.replies(talk)) == 3


async def test_what_was_said_while_a_session_was_lost_is_answered_once(
    server: DiscordServer, tmp_path: Path
) -> None:
    hall = server.guild()
    talk, ana = server.channel(hall), server.member("ana", hall)
    async with opened(server, tmp_path):
        ana.say(talk, "before", mention=True)
        await server.reply(talk)
        async with server.gateway.away(lose=True):
            ana.say(talk, "meanwhile", mention=True)
        assert "meanwhile" in (await server.reply(talk, 2)).content
        ana.say(talk, "after", mention=True)
        assert "after" in (await server.reply(talk, 3)).content
    assert len(server.gateway.sent(IDENTIFY)) == 2
    assert len(server.replies(talk)) == 3


async def test_a_reply_under_way_is_finished_when_the_bot_is_told_to_end(
    server: DiscordServer, tmp_path: Path
) -> None:
    hall = server.guild()
    talk, ana = server.channel(hall), server.member("ana", hall)
    async with opened(server, tmp_path) as house:
        house.tap.clear()
        ana.say(talk, "hello there", mention=True)
        house.tap.drip()
        await server.log.until(*SEND)
        house.serving.cancel()
        ana.say(talk, "too late", mention=True)
        await server.bell.until(lambda: len(server.replies(talk)) == 2, "a word about the restart")
        house.tap.flow()
        await house.end()
    first, second = server.replies(talk)
    assert first.content == "You said: hello there"
    assert first.components
    assert "restart" in second.content


async def test_a_channel_that_is_closed_to_the_bot_stops_nothing(
    server: DiscordServer, tmp_path: Path
) -> None:
    hall = server.guild()
    talk, shut = server.channel(hall), server.channel(hall, "shut")
    ana = server.member("ana", hall)
    async with opened(server, tmp_path) as house:
        server.close_to_bot(shut)
        ana.say(shut, "hello", mention=True)
        ana.say(talk, "hello", mention=True)
        await server.reply(talk)
        assert not house.serving.done()
    assert server.replies(shut) == []


async def test_a_click_that_is_answered_too_late_still_counts(
    server: DiscordServer, tmp_path: Path
) -> None:
    hall = server.guild()
    talk, ana = server.channel(hall), server.member("ana", hall)
    async with opened(server, tmp_path) as house:
        ana.say(talk, "hello", mention=True)
        reply = await server.reply(talk)
        gate = server.faults.hold("POST", "/interactions/*/*/callback")
        late = ana.click(reply, "👍")
        await gate.arrived.wait()
        server.backend.advance_clock(4)
        gate.open()
        await house.until("rating")
        assert await house.rows("SELECT kind FROM feedback") == [("like",)]
        assert not late.record.responded
        assert "taken back" in (await ana.click(reply, "👍").answer()).content
