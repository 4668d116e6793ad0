"""The real platform when Discord or the line fails: no reply is lost, none is doubled."""

from __future__ import annotations

import asyncio
import itertools
from pathlib import Path

import pytest
from simcord.backend.models import Channel, Guild

from bot.platforms.posting import RESTARTING
from tests.wire.discord.calls import EDIT, SEND
from tests.wire.discord.gateway import IDENTIFY, RESUME
from tests.wire.discord.house import House, opened
from tests.wire.discord.members import Member
from tests.wire.discord.server import DiscordServer

pytestmark = pytest.mark.usefixtures("pointed")


@pytest.mark.parametrize(
    ("call", "status"),
    [*itertools.product([SEND, EDIT], [429, 500, 502, 503])],
)
async def test_a_refused_call_is_made_again_and_the_reply_is_complete(
    server: DiscordServer,
    house: House,
    talk: Channel,
    ana: Member,
    call: tuple[str, str],
    status: int,
) -> None:
    server.faults.answer(*call, status, retry_after=0.05)
    await house.begin(ana, talk)
    house.tap.flow()
    reply = await server.reply(talk)
    assert reply.content == "You said: hello there"
    await house.end()
    assert [message.content for message in server.replies(talk)] == [reply.content]


@pytest.mark.parametrize(
    ("call", "carried_out"),
    [*itertools.product([SEND, EDIT], [False, True])],
)
async def test_a_call_whose_line_was_cut_leaves_one_complete_reply(
    server: DiscordServer,
    house: House,
    talk: Channel,
    ana: Member,
    call: tuple[str, str],
    carried_out: bool,
) -> None:
    server.faults.cut(*call, carried_out=carried_out)
    await house.begin(ana, talk)
    house.tap.flow()
    await server.reply(talk)
    await house.end()
    assert [message.content for message in server.replies(talk)] == ["You said: hello there"]


async def test_a_reply_deleted_while_it_is_written_comes_back_once_and_complete(
    server: DiscordServer, house: House, hall: Guild, talk: Channel, ana: Member
) -> None:
    await house.begin(ana, talk)
    mia = server.member("mia", hall, manage_messages=True)
    mia.delete(server.replies(talk)[0])
    house.tap.flow()
    reply = await server.reply(talk)
    assert reply.content == "You said: hello there"
    await house.end()
    assert len(server.replies(talk)) == 1


async def test_what_was_said_while_the_line_was_cut_is_answered_once(
    server: DiscordServer, house: House, talk: Channel, ana: Member
) -> None:
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
    await house.end()
    assert [len(server.gateway.sent(IDENTIFY)), len(server.gateway.sent(RESUME))] == [1, 2]
    assert len(server.replies(talk)) == 3


async def test_what_was_said_while_a_session_was_lost_is_answered_once(
    server: DiscordServer, house: House, talk: Channel, ana: Member
) -> None:
    ana.say(talk, "before", mention=True)
    await server.reply(talk)
    async with server.gateway.away(lose=True):
        ana.say(talk, "meanwhile", mention=True)
    assert "meanwhile" in (await server.reply(talk, 2)).content
    ana.say(talk, "after", mention=True)
    assert "after" in (await server.reply(talk, 3)).content
    await house.end()
    assert len(server.gateway.sent(IDENTIFY)) == 2
    assert len(server.replies(talk)) == 3


async def test_a_reply_under_way_is_finished_when_the_bot_is_told_to_end(
    server: DiscordServer, house: House, talk: Channel, ana: Member
) -> None:
    await house.begin(ana, talk)
    house.serving.cancel()
    ana.say(talk, "too late", mention=True)
    await server.bell.until(lambda: len(server.replies(talk)) == 2, "a word about the restart")
    house.tap.flow()
    await house.end()
    first, second = server.replies(talk)
    assert first.content == "You said: hello there"
    assert first.components
    assert "restart" in second.content


async def test_a_reply_that_was_shown_just_before_the_end_is_not_shown_again(
    server: DiscordServer,
    house: House,
    talk: Channel,
    ana: Member,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def cut_off(*_: object) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr("bot.chat.writing.changes.deliver", cut_off)
    await house.begin(ana, talk)
    house.tap.flow()
    reply = await server.reply(talk)
    await house.end()
    assert await house.rows("SELECT * FROM deliveries") == []
    monkeypatch.undo()
    async with opened(server, tmp_path) as later:
        await later.until("message")
    assert [message.id for message in server.replies(talk)] == [reply.id]
    assert await house.rows("SELECT external_id FROM deliveries") == [(str(reply.id),)]
    assert reply.components


async def test_a_reply_that_broke_off_is_written_to_its_end_by_the_next_process(
    server: DiscordServer, house: House, talk: Channel, ana: Member, tmp_path: Path
) -> None:
    await house.begin(ana, talk)
    await house.end()  # which waits for the reply only so long
    async with opened(server, tmp_path) as later:
        await later.until("message")
    reply, *notices = server.replies(talk)
    assert reply.content == "You said: hello there"
    assert reply.components
    assert {notice.content for notice in notices} <= {RESTARTING}


async def test_a_reply_that_was_kept_but_not_shown_to_its_end_is_completed_where_it_stands(
    server: DiscordServer, house: House, talk: Channel, ana: Member, tmp_path: Path
) -> None:
    await house.begin(ana, talk)
    gate = server.faults.hold(*EDIT)
    house.tap.flow()
    await gate.arrived.wait()
    while not await house.rows("SELECT id FROM exchanges"):
        pass
    await house.end()
    async with opened(server, tmp_path) as later:
        reply = await server.reply(talk)
        await later.until("message")
        assert later.generator.jobs == []
    assert reply.content == "You said: hello there"
    assert server.replies(talk) == [reply]


async def test_a_channel_that_is_closed_to_the_bot_stops_nothing(
    server: DiscordServer, house: House, hall: Guild, talk: Channel, ana: Member
) -> None:
    shut = server.channel(hall, "shut")
    server.close_to_bot(shut)
    ana.say(shut, "hello", mention=True)
    ana.say(talk, "hello", mention=True)
    await server.reply(talk)
    assert not house.serving.done()
    await house.end()
    assert server.replies(shut) == []


async def test_a_click_that_is_answered_too_late_still_counts(
    server: DiscordServer, house: House, talk: Channel, ana: Member
) -> None:
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
