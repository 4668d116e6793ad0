"""A local Discord for every test, and discord.py pointed at it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import discord
import pytest
import yarl
from discord.gateway import DiscordWebSocket
from discord.http import Route
from simcord.backend.models import Channel, Guild

from tests.wire.discord.house import House, opened
from tests.wire.discord.members import Member
from tests.wire.discord.server import DiscordServer


@pytest.fixture
async def server() -> AsyncIterator[DiscordServer]:
    """A running server; in the end nothing was asked of it that it cannot do."""
    async with DiscordServer().serving() as serving:
        yield serving
        serving.check()


@pytest.fixture
def pointed(server: DiscordServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let discord.py of this process talk to the server, and not wait between two IDENTIFYs.

    Discord wants five seconds between them; this server does not.
    """

    async def at_once(_client: discord.Client, shard: int | None, *, initial: bool) -> None:
        del shard, initial

    monkeypatch.setattr(discord.Client, "before_identify_hook", at_once)
    monkeypatch.setattr(Route, "BASE", server.api_base)
    monkeypatch.setattr(DiscordWebSocket, "DEFAULT_GATEWAY", yarl.URL(server.gateway_url))


@pytest.fixture
def hall(server: DiscordServer) -> Guild:
    """A guild that the bot is in."""
    return server.guild()


@pytest.fixture
def talk(server: DiscordServer, hall: Guild) -> Channel:
    """A channel there."""
    return server.channel(hall)


@pytest.fixture
def ana(server: DiscordServer, hall: Guild) -> Member:
    """A member there."""
    return server.member("ana", hall)


@pytest.fixture
async def house(
    pointed: None, server: DiscordServer, talk: Channel, ana: Member, tmp_path: Path
) -> AsyncIterator[House]:
    """The bot at work there, until the test or its `end` ends it."""
    del pointed, talk, ana  # they are there before it
    async with opened(server, tmp_path) as working:
        yield working
