"""Opens the database, brings its schema up to date, and hands out transactions.

SQLite runs in WAL with foreign keys and full synchronisation: a transaction that has ended
survives a killed process and a lost power supply. Writers take the write lock at their start
(BEGIN IMMEDIATE), so that none fails half-way because another process wrote in between; writers
of one process stand in line for it, in order. What is deleted is overwritten in the file.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, closing, contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from sqlalchemy import URL, Connection, event, exc, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, InvalidRequestError, NoSuchModuleError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from bot.errors import StoreError
from bot.store.schema import migrate

FORGOTTEN: Final = "forgotten"
"""Set in a connection's `info` by a transaction after which no trace may stay in the log file."""
_WAIT_SECONDS: Final = 30.0
"""How long a writer waits for another's transaction; `?timeout=` in the URL says otherwise."""


class Database:
    """An open database. Make one with `await Database.open(url)`."""

    def __init__(self, engine: AsyncEngine, wait: float) -> None:
        self._engine = engine
        self._wait = wait
        self._turn = asyncio.Lock()
        self._writer: asyncio.Task[Any] | None = None
        self._open = 0
        self._ending: set[asyncio.Task[None]] = set()
        self._ended = asyncio.Event()

    @classmethod
    async def open(cls, url: str) -> Database:
        """Open, create and migrate. Raises `StoreError` when that cannot be done.

        Several processes may do this at once: the migration runs in one transaction under the
        write lock, and a process killed in its midst leaves the old schema.
        """
        parsed, wait = _address(url)
        if parsed.get_backend_name() == "sqlite":
            with _explained():
                await asyncio.to_thread(_prepare, Path(str(parsed.database)), wait)
        engine = _engine(parsed, wait)
        try:
            with _explained():
                async with engine.connect() as connection:
                    await connection.execution_options(writes=True)
                    await connection.run_sync(migrate)
                if engine.dialect.name == "sqlite":
                    await engine.dispose()  # the next connections enforce foreign keys again
        except BaseException:
            await engine.dispose()
            raise
        return cls(engine, wait)

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """A snapshot to read from."""
        with _explained():
            async with self._begun(writes=False) as connection:
                yield connection

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """A transaction: durable when the block has ended, undone when it raises.

        Inside of one, the same task cannot open another: pass the connection on instead.
        """
        if self._writer is not None and self._writer is asyncio.current_task():
            raise RuntimeError("write() inside of write(): pass the connection on instead")
        async with self._in_turn():
            with _explained():
                async with self._begun(writes=True) as connection:
                    yield connection

    async def close(self) -> None:
        """Close every connection.

        Transactions under way end first: whoever was cancelled a moment ago still holds one, and
        its connection would be left behind. Nothing waits longer than a writer may.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(self._wait):
                while self._open or self._ending:
                    self._ended.clear()
                    await self._ended.wait()
        await self._engine.dispose()

    @asynccontextmanager
    async def _begun(self, *, writes: bool) -> AsyncIterator[AsyncConnection]:
        """A connection in a transaction.

        Whoever is cancelled while it opens or waits for the lock leaves at once; what was begun is
        then ended here, so that neither a lock nor a thread of the driver is left behind.
        """
        open_until = AsyncExitStack()
        beginning = asyncio.create_task(_begin(self._engine, open_until, writes=writes))
        self._open += 1
        try:
            try:
                await asyncio.wait([beginning])
            except asyncio.CancelledError:
                ending = asyncio.create_task(_end(open_until, beginning))
                self._ending.add(ending)
                ending.add_done_callback(self._has_ended)
                raise
            async with open_until:
                yield beginning.result()
        finally:
            self._open -= 1
            self._ended.set()

    def _has_ended(self, ending: asyncio.Task[None]) -> None:
        self._ending.discard(ending)
        self._ended.set()

    @asynccontextmanager
    async def _in_turn(self) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(self._wait):
                await self._turn.acquire()
        except TimeoutError as error:
            raise StoreError(_SENTENCES["database is locked"]) from error
        self._writer = asyncio.current_task()
        try:
            yield
        finally:
            self._writer = None
            self._turn.release()


def _address(url: str) -> tuple[URL, float]:
    """The URL with the driver that is used here, and how long its writers wait."""
    try:
        parsed = make_url(url)
        wait = float(str(parsed.query.get("timeout", _WAIT_SECONDS)))
    except (ArgumentError, ValueError) as error:
        raise StoreError(_ADDRESS) from error
    if parsed.get_backend_name() != "sqlite":
        return parsed, wait
    if "uri" in parsed.query or str(parsed.database).startswith("file:"):
        raise StoreError(_ADDRESS)
    if not parsed.database or ":memory:" in parsed.database:
        raise StoreError("DATABASE_URL must name a file: memory alone keeps nothing.")
    return parsed.set(drivername="sqlite+aiosqlite"), wait


def _prepare(file: Path, wait: float) -> None:
    """Make the file, readable by its owner alone, and switch it to WAL, which then stays.

    SQLite does not wait for its lock here when several processes switch a new file at once.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.close(os.open(file, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError as error:
        raise StoreError(
            f"The database file cannot be made or written: {error}. Check DATA_DIR and its rights."
        ) from error
    until = time.monotonic() + wait
    with closing(sqlite3.connect(file, timeout=wait, isolation_level=None)) as connection:
        while True:
            try:
                mode = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
                break
            except sqlite3.OperationalError as error:
                if "locked" not in str(error) or time.monotonic() > until:
                    raise
            time.sleep(0.01)
    if mode != "wal":
        raise StoreError(
            "The file system of the database cannot keep a write-ahead log. Point DATA_DIR to a "
            "local disk."
        )


def _engine(url: URL, wait: float) -> AsyncEngine:
    try:
        if url.get_backend_name() != "sqlite":
            return create_async_engine(url, hide_parameters=True)
        # An error's text goes to the log; what members wrote must not go there with it.
        engine = create_async_engine(url, hide_parameters=True, connect_args={"timeout": wait})
    except (ArgumentError, InvalidRequestError, NoSuchModuleError, ModuleNotFoundError) as error:
        raise StoreError(_ADDRESS) from error
    event.listen(engine.sync_engine, "connect", _sqlite_connected)
    event.listen(engine.sync_engine, "begin", _sqlite_begin)
    return engine


def _sqlite_connected(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # transactions begin where we say, in _sqlite_begin
    cursor = connection.cursor()
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.execute("PRAGMA secure_delete = ON")
    cursor.close()


def _sqlite_begin(connection: Connection) -> None:
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


async def _begin(
    engine: AsyncEngine, open_until: AsyncExitStack, *, writes: bool
) -> AsyncConnection:
    connection = await open_until.enter_async_context(engine.connect())
    await connection.execution_options(writes=writes)
    open_until.push_async_callback(connection.run_sync, _empty_log)
    await open_until.enter_async_context(connection.begin())
    return connection


async def _end(open_until: AsyncExitStack, beginning: asyncio.Task[AsyncConnection]) -> None:
    await asyncio.wait([beginning])
    await open_until.aclose()
    beginning.exception()  # nobody else will ask for it


def _empty_log(connection: Connection) -> None:
    """After forgetting, bring the log into the file and cut it: no old page stays in it.

    The change itself is durable before this; readers that hold the log only put it off.
    """
    if connection.info.pop(FORGOTTEN, False) and connection.dialect.name == "sqlite":
        cursor = connection.connection.cursor()
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        cursor.close()


@contextmanager
def _explained() -> Iterator[None]:
    """Turn what the operator can mend (disk, rights, locks) into a sentence; pass on the rest."""
    try:
        yield
    except (DBAPIError, sqlite3.DatabaseError) as error:
        text = str(error.orig if isinstance(error, DBAPIError) else error)
        for sign, sentence in _SENTENCES.items():
            if sign in text:
                raise StoreError(f"{sentence} ({text})") from error
        raise
    except exc.TimeoutError as error:  # the pool's: no connection came free
        raise StoreError("The database is too busy just now. Try again shortly.") from error


_ADDRESS: Final = (
    "DATABASE_URL is no address of a database that is supported here; leave it empty for "
    "SQLite under DATA_DIR, or use sqlite+aiosqlite:///PATH."
)
_SENTENCES: Final = {
    "disk is full": "The disk is full: nothing was saved. Free some space and try again.",
    "database is locked": "Another program holds the database. Close it and try again.",
    "unable to open database": "The database file cannot be opened. Check DATA_DIR and its rights.",
    "readonly database": "The database file may not be written. Check the rights of DATA_DIR.",
    "not a database": "The file in the place of the database is something else.",
    "malformed": "The database file is damaged. Restore a backup.",
    "disk I/O error": "The disk could not be read or written. Nothing was saved.",
}
