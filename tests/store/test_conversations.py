"""Channels keep what was said once, in order, and begin anew when asked."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from sqlalchemy import select

from bot.domain import ChannelKind, ChannelMode, Place
from bot.store import conversations, members
from bot.store.database import Database
from bot.store.tables import channels
from tests.store.rows import NOW, answered, enter, meet, message, reply, room, turn


async def test_a_place_is_one_channel_however_often_entered(database: Database) -> None:
    async with database.write() as tx:
        first = await conversations.enter(tx, room(), NOW)
    async with database.write() as tx:
        assert await conversations.enter(tx, room(), NOW) == first
        assert (await conversations.enter(tx, room("other"), NOW)).id != first.id
        elsewhere = replace(room(), platform="discord")
        assert (await conversations.enter(tx, elsewhere, NOW)).id != first.id
        assert (await conversations.enter(tx, replace(room(), community="b"), NOW)).id != first.id


async def test_a_channels_name_follows_the_platform(database: Database) -> None:
    async with database.write() as tx:
        channel = await conversations.enter(tx, room(), NOW)
        for given, kept in [("renamed", "renamed"), ("", "renamed")]:
            await conversations.enter(tx, replace(room(), name=given), NOW)
            query = select(channels.c.name).where(channels.c.id == channel.id)
            assert (await tx.execute(query)).scalar_one() == kept


@pytest.mark.parametrize(
    ("kind", "mode"),
    [(ChannelKind.DIRECT, ChannelMode.ON), (ChannelKind.GROUP, ChannelMode.MENTION)],
)
async def test_mode_and_persona_begin_as_usual_and_stay_as_set(
    database: Database, kind: ChannelKind, mode: ChannelMode
) -> None:
    place = Place("terminal", "home", "x", kind)
    async with database.write() as tx:
        other = await enter(tx)
        channel = await conversations.enter(tx, place, NOW)
        assert (channel.mode, channel.persona) == (mode, "")
        await conversations.set_mode(tx, channel.id, ChannelMode.OFF)
        await conversations.set_persona(tx, channel.id, "A pirate.")
    async with database.write() as tx:
        channel = await conversations.enter(tx, place, NOW)
        assert (channel.mode, channel.persona) == (ChannelMode.OFF, "A pirate.")
        assert await enter(tx) == other
        await conversations.set_persona(tx, channel.id, "")
        assert (await conversations.enter(tx, place, NOW)).persona == ""


async def test_history_tells_who_said_what_in_order(database: Database) -> None:
    async with database.write() as tx:
        ana, bob, channel = await meet(tx, "Ana"), await meet(tx, "Bob"), await enter(tx)
        await conversations.hear(tx, channel.id, ana, message(ana, "Hi", "1"), "Hi")
        await conversations.hear(tx, channel.id, bob, message(bob, "Me too", "2"), "Me too")
        saved = await answered(tx, channel.id, ana, reply="Hello!")
        await conversations.say(tx, channel.id, saved.id, NOW)
        other = await enter(tx, "other")
        await conversations.hear(tx, other.id, ana, message(ana, "There", "1"), "There")
    async with database.read() as conn:
        said = await conversations.history(conn, channel.id)
        assert [one.turn for one in said] == [
            turn(ana, "Hi"),
            turn(bob, "Me too"),
            reply("Hello!"),
        ]
        assert [one.position for one in said] == [1, 2, 3]
        assert await conversations.history(conn, channel.id, 2) == said[1:]


async def test_a_message_that_comes_twice_is_kept_once(database: Database) -> None:
    async with database.write() as tx:
        ana, channel, other = await meet(tx), await enter(tx), await enter(tx, "other")
        once = message(ana, "Hi", "1")
        first = await conversations.hear(tx, channel.id, ana, once, "Hi")
        assert await conversations.hear(tx, channel.id, ana, once, "Hi") == first
        assert len(await conversations.history(tx, channel.id)) == 1
        assert await conversations.hear(tx, other.id, ana, once, "Hi")
        nameless = message(ana, "Hi", "")  # without an id, nothing says that they are the same
        assert await conversations.hear(tx, channel.id, ana, nameless, "Hi")
        assert await conversations.hear(tx, channel.id, ana, nameless, "Hi")
        assert len(await conversations.history(tx, channel.id)) == 3


async def test_two_deliveries_at_once_are_kept_once(url: str) -> None:
    handles = [await Database.open(url) for _ in range(2)]
    async with handles[0].write() as tx:
        ana, channel = await meet(tx), await enter(tx)

    async def deliver(database: Database) -> int:
        async with database.write() as tx:
            return await conversations.hear(tx, channel.id, ana, message(ana, "Hi", "1"), "Hi")

    heard = await asyncio.gather(*(deliver(handles[n % 2]) for n in range(8)))
    assert len(set(heard)) == 1
    async with handles[1].read() as conn:
        assert len(await conversations.history(conn, channel.id)) == 1
    for handle in handles:
        await handle.close()


async def test_writers_at_once_leave_no_gap_and_no_double_position(url: str) -> None:
    handles = [await Database.open(url) for _ in range(2)]
    async with handles[0].write() as tx:
        ana, channel = await meet(tx), await enter(tx)

    async def speak(number: int) -> None:
        async with handles[number % 2].write() as tx:
            said = message(ana, str(number), str(number))
            await conversations.hear(tx, channel.id, ana, said, said.text)

    await asyncio.gather(*(speak(number) for number in range(30)))
    async with handles[0].read() as conn:
        said = await conversations.history(conn, channel.id)
    assert [one.position for one in said] == list(range(1, 31))
    for handle in handles:
        await handle.close()


async def test_a_reset_hides_what_was_before_and_nothing_after(database: Database) -> None:
    async with database.write() as tx:
        ana, channel, other = await meet(tx), await enter(tx), await enter(tx, "other")
        await conversations.reset(tx, channel.id)  # of an empty channel: nothing happens
        for where in (channel, other):
            await conversations.hear(tx, where.id, ana, message(ana, "old", "1"), "old")
        await conversations.reset(tx, channel.id)
        assert await conversations.history(tx, channel.id) == []
        assert len(await conversations.history(tx, other.id)) == 1
        await conversations.hear(tx, channel.id, ana, message(ana, "new", "2"), "new")
        [said] = await conversations.history(tx, channel.id)
        assert (said.position, said.turn.text) == (2, "new")
        assert await conversations.hear(tx, channel.id, ana, message(ana, "old", "1"), "old") == 1


async def test_positions_grow_past_a_reset_whose_messages_are_forgotten(
    database: Database,
) -> None:
    async with database.write() as tx:
        ana, bob, channel = await meet(tx, "Ana"), await meet(tx, "Bob"), await enter(tx)
        for number in range(3):
            said = message(ana, "x", str(number))
            await conversations.hear(tx, channel.id, ana, said, "x")
        await conversations.reset(tx, channel.id)
        await members.forget(tx, ana.id)
        await conversations.hear(tx, channel.id, bob, message(bob, "new", "9"), "new")
        [said_now] = await conversations.history(tx, channel.id)
        assert (said_now.position, said_now.turn.text) == (4, "new")


async def test_a_reset_after_forgetting_brings_nothing_back(database: Database) -> None:
    async with database.write() as tx:
        ana, bob, channel = await meet(tx, "Ana"), await meet(tx, "Bob"), await enter(tx)
        await conversations.hear(tx, channel.id, bob, message(bob, "old", "0"), "old")
        await conversations.hear(tx, channel.id, ana, message(ana, "x", "1"), "x")
        await conversations.reset(tx, channel.id)
        await members.forget(tx, ana.id)
        await conversations.reset(tx, channel.id)
        assert await conversations.history(tx, channel.id) == []


async def test_text_that_no_database_keeps_is_heard_all_the_same(database: Database) -> None:
    async with database.write() as tx:
        ana, channel = await meet(tx, "Ana"), await enter(tx)
        ana = replace(ana, name="A\udcffna")
        said = message(ana, "\udcff", "1")
        assert await conversations.hear(tx, channel.id, ana, said, said.text)
        [kept] = await conversations.history(tx, channel.id)
    assert (kept.turn.speaker, kept.turn.text) == ("A\ufffdna", "\ufffd")
