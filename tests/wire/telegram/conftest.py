"""The server and some people, for every test in this folder."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.settings import Settings
from bot.store.database import Database
from tests.wire.telegram.house import House
from tests.wire.telegram.people import Human
from tests.wire.telegram.server import BotApi

os.environ.setdefault("PTB_TIMEDELTA", "true")  # python-telegram-bot warns of its next version


@pytest.fixture
async def api() -> AsyncIterator[BotApi]:
    """A Bot API server that listens. What a right program never does fails the test at its end."""
    server = BotApi()
    await server.listen()
    yield server
    await server.close()
    assert server.verdict() == []


@pytest.fixture
def ana(api: BotApi) -> Human:
    """A member."""
    return Human(api, "Ana")


@pytest.fixture
def bo(api: BotApi) -> Human:
    """Another member."""
    return Human(api, "Bo")


@pytest.fixture
def mod(api: BotApi) -> Human:
    """Somebody who rules in the groups where a test makes them an administrator."""
    return Human(api, "Mod")


@pytest.fixture
async def quiet_house(
    api: BotApi, tmp_path: Path, request: pytest.FixtureRequest
) -> AsyncIterator[House]:
    """The bot, not started yet; settings come by `parametrize("quiet_house", [{...}])`."""
    options = {"persona": "P", "data_dir": tmp_path, "member_rate": 1000, "channel_rate": 1000}
    settings = Settings(_env_file=None, **(options | getattr(request, "param", {})))
    database = await Database.open(settings.database)
    it = House(api, settings, database)
    yield it
    try:
        await it.stop()
    finally:
        await database.close()


@pytest.fixture
async def house(quiet_house: House) -> House:
    """The bot, listening."""
    await quiet_house.start()
    return quiet_house
