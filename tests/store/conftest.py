"""A real database in a file, as the bot and the learner open it."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.store.database import Database


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where the database is."""
    return tmp_path / "data" / "thumbwise.db"


@pytest.fixture
def url(file: Path) -> str:
    """Its address."""
    return f"sqlite+aiosqlite:///{file}"


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty database with the schema of now: made once, copied by every test."""
    made = tmp_path_factory.mktemp("migrated") / "thumbwise.db"

    async def make() -> None:
        await (await Database.open(f"sqlite+aiosqlite:///{made}")).close()

    asyncio.run(make())
    return made


@pytest.fixture
async def database(file: Path, url: str, migrated: Path) -> AsyncIterator[Database]:
    """An open, empty database."""
    file.parent.mkdir(mode=0o700)
    shutil.copy(migrated, file)
    opened = await Database.open(url)
    yield opened
    await opened.close()
