"""A local Discord for every test, and discord.py pointed at it."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import discord
import pytest
import yarl
from discord.gateway import DiscordWebSocket
from discord.http import Route

from tests.walks.conftest import ROOT, World
from tests.wire.discord.server import DiscordServer
from tests.wire.telegram.brisk import factories


def pytest_asyncio_loop_factories(item: pytest.Item) -> dict[str, Any]:
    """Waiting goes quickly here, but for tests that say `asyncio(loop_factories=["real"])`."""
    marker = item.get_closest_marker("asyncio")
    return factories(realtime=marker is not None and "loop_factories" in marker.kwargs)


@pytest.fixture
async def server() -> AsyncIterator[DiscordServer]:
    """A running server; in the end nothing was asked of it that it cannot do."""
    async with DiscordServer().serving() as serving:
        yield serving
        serving.check()


@pytest.fixture
def world(tmp_path: Path, tiny_model_dir: Path) -> World:
    """Where bot processes live: the tiny model, one thread, a fixed seed, no `.env`."""
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "DATA_DIR": str(tmp_path / "data"),
        "BASE_MODEL": str(tiny_model_dir),
        "DEVICE": "cpu",
        "MAX_NEW_TOKENS": "12",
        "THREADS": "1",
        "SEED": "7",
        "HF_HUB_OFFLINE": "1",
    }
    return World(tmp_path, environment)


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
