"""When the disk, the file or another program stands in the way: one sentence, nothing half done."""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain import FeedbackKind
from bot.errors import StoreError
from bot.store import conversations, exchanges, feedback
from bot.store.database import Database
from tests.store.rows import answered, enter, meet, message, say


async def fill(tx: AsyncConnection, pages: int) -> None:
    """Write more than so many pages: a reply and what belongs to it."""
    ana, channel = await meet(tx), await enter(tx)
    await conversations.hear(tx, channel.id, ana, message(ana, "Hi", "2"), "Hi")
    saved = await answered(tx, channel.id, ana, reply="x")
    await say(tx, saved, ana, FeedbackKind.LIKE)
    for _ in range(pages):
        await answered(tx, channel.id, ana, reply="long " * 1000)


async def test_a_full_disk_is_one_sentence_and_nothing_half_written(database: Database) -> None:
    async with database.write() as tx:
        ana, channel = await meet(tx), await enter(tx)
        first = await answered(tx, channel.id, ana)
        await say(tx, first, ana, FeedbackKind.LIKE)
    with pytest.raises(StoreError, match="The disk is full: nothing was saved"):
        async with database.write() as tx:
            used = (await tx.execute(text("PRAGMA page_count"))).scalar_one()
            await tx.execute(text(f"PRAGMA max_page_count = {used + 4}"))
            await fill(tx, 20)
    async with database.read() as conn:
        last = await exchanges.last_in(conn, channel.id)
        assert last is not None
        assert last.id == first.id
        assert len(await feedback.events(conn)) == 1
        assert await conversations.history(conn, channel.id) == []
    async with database.write() as tx:  # the room is there again: writing goes on
        await tx.execute(text("PRAGMA max_page_count = 1000000"))
        await fill(tx, 2)


async def test_a_lock_that_does_not_end_is_one_sentence(file: Path, url: str) -> None:
    database = await Database.open(f"{url}?timeout=0.05")
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="Another program holds the database"):
            async with database.write() as tx:
                await meet(tx)
        async with database.read() as conn:  # readers do not care
            assert await feedback.tally(conn) == {}
    async with database.write() as tx:
        await meet(tx)
    await database.close()


async def test_a_lock_within_the_process_is_the_same_sentence(url: str) -> None:
    import asyncio

    database = await Database.open(f"{url}?timeout=0.05")

    async def hurry() -> None:
        async with database.write() as tx:
            await meet(tx)

    async with database.write():
        with pytest.raises(StoreError, match="Another program holds the database"):
            await asyncio.create_task(hurry())
    await hurry()
    await database.close()


async def test_a_locked_file_is_not_opened(file: Path, url: str) -> None:
    await (await Database.open(url)).close()
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="Another program holds the database"):
            await Database.open(f"{url}?timeout=0.05")


async def test_a_file_that_is_something_else_is_refused_and_left_alone(
    file: Path, url: str
) -> None:
    file.parent.mkdir()
    letter = "Dear diary, " * 1000
    file.write_text(letter)
    with pytest.raises(StoreError, match="is something else"):
        await Database.open(url)
    assert file.read_text() == letter


@pytest.mark.parametrize("table", ["alembic_version", "exchanges"])
async def test_a_damaged_file_is_one_sentence(file: Path, url: str, table: str) -> None:
    database = await Database.open(url)
    async with database.write() as tx:
        await fill(tx, 30)
    await database.close()
    with closing(sqlite3.connect(file)) as connection:
        query = "SELECT rootpage FROM sqlite_master WHERE name = ?"
        [page] = connection.execute(query, (table,)).fetchone()
        [size] = connection.execute("PRAGMA page_size").fetchone()
    with file.open("r+b") as handle:
        handle.seek((page - 1) * size)
        handle.write(b"\xff" * size)
    with pytest.raises(StoreError, match="damaged"):
        database = await Database.open(url)
        try:
            async with database.read() as conn:
                await exchanges.last_in(conn, 1)
        finally:
            await database.close()


@contextmanager
def as_nobody() -> Iterator[Path]:
    """A directory of an ordinary user, as that user: root could write anywhere."""
    if os.geteuid() != 0:
        with tempfile.TemporaryDirectory() as folder:
            yield Path(folder)
        return
    folder = tempfile.mkdtemp(dir="/tmp")  # pytest's own is closed to others
    os.chown(folder, 65534, 65534)
    os.seteuid(65534)
    try:
        yield Path(folder)
    finally:
        os.seteuid(0)
        shutil.rmtree(folder)


async def test_a_directory_that_may_not_be_written_is_one_sentence() -> None:
    with as_nobody() as folder:
        folder.chmod(0o500)
        for url in (f"sqlite+aiosqlite:///{folder}/x.db", f"sqlite+aiosqlite:///{folder}/new/x.db"):
            with pytest.raises(StoreError, match=r"cannot be made or written.*DATA_DIR"):
                await Database.open(url)
        folder.chmod(0o700)


@pytest.mark.parametrize("closed", ["file", "directory"])
async def test_a_database_that_may_not_be_written_is_one_sentence(closed: str) -> None:
    with as_nobody() as folder:
        url = f"sqlite+aiosqlite:///{folder}/x.db"
        await (await Database.open(url)).close()
        shut = folder / "x.db" if closed == "file" else folder
        shut.chmod(0o400 if closed == "file" else 0o500)
        with pytest.raises(StoreError, match="rights"):
            await Database.open(url)
        folder.chmod(0o700)


async def test_a_directory_in_the_place_of_the_file_is_one_sentence(file: Path, url: str) -> None:
    file.mkdir(parents=True)
    with pytest.raises(StoreError, match="cannot be made or written"):
        await Database.open(url)


async def test_our_own_mistakes_are_not_dressed_up(database: Database) -> None:
    from sqlalchemy.exc import OperationalError

    with pytest.raises(OperationalError, match="no such table"):
        async with database.read() as conn:
            await conn.execute(text("SELECT * FROM nowhere"))
