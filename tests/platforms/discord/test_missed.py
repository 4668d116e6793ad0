"""What was said while nobody listened: after a lost session, and between two processes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import discord
import pytest
import simcord
from discord import RateLimited

from bot.platforms.discord.client import Client
from bot.platforms.discord.missed import WITHIN, Trail, horizon
from tests.platforms.discord.conftest import PATIENT, Town, new_client
from tests.platforms.discord.hall import Hall

pytestmark = PATIENT


async def lose_session(town: Town) -> None:
    shard = town.client.get_shard(0)
    assert shard is not None
    await shard.disconnect()


async def new_session(town: Town) -> None:
    shard = town.client.get_shard(0)
    assert shard is not None
    with town.env._bot_scope():
        await shard.reconnect()
    await town.env.settle()


async def test_what_was_said_while_the_session_was_lost_is_answered_once(town: Town) -> None:
    await town.ask("before")
    side = town.guild.create_text_channel("side")
    await lose_session(town)
    await town.ana.send(town.channel, f"{town.me} meanwhile")
    await town.ana.send(side, f"{town.me} over here")
    assert [m.text for m in town.hall.messages] == ["before"]
    await new_session(town)
    await town.ana.send(town.channel, f"{town.me} after")
    assert [m.text for m in town.hall.messages] == ["before", "meanwhile", "over here", "after"]
    assert [m.content for m in town.replies] == [
        "You said: before",
        "You said: meanwhile",
        "You said: after",
    ]
    assert [m.author.name for m in town.hall.messages] == ["ana"] * 4


async def test_shards_lose_their_sessions_one_by_one(hall: Hall) -> None:
    client = Client(hall, shards=2, every=0.0)
    async with simcord.run(client, settle_timeout=30.0) as env:
        user = env.create_user("ana")
        places = {}
        for number in range(2):
            guild = env.create_guild(f"Town {number}", shard_id=number)
            places[number] = guild.add_member(user), guild.create_text_channel("general")
        shard = client.get_shard(1)
        assert shard is not None
        await shard.disconnect()
        assert client.user is not None
        for number, (ana, channel) in places.items():
            await ana.send(channel, f"{client.user.mention} {number}")
        assert [m.text for m in hall.messages] == ["0"]
        with env._bot_scope():
            await shard.reconnect()
        await env.settle()
        assert [m.text for m in hall.messages] == ["0", "1"]


async def test_a_lost_direct_chat_is_looked_into_too(town: Town) -> None:
    await town.ana.send_dm("before")
    await lose_session(town)
    await town.ana.send_dm("meanwhile")
    await new_session(town)
    assert [m.text for m in town.hall.messages] == ["before", "meanwhile"]


async def test_direct_chats_of_before_the_process_are_looked_into(town: Town) -> None:
    await town.ana.send_dm("before")
    town.hall.direct = [town.hall.messages[0].place.channel]
    await lose_session(town)
    await town.ana.send_dm("between")
    await town.env.restart_bot(new_client(town.hall))
    assert [m.text for m in town.hall.messages] == ["before", "between"]
    said = [m.content for m in town.ana.user.dm_channel.history()]
    assert said == ["before", "You said: before", "between", "You said: between"]


async def test_what_was_under_way_when_the_bot_was_cut_off_is_looked_up_again(
    town: Town,
) -> None:
    await town.ask("one")
    done = town.hall.position
    town.hall.go.clear()
    await town.ask("two")
    await town.ana.send(town.channel, "not to the bot")
    town.client.walks.closed = True
    await town.client.walks.close(0)
    await town.client.end()
    assert done is not None
    asked = [m for m in town.channel.history() if m.author.id != town.client.me]
    assert done == asked[0].id
    assert town.hall.position == asked[1].id - 1


async def test_a_shard_that_is_away_keeps_what_it_misses_for_the_next_process(hall: Hall) -> None:
    client = Client(hall, shards=2, every=0.0)
    async with simcord.run(client, settle_timeout=30.0) as env:
        user = env.create_user("ana")
        towns = [env.create_guild(f"Town {number}", shard_id=number) for number in range(2)]
        ana = [town.add_member(user) for town in towns]
        channels = [town.create_text_channel("general") for town in towns]
        assert client.user is not None
        me = client.user.mention
        await ana[1].send(channels[1], f"{me} one")
        before = hall.position
        shard = client.get_shard(1)
        assert shard is not None
        await shard.disconnect()
        await ana[1].send(channels[1], f"{me} two")
        await ana[0].send(channels[0], f"{me} three")
        assert [m.text for m in hall.messages] == ["one", "three"]
        assert hall.position == before
        await env.restart_bot(Client(hall, shards=2, every=0.0))
        assert sorted(m.text for m in hall.messages) == ["one", "three", "two"]


async def test_what_is_older_than_ten_minutes_is_left_alone(town: Town) -> None:
    await town.ask("before")
    await lose_session(town)
    await town.ana.send(town.channel, f"{town.me} long ago")
    await town.env.advance_time(WITHIN.total_seconds() + 1)
    await town.ana.send(town.channel, f"{town.me} just now")
    await new_session(town)
    assert [m.text for m in town.hall.messages] == ["before", "just now"]


async def test_what_was_said_between_two_processes_is_answered(town: Town) -> None:
    await town.ask("before")
    await town.client.room.keep_cursor("discord", town.client.trail.newest)
    await lose_session(town)
    await town.ana.send(town.channel, f"{town.me} between")
    await town.env.restart_bot(new_client(town.hall))
    assert [m.text for m in town.hall.messages] == ["before", "between"]
    assert [m.content for m in town.replies] == ["You said: before", "You said: between"]


async def test_a_bot_that_is_new_answers_nothing_of_before(town: Town) -> None:
    await lose_session(town)
    await town.ana.send(town.channel, f"{town.me} before")
    await town.env.advance_time(1)
    town.hall.position = None  # as a house is that has never been on Discord
    await town.env.restart_bot(new_client(town.hall))
    assert not town.hall.messages


async def test_a_channel_that_cannot_be_read_does_not_keep_from_the_others(town: Town) -> None:
    await town.ask("before")
    await lose_session(town)
    await town.ana.send(town.channel, f"{town.me} meanwhile")
    await town.ana.send(town.guild.create_text_channel("side"), f"{town.me} over here")
    town.env.inject_error("GET", "/channels/*/messages", status=403, code=50001)
    await new_session(town)
    assert len(town.hall.messages) == 2


async def test_what_is_only_heard_is_not_looked_up_again_either(town: Town) -> None:
    said = await town.ana.send(town.channel, "not to the bot")
    assert town.hall.position == said.id


@pytest.mark.parametrize("fault", [aiohttp.ClientError("cut"), OSError(), RateLimited(90.0)])
async def test_a_line_that_is_cut_while_looking_ends_nothing(
    town: Town, monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    replies = [await town.ask("before"), await town.ask("again")]
    side = town.guild.create_text_channel("side")
    await lose_session(town)
    for reply in replies:
        await town.ana.react(reply, "👍")
    await town.ana.send(side, f"{town.me} lost")
    await town.ana.send(town.channel, f"{town.me} meanwhile")
    looked, named = discord.TextChannel.history, discord.Reaction.users

    def history(self: discord.TextChannel, **options: Any) -> AsyncIterator[discord.Message]:
        if self.id == side.id:
            raise fault
        return looked(self, **options)

    def users(self: discord.Reaction, **options: Any) -> Any:
        assert town.client.trail.listening  # all messages have been handed over
        if self.message.id == replies[0].id:
            raise fault
        return named(self, **options)

    monkeypatch.setattr(discord.TextChannel, "history", history)
    monkeypatch.setattr(discord.Reaction, "users", users)
    await new_session(town)
    last = await town.ana.send(town.channel, f"{town.me} after")
    assert [m.text for m in town.hall.messages] == ["before", "again", "meanwhile", "after"]
    assert town.hall.position == last.id
    assert [rated.exchange for rated in town.hall.ratings] == [2]


def test_the_trail_tells_what_is_new_and_forgets_what_is_old() -> None:
    trail = Trail()
    first = discord.utils.time_snowflake(discord.utils.utcnow())
    later = first + (int(3 * WITHIN.total_seconds() * 1000) << 22)
    assert trail.note(1, first)
    assert not trail.note(1, first)
    assert trail.note(2, later)
    assert trail.newest == later
    assert trail.note(1, first)  # forgotten: nobody looks that far back
    latest = [(5, later + 9), (6, first - 9), (2, later)]
    assert trail.to_look_into(latest, [8, 1], first) == [5, 1, 2, 8]


def test_the_trail_ends_before_what_still_needs_attention() -> None:
    trail = Trail()
    assert trail.settled == 0
    for message in (101, 102, 103):
        trail.note(1, message)
    trail.settle(101)
    trail.settle(103)
    assert trail.settled == 101
    trail.settle(102)
    assert trail.settled == 103


def test_nothing_older_than_ten_minutes_or_seen_is_looked_for() -> None:
    now = discord.utils.utcnow()
    assert horizon(now, 0) == discord.utils.time_snowflake(now - WITHIN)
    seen = discord.utils.time_snowflake(now)
    assert horizon(now, seen) == seen
