"""What goes wrong with Discord, and leaving in good order."""

from __future__ import annotations

import asyncio
import contextlib

import discord
import pytest

from bot.domain import Place
from bot.errors import ThumbwiseError
from bot.platforms.discord import platform
from bot.platforms.discord.client import Client
from bot.platforms.discord.platform import NO_INTENT, NOT_ENOUGH_SHARDS, WRONG_TOKEN, Discord
from bot.platforms.posting import RESTARTING
from tests.platforms.discord.conftest import PATIENT, Town
from tests.platforms.discord.hall import Hall

pytestmark = PATIENT


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
