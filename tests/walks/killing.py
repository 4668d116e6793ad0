"""What the tests that kill share: victims started and killed, and what must be true afterwards."""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from bot.domain import FeedbackKind
from bot.store.database import Database
from bot.store.exchanges import get
from learner.publish import KEPT
from tests.store.rows import answered, enter, meet, say, turn

FILES = ("adapter_model.safetensors", "adapter_config.json")


def rows(data_dir: Path, query: str) -> list[Any]:
    """What is in the database, read without our code."""
    with closing(sqlite3.connect(data_dir / "thumbwise.db", timeout=30)) as connection:
        connection.row_factory = sqlite3.Row
        return connection.execute(query).fetchall()


def heard(listening: Connection, until: float) -> Iterator[Any]:
    """What a victim acknowledged, first until a moment, then (it being dead) to the last word."""
    try:
        while listening.poll(max(0.0, until - time.monotonic())):
            yield listening.recv()
    except EOFError:
        return


def killed(
    forks: ForkServerContext, victim: Callable[..., None], *given: Any, after: float
) -> list[Any]:
    """Start a victim, kill it so many seconds after its first word; all that it acknowledged."""
    listening, speaking = forks.Pipe(duplex=False)
    process = forks.Process(target=victim, args=(speaking, *given))
    process.start()
    speaking.close()
    with listening:
        try:
            assert listening.poll(120), "the victim never said a word"
            said = [listening.recv()]
            said += heard(listening, time.monotonic() + after)
        finally:
            kill(process)
        return said + list(heard(listening, 0))


def kill(process: BaseProcess) -> None:
    """kill -9, and wait until it is dead."""
    process.kill()
    process.join()
    process.close()


def check_database(data_dir: Path) -> None:
    """The file is whole."""
    assert [tuple(row) for row in rows(data_dir, "PRAGMA integrity_check")] == [("ok",)]
    assert rows(data_dir, "PRAGMA foreign_key_check") == []


def check_adapters(data_dir: Path) -> None:
    """Never two live; every row that names a directory finds it whole; the log of promotions and
    the states of rounds say the same as the adapters do."""
    check_database(data_dir)
    adapters = {row["version"]: row for row in rows(data_dir, "SELECT * FROM adapters")}
    live = [version for version, row in adapters.items() if row["state"] == "live"]
    assert len(live) <= 1
    promoted = rows(data_dir, "SELECT version FROM promotions ORDER BY id DESC LIMIT 1")
    assert live == [row["version"] for row in promoted if row["version"]]
    for version, row in adapters.items():
        if row["state"] in ("candidate", "failed"):
            assert (row["directory"], row["sha256"]) == ("", "")
            continue
        directory = data_dir / "adapters" / row["directory"]
        if row["state"] == "rejected" and not directory.exists():
            continue  # pruned: it can never go live
        parts = [hashlib.sha256((directory / name).read_bytes()).digest() for name in FILES]
        whole = hashlib.sha256(b"".join(parts)).hexdigest()
        card = json.loads((directory / "card.json").read_text())
        assert whole == row["sha256"] == card["sha256"]
        assert version == card["version"]
    ends = {"promoted": {"live", "retired"}, "rejected": {"rejected"}}
    by_rounds: dict[int, set[str]] = {
        row["adapter"]: ends[row["state"]]
        for row in rows(data_dir, "SELECT * FROM rounds WHERE adapter IS NOT NULL")
    }
    published = {v: row["state"] for v, row in adapters.items() if row["directory"]}
    assert set(by_rounds) == set(published), "a round and its adapter end together"
    assert all(published[version] in may_be for version, may_be in by_rounds.items())


def check_tidy(data_dir: Path) -> None:
    """Nothing half-made is left once a learner has come by."""
    named = rows(data_dir, "SELECT * FROM adapters WHERE directory != '' ORDER BY version")
    usable = [row["directory"] for row in named if row["state"] in ("live", "retired")]
    rejected = [row["directory"] for row in named if row["state"] == "rejected"]
    found = set(os.listdir(data_dir / "adapters"))  # noqa: PTH208
    assert {*usable, *rejected[-KEPT:]} <= found <= {*usable, *rejected}
    assert rows(data_dir, "SELECT version FROM adapters WHERE state = 'candidate'") == []


async def prepared(data_dir: Path, replies: int = 1, *, first: int = 0) -> Database:
    """A database with some more liked replies, each in a channel of its own."""
    database = await Database.open(f"sqlite+aiosqlite:///{data_dir / 'thumbwise.db'}")
    async with database.write() as tx:
        ana = await meet(tx, "Ana")
        for number in range(first, first + replies):
            channel = await enter(tx, f"channel {number}")
            asked = turn(ana, f"hello, how are you, number {number}")
            reply = f"the quick brown fox jumps over {number % 7}"
            about = await answered(tx, channel.id, ana, asked, reply=reply)
            await say(tx, about, ana, FeedbackKind.LIKE)
    return database


async def one_more(database: Database, number: int) -> None:
    """Another liked reply, in a conversation that there is."""
    async with database.write() as tx:
        about = await get(tx, 1)
        ana = await meet(tx, "Ana")
        asked = turn(ana, f"and number {number}")
        more = await answered(tx, about.channel, ana, asked, reply=f"the quick fox {number}")
        await say(tx, more, ana, FeedbackKind.LIKE)
