"""The schema comes up to date by itself: once, whole, from every revision, never backwards."""

from __future__ import annotations

import asyncio
import io
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, create_engine, inspect
from sqlalchemy.pool import NullPool

from bot.domain import BASE, AdapterState, FeedbackKind, Part, Role, RoundState, Ruling
from bot.errors import StoreError
from bot.store import (
    adapters,
    audit,
    conversations,
    exchanges,
    feedback,
    members,
    presence,
    requests,
    rounds,
    schema,
)
from bot.store.database import Database
from bot.store.tables import metadata
from tests.store.rows import MODEL, meet

FIRST = Path(__file__).with_name("first_revision.sql")

OPENER = """
import asyncio, pathlib, sys
from bot.store import database, schema
schema.MIGRATIONS = pathlib.Path(sys.argv[2])
async def main():
    opened = await database.Database.open(sys.argv[1])
    await opened.close()
asyncio.run(main())
"""

NEXT = '''
"""A revision of the future."""
import pathlib, time
from alembic import op
revision, down_revision, branch_labels, depends_on = "9999", {head!r}, None, None
def upgrade():
    op.execute("CREATE TABLE IF NOT EXISTS applied (what TEXT)")
    op.execute("INSERT INTO applied VALUES ('once')")
    op.execute("UPDATE members SET name = 'changed'")
    {then}
'''


def future(folder: Path, then: str = "pass") -> Path:
    """The migrations with one more revision."""
    shutil.copytree(schema.MIGRATIONS, folder)
    from alembic.script import ScriptDirectory

    head = ScriptDirectory(str(folder)).get_current_head()
    (folder / "versions" / "9999_next.py").write_text(NEXT.format(head=head, then=then))
    return folder


def start(url: str, migrations: Path) -> subprocess.Popen[str]:
    """Another process that opens the database."""
    return subprocess.Popen(
        [sys.executable, "-c", OPENER, url, str(migrations)],
        cwd=Path(__file__).parents[2],
        stderr=subprocess.PIPE,
        text=True,
    )


def rows(file: Path, query: str) -> list[Any]:
    """What is in the file, read without our code."""
    with closing(sqlite3.connect(file)) as connection:
        return connection.execute(query).fetchall()


def restore_first(file: Path) -> None:
    """The database as the first revision wrote it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(file)) as connection:
        connection.executescript(FIRST.read_text())


@pytest.mark.parametrize("new", [True, False])
def test_several_processes_at_once_migrate_exactly_once(
    tmp_path: Path, file: Path, url: str, new: bool
) -> None:
    if not new:
        restore_first(file)
    processes = [start(url, future(tmp_path / f"migrations{n}")) for n in range(4)]
    for process in processes:
        _, complaint = process.communicate(timeout=120)
        assert process.returncode == 0, complaint
    assert rows(file, "SELECT what FROM applied") == [("once",)]
    assert rows(file, "SELECT version_num FROM alembic_version") == [("9999",)]


async def test_a_new_file_that_another_process_is_making_is_waited_for(
    file: Path, url: str
) -> None:
    """SQLite does not wait by itself while a file is switched to WAL."""
    file.parent.mkdir()
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        opening = asyncio.create_task(Database.open(url))
        await asyncio.wait([opening], timeout=0.2)
        assert not opening.done()
        other.execute("COMMIT")
        await (await opening).close()


async def test_a_table_that_others_refer_to_can_be_made_anew(
    tmp_path: Path, file: Path, url: str
) -> None:
    """So SQLite alters tables; with foreign keys on, no row that is referred to could be moved."""
    restore_first(file)
    before = rows(file, "SELECT count(*) FROM feedback")
    then = (
        "with op.batch_alter_table('members', recreate='always') as batch: "
        "batch.alter_column('name', new_column_name='display_name')"
    )
    process = start(url, future(tmp_path / "migrations", then))
    assert process.communicate(timeout=60)[1] == ""
    assert rows(file, "SELECT version_num FROM alembic_version") == [("9999",)]
    assert rows(file, "SELECT count(*) FROM feedback") == before
    assert rows(file, "PRAGMA foreign_key_check") == []


@pytest.mark.parametrize("new", [True, False])
async def test_a_process_killed_in_the_midst_leaves_the_old_schema(
    tmp_path: Path, file: Path, url: str, new: bool
) -> None:
    if not new:
        restore_first(file)
    marker = tmp_path / "midst"
    then = f"pathlib.Path({str(marker)!r}).touch(); time.sleep(600)"
    process = start(url, future(tmp_path / "migrations", then))
    try:
        until = time.monotonic() + 60
        while not marker.exists():
            assert process.poll() is None
            assert time.monotonic() < until
            await asyncio.sleep(0.01)
    finally:
        process.send_signal(signal.SIGKILL)
        process.communicate()
    found = {name for (name,) in rows(file, "SELECT name FROM sqlite_master WHERE type = 'table'")}
    assert "applied" not in found
    assert ("members" in found) is not new
    database = await Database.open(url)
    async with database.write() as tx:
        await meet(tx, "Somebody")
    await database.close()
    assert not rows(file, "SELECT 1 FROM members WHERE name = 'changed'")
    assert rows(file, "PRAGMA integrity_check") == [("ok",)]


async def test_a_newer_schema_is_refused_and_left_alone(
    tmp_path: Path, file: Path, url: str
) -> None:
    process = start(url, future(tmp_path / "migrations"))
    assert process.communicate(timeout=60)[1] == ""
    with pytest.raises(StoreError, match=r"newer thumbwise \(its schema is 9999\).*Update"):
        await Database.open(url)
    assert rows(file, "SELECT version_num FROM alembic_version") == [("9999",)]


async def test_another_programs_database_is_refused_and_left_alone(file: Path, url: str) -> None:
    file.parent.mkdir()
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("CREATE TABLE recipes (name TEXT)")
    with pytest.raises(StoreError, match="belongs to another program"):
        await Database.open(url)
    assert rows(file, "SELECT name FROM sqlite_master") == [("recipes",)]


async def _with(database: Database, act: Callable[[Connection], None]) -> None:
    async with database.write() as tx:
        await tx.run_sync(act)


def _config(connection: Connection) -> Config:
    config = Config(stdout=io.StringIO())
    config.set_main_option("script_location", str(schema.MIGRATIONS))
    config.attributes["connection"] = connection
    return config


async def test_alembic_finds_no_drift(database: Database) -> None:
    await _with(database, lambda connection: command.check(_config(connection)))


@pytest.mark.usefixtures("database")
def test_the_migrated_schema_has_every_constraint_of_the_tables(file: Path, tmp_path: Path) -> None:
    """Alembic's own check overlooks CHECK constraints: an enum that grew without a revision."""
    engines = [
        create_engine(f"sqlite:///{path}", poolclass=NullPool) for path in (file, tmp_path / "new")
    ]
    metadata.create_all(engines[1])
    migrated, made = (inspect(engine) for engine in engines)
    assert set(migrated.get_table_names()) == {*made.get_table_names(), "alembic_version"}
    for table in made.get_table_names():
        for kind in ("check_constraints", "unique_constraints", "foreign_keys"):
            found, wanted = (getattr(look, f"get_{kind}")(table) for look in (migrated, made))
            assert sorted(map(str, found)) == sorted(map(str, wanted)), (table, kind)
    master = "SELECT name, sql FROM sqlite_master WHERE"
    indexes = f"{master} type = 'index' AND sql IS NOT NULL ORDER BY name"
    assert rows(file, indexes) == rows(tmp_path / "new", indexes)
    never_reused = f"SELECT name FROM ({master} sql LIKE '%AUTOINCREMENT%') ORDER BY name"
    assert rows(file, never_reused) == rows(tmp_path / "new", never_reused)


def test_the_dump_is_the_first_revision(tmp_path: Path) -> None:
    restore_first(tmp_path / "dump.db")
    engine = create_engine(f"sqlite:///{tmp_path / 'made.db'}", poolclass=NullPool)
    with engine.begin() as connection:
        command.upgrade(_config(connection), "0001")
    schema = "SELECT name, sql FROM sqlite_master ORDER BY name"
    assert rows(tmp_path / "dump.db", schema) == rows(tmp_path / "made.db", schema)


async def test_data_of_the_first_revision_is_all_there_after_the_upgrade(
    file: Path, url: str
) -> None:
    restore_first(file)
    tables = [name for (name,) in rows(file, "SELECT name FROM sqlite_master WHERE type = 'table'")]
    counts = {name: rows(file, f"SELECT count(*) FROM {name}") for name in tables}
    assert all(count != [(0,)] for name, count in counts.items()), counts
    database = await Database.open(url)
    async with database.read() as conn:
        ana = await members.by_key(conn, "terminal", "ana")
        assert ana is not None
        assert (ana.name, ana.role, ana.trust) == ("Ana", Role.ADMIN, 0.5)
        assert ana.consent.trained is True
        [judged] = await exchanges.judged(conn, trained_by_default=False)
        assert judged.exchange.reply == "Hello, Ana!"
        assert judged.exchange.prompt.turns[0].member == ana.id
        assert judged.exchange.seed == 2**63 - 1
        assert [event.kind for event in judged.feedback] == [FeedbackKind.LIKE]
        assert [decision.ruling for decision in judged.decisions] == [Ruling.APPROVE]
        assert judged.consented
        said = await conversations.history(conn, judged.exchange.channel)
        assert [one.turn.text for one in said] == ["Hi", "Hello, Ana!"]
        live = await adapters.live(conn, MODEL)
        assert live is not None
        assert await adapters.rollback_target(conn, MODEL) == BASE
        [learned] = await rounds.last(conn, 5)
        assert (learned.state, learned.adapter) == (RoundState.PROMOTED, live.version)
        assert await rounds.taught(conn, MODEL) == {judged.exchange.id: Part.NEW}
        assert [act.action for act in await audit.recent(conn)] == ["promote"]
        assert len(await requests.pending(conn)) == 1
        assert set(await presence.every(conn)) == {"bot"}
        assert await feedback.tally(conn) == {FeedbackKind.LIKE: 1}
    async with database.write() as tx:  # and life goes on, with versions that were never used
        added = await adapters.add(tx, replace(live, state=AdapterState.CANDIDATE))
        assert added.version > live.version
    await database.close()
