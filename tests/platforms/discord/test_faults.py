"""What goes wrong with Discord, and leaving in good order."""

from __future__ import annotations

import asyncio
import contextlib

import discord
import pytest
import simcord

from bot.domain import Place
from bot.errors import ThumbwiseError
from bot.platforms.discord import platform
from bot.platforms.discord.answers import RESTARTING
from bot.platforms.discord.client import Client
from bot.platforms.discord.missed import WITHIN, Trail, horizon
from bot.platforms.discord.platform import NO_INTENT, NOT_ENOUGH_SHARDS, WRONG_TOKEN, Discord
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


async def test_a_permission_that_is_lost_while_answering_ends_in_one_line(
    town: Town, capsys: pytest.CaptureFixture[str]
) -> None:
    town.hall.notice = "Slow down."
    town.env.inject_error("POST", "/channels/*/messages", status=403, code=50013)
    await town.ana.send(town.channel, f"{town.me} hi")
    assert not town.replies
    assert capsys.readouterr().out.count("cannot speak in a channel") == 1


async def test_leaving_lets_replies_finish_and_tells_who_comes_too_late(town: Town) -> None:
    town.hall.go.clear()
    town.hall.pieces = ("You",)
    await town.ask("one")
    leaving = asyncio.create_task(town.client.end())
    await asyncio.sleep(0)
    late = await town.ana.send(town.channel, f"{town.me} two")
    await town.ana.send(town.channel, "not to the bot")
    town.hall.go.set()
    await leaving
    assert [m.content for m in town.replies] == ["You said: one", RESTARTING]
    assert [m.text for m in town.hall.messages] == ["one"]
    assert town.client.is_closed()
    assert town.hall.position is not None
    assert town.hall.position >= late.id


async def test_announcements_ping_nobody_and_never_raise(
    town: Town, capsys: pytest.CaptureFixture[str]
) -> None:
    door = Discord("token")
    place = Place("discord", str(town.guild.id), str(town.channel.id))
    await door.announce(place, "too early")
    door._client = town.client
    await door.announce(place, "I learned something, @everyone. " + "x" * 2000)
    assert len(town.replies) == 2
    assert not any(m.mention_everyone for m in town.replies)
    town.env.inject_error("POST", "/channels/*/messages", status=403, code=50013)
    await door.announce(place, "again")
    await door.announce(Place("discord", "1", "nowhere"), "again")
    assert len(town.replies) == 2
    out = capsys.readouterr().out
    assert out.count("cannot announce") == 3


def test_the_trail_tells_what_is_new_and_forgets_what_is_old() -> None:
    trail = Trail()
    first = discord.utils.time_snowflake(discord.utils.utcnow())
    later = first + (int(3 * WITHIN.total_seconds() * 1000) << 22)
    assert trail.note(1, first)
    assert not trail.note(1, first)
    assert trail.note(2, later)
    assert trail.newest == later
    assert trail.note(1, first)  # forgotten: nobody looks that far back
    assert trail.to_look_into([(5, later + 9), (6, first - 9), (2, later)], first) == [5, 1, 2]


def test_nothing_older_than_ten_minutes_or_seen_is_looked_for() -> None:
    now = discord.utils.utcnow()
    assert horizon(now, 0) == discord.utils.time_snowflake(now - WITHIN)
    seen = discord.utils.time_snowflake(now)
    assert horizon(now, seen) == seen


class Refused(Client):
    """A client whose login or connection ends as the test says."""

    fault: Exception
    at_login: bool
    tries = 0

    async def login(self, token: str) -> None:
        await self._async_setup_hook()
        type(self).tries += 1
        if self.at_login:
            raise self.fault

    async def connect(self, *, reconnect: bool = True) -> None:
        raise self.fault


def closed(code: int) -> discord.ConnectionClosed:
    class Socket:
        close_code = code

    return discord.ConnectionClosed(Socket(), shard_id=0)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("fault", "at_login", "sentence"),
    [
        (discord.LoginFailure("Improper token has been passed."), True, WRONG_TOKEN),
        (discord.PrivilegedIntentsRequired(0), False, NO_INTENT),
        (closed(4014), False, NO_INTENT),
        (closed(4004), False, WRONG_TOKEN),
        (closed(4011), False, NOT_ENOUGH_SHARDS),
    ],
)
async def test_what_only_the_owner_can_mend_is_one_sentence_without_the_token(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    fault: Exception,
    at_login: bool,
    sentence: str,
) -> None:
    class Failing(Refused): ...

    Failing.fault, Failing.at_login = fault, at_login
    monkeypatch.setattr(platform, "Client", Failing)
    with pytest.raises(ThumbwiseError) as caught:
        await Discord("s3cret.token").run(Hall())
    assert str(caught.value) == sentence
    assert "s3cret" not in capsys.readouterr().out + str(caught.value)


async def test_an_unreachable_discord_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    class Unreachable(Refused):
        fault, at_login = OSError("no route to host"), True

    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 3:
            Unreachable.fault = discord.LoginFailure("wrong")  # type: ignore[assignment]

    monkeypatch.setattr(platform, "Client", Unreachable)
    with pytest.raises(ThumbwiseError):
        await Discord("t", sleep=sleep).run(Hall())
    assert Unreachable.tries == 4
    assert len(waits) == 3


async def test_a_cancellation_that_discord_loses_ends_the_platform_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    connected = asyncio.Event()

    class Deaf(Refused):
        """Loses the first cancellation, as discord.py does while it reconnects a shard."""

        at_login = False

        async def connect(self, *, reconnect: bool = True) -> None:
            while not self.is_closed():
                connected.set()
                with contextlib.suppress(asyncio.CancelledError):
                    await asyncio.Event().wait()

    monkeypatch.setattr(platform, "Client", Deaf)
    serving = asyncio.create_task(Discord("t").run(Hall()))
    await connected.wait()
    serving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await serving
