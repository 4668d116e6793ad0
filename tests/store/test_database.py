"""Transactions keep their word: durable, whole, in order, and nothing left behind."""

from __future__ import annotations

import asyncio
import gc
import stat
import threading
from pathlib import Path

import pytest
from sqlalchemy import func, select, text

from bot.domain import Person
from bot.errors import StoreError
from bot.store import audit, members
from bot.store.database import Database
from bot.store.tables import members as members_table
from tests.store.rows import NOW, meet

PRAGMAS = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "secure_delete": 1}


async def _pragmas(database: Database) -> dict[str, object]:
    async with database.read() as conn:
        return {name: (await conn.execute(text(f"PRAGMA {name}"))).scalar_one() for name in PRAGMAS}


async def test_every_connection_is_durable_and_keeps_foreign_keys(url: str) -> None:
    for _ in ("the one that migrates", "one that finds all done"):
        database = await Database.open(url)
        together = asyncio.Barrier(4)

        async def look(database: Database = database, together: asyncio.Barrier = together) -> None:
            async with database.read() as conn:
                await together.wait()  # four connections at once, so four different ones
                for name, value in PRAGMAS.items():
                    assert (await conn.execute(text(f"PRAGMA {name}"))).scalar_one() == value, name

        await asyncio.gather(*(look() for _ in range(4)))
        async with database.write() as tx:
            assert (await tx.execute(text("PRAGMA foreign_keys"))).scalar_one() == 1
        await database.close()


async def test_a_foreign_key_that_leads_nowhere_is_refused(database: Database) -> None:
    with pytest.raises(Exception, match="FOREIGN KEY constraint failed"):
        async with database.write() as tx:
            await tx.execute(text("DELETE FROM members"))  # none: nothing happens
            await tx.execute(
                text(
                    "INSERT INTO requests (kind, member_id, created_at, answer) "
                    "VALUES ('train', 999, '2026-01-01 00:00:00', '')"
                )
            )


async def test_only_the_owner_can_read_what_people_said(database: Database, file: Path) -> None:
    async with database.write() as tx:
        await meet(tx)
    for kept in file.parent.iterdir():
        assert stat.S_IMODE(kept.stat().st_mode) == 0o600, kept.name
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


async def test_a_transaction_that_raises_leaves_nothing(database: Database) -> None:
    with pytest.raises(ZeroDivisionError):
        async with database.write() as tx:
            await meet(tx, "Ana")
            raise ZeroDivisionError
    async with database.read() as conn:
        assert await members.by_key(conn, "terminal", "ana") is None


async def test_a_reader_sees_one_moment_while_others_write(database: Database) -> None:
    count = select(func.count()).select_from(members_table)
    async with database.read() as conn:
        before = (await conn.execute(count)).scalar_one()
        async with database.write() as tx:
            await meet(tx, "Ana")
        assert (await conn.execute(count)).scalar_one() == before
    async with database.read() as conn:
        assert (await conn.execute(count)).scalar_one() == before + 1


async def test_two_processes_writers_lose_no_update(url: str) -> None:
    """Two handles on one file are as two processes: each reads, waits its turn, then writes."""
    one, other = await Database.open(url), await Database.open(url)

    async def count_up(database: Database) -> None:
        for _ in range(20):
            async with database.write() as tx:
                found = await members.meet(tx, Person("terminal", "ana", "0"), NOW)
                member = await members.get(tx, found.id)
                trust = round(member.trust - 0.01, 2)
                await asyncio.sleep(0)
                await members.set_trust(tx, member.id, trust)

    await asyncio.gather(*(count_up(database) for database in (one, other, one, other)))
    async with one.read() as conn:
        ana = await members.by_key(conn, "terminal", "ana")
    assert ana is not None
    assert ana.trust == pytest.approx(1 - 80 * 0.01)
    await one.close()
    await other.close()


async def test_writers_of_one_process_come_in_order(database: Database) -> None:
    async def write(number: int) -> None:
        async with database.write() as tx:
            await audit.note(tx, "bot", "test", NOW, str(number))

    await asyncio.gather(*(write(number) for number in range(40)))
    async with database.read() as conn:
        acts = await audit.recent(conn, 100)
    assert [act.subject for act in acts] == [str(n) for n in reversed(range(40))]


async def test_many_writers_leave_room_for_readers(database: Database) -> None:
    """Writers in line hold no connection, so a reader always finds one."""
    begun, end = asyncio.Event(), asyncio.Event()

    async def write() -> None:
        async with database.write():
            begun.set()
            await end.wait()

    writers = [asyncio.create_task(write()) for _ in range(40)]
    await begun.wait()
    assert (await _pragmas(database))["journal_mode"] == "wal"
    end.set()
    await asyncio.gather(*writers)


async def test_write_inside_of_write_is_a_clear_mistake(database: Database) -> None:
    async with database.write():
        with pytest.raises(RuntimeError, match="inside of write"):
            async with database.write():
                pytest.fail("two transactions of one task wait for each other for ever")
    async with database.write() as tx:
        await meet(tx)


@pytest.mark.parametrize("moment", ["waiting for the turn", "waiting for the lock", "inside"])
async def test_a_cancelled_writer_holds_nothing(url: str, moment: str) -> None:
    one, other = await Database.open(url), await Database.open(url)
    begun = asyncio.Event()

    async def write() -> None:
        async with one.write() as tx:
            await meet(tx, "Ana")
            begun.set()
            await asyncio.Event().wait()

    holder = {"waiting for the turn": one, "waiting for the lock": other}.get(moment)
    if holder is None:
        task = asyncio.create_task(write())
        await begun.wait()
        task.cancel()
    else:
        async with holder.write():
            task = asyncio.create_task(write())
            await asyncio.sleep(0.05)  # let it come to where it waits
            task.cancel()
            left, _ = await asyncio.wait([task], timeout=10)
            assert left, "who is cancelled leaves at once, the lock being held or not"
    with pytest.raises(asyncio.CancelledError):
        await task
    for database in (one, other):
        async with database.write() as tx:
            await meet(tx, "Bob")
    async with one.read() as conn:
        assert await members.by_key(conn, "terminal", "ana") is None
    await one.close()
    await other.close()


@pytest.mark.parametrize("writes", [True, False])
async def test_cancelled_at_any_step_it_leaves_no_connection_behind(
    database: Database, writes: bool
) -> None:
    """The driver has a thread for each connection; one left over could keep the program alive."""

    async def use() -> None:
        async with database.write() if writes else database.read() as conn:
            await members.every(conn)

    before = set(threading.enumerate())
    for steps in range(150):
        task = asyncio.create_task(use())
        for _ in range(steps):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
        await database.close()  # the next one connects anew
    gc.collect()  # what was not closed complains here, and a complaint fails the test
    for thread in set(threading.enumerate()) - before:
        thread.join(5)
        assert not thread.is_alive() or "asyncio" in thread.name, thread


@pytest.mark.parametrize("writes", [True, False])
async def test_closing_waits_for_whoever_was_cancelled_a_moment_ago(
    database: Database, writes: bool
) -> None:
    """Their connection would go back to a pool that nobody closes any more."""

    async def use() -> None:
        async with database.write() if writes else database.read() as conn:
            await members.every(conn)

    for steps in range(0, 150, 5):
        task = asyncio.create_task(use())
        for _ in range(steps):
            await asyncio.sleep(0)
        task.cancel()
        await database.close()
        await asyncio.wait([task])
    gc.collect()  # what was not closed complains here, and a complaint fails the test


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ("sqlite+aiosqlite://", "must name a file"),
        ("sqlite+aiosqlite:///:memory:", "must name a file"),
        ("sqlite+aiosqlite:///file:x?mode=memory&uri=true", "no address of a database"),
        ("nonsense", "no address of a database"),
        ("", "no address of a database"),
        ("oracle+nothing://x/y", "no address of a database"),
        ("postgresql://localhost/x", "no address of a database"),
        ("sqlite+aiosqlite:///x.db?timeout=soon", "no address of a database"),
    ],
)
async def test_an_address_that_cannot_be_used_is_answered_in_a_sentence(
    address: str, sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(StoreError, match=sentence):
        await Database.open(address)
    assert not list(tmp_path.iterdir())


async def test_a_plain_sqlite_address_is_understood(file: Path) -> None:
    database = await Database.open(f"sqlite:///{file}")
    assert (await _pragmas(database))["journal_mode"] == "wal"
    await database.close()
