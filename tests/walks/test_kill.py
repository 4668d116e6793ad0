"""kill -9 at random moments: no acknowledged rating is lost, no adapter is half promoted.

The victims are forked from a process that has everything imported, so that a kill costs a round of
work and not the loading of torch; what they run is what the programs run. Seeds are printed: a
failure can be had again by giving its seed.
"""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import random
import select
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import pytest

from bot.domain import FeedbackKind
from bot.store.database import Database
from bot.store.exchanges import get
from learner.publish import KEPT
from tests.learner.town import QUICK
from tests.store.rows import answered, enter, meet, say, turn
from tests.walks import victims

ROOT = Path(__file__).parents[2]
FILES = ("adapter_model.safetensors", "adapter_config.json")


@pytest.fixture(scope="module")
def forks() -> ForkServerContext:
    """Processes that start with the learner's imports done."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(
        ["tests.walks.victims", "learner.__main__", "learner.round", "transformers", "peft"]
    )
    return context


@pytest.fixture
def draw() -> random.Random:
    """Where the random moments come from."""
    seed = int(os.environ.get("KILL_SEED", str(time.time_ns())))
    print(f"KILL_SEED={seed}")  # noqa: T201  # pytest shows it beside a failure
    return random.Random(seed)  # noqa: S311  # no secret


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


async def prepared(data_dir: Path, replies: int = 1) -> Database:
    """A database with some liked replies."""
    database = await Database.open(f"sqlite+aiosqlite:///{data_dir / 'thumbwise.db'}")
    async with database.write() as tx:
        ana = await meet(tx, "Ana")
        for number in range(replies):
            channel = await enter(tx, f"channel {number}")
            asked = turn(ana, f"hello, how are you, number {number}")
            reply = f"the quick brown fox jumps over {number % 7}"
            about = await answered(tx, channel.id, ana, asked, reply=reply)
            await say(tx, about, ana, FeedbackKind.LIKE)
    return database


async def test_no_acknowledged_rating_is_lost(
    forks: ForkServerContext, tmp_path: Path, draw: random.Random
) -> None:
    await (await prepared(tmp_path)).close()
    url = f"sqlite+aiosqlite:///{tmp_path / 'thumbwise.db'}"
    acknowledged: set[int] = set()
    for _ in range(20):
        said = killed(forks, victims.rate, url, after=draw.uniform(0, 0.1))
        assert acknowledged.isdisjoint(said), "an id was used again"
        acknowledged.update(said)
        kept = {row["id"] for row in rows(tmp_path, "SELECT id FROM feedback")}
        assert acknowledged <= kept
        check_database(tmp_path)
    assert len(acknowledged) >= 20


async def test_no_version_is_half_published(
    forks: ForkServerContext, tmp_path: Path, draw: random.Random
) -> None:
    await (await prepared(tmp_path)).close()
    acknowledged: dict[int, str] = {}
    for _ in range(25):
        seed, after = draw.getrandbits(32), draw.uniform(0, 0.15)
        ended = killed(forks, victims.publish, tmp_path, seed, after=after)[1:]
        acknowledged.update(ended)
        check_adapters(tmp_path)
        states = {r["version"]: r["state"] for r in rows(tmp_path, "SELECT * FROM adapters")}
        for version, end in acknowledged.items():
            wanted = ("live", "retired") if end == "promoted" else ("rejected",)
            assert states[version] in wanted
    [_ready, *_] = killed(forks, victims.publish, tmp_path, 1, after=0)
    assert {"promoted", "rejected"} <= set(acknowledged.values())


@pytest.fixture
def environment(tmp_path: Path, tiny_model_dir: Path) -> dict[str, str]:
    """Settings under which the tiny model learns in seconds."""
    return {
        **{name.upper(): str(value) for name, value in QUICK.items()},
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "DATA_DIR": str(tmp_path),
        "BASE_MODEL": str(tiny_model_dir),
        "DEVICE": "cpu",
        "THREADS": "1",
        "HF_HUB_OFFLINE": "1",
    }


async def test_the_learner_ends_what_it_began(
    forks: ForkServerContext, tmp_path: Path, environment: dict[str, str], draw: random.Random
) -> None:
    """`python -m learner once`, killed wherever it is, until a round comes through."""
    database = await prepared(tmp_path, 12)

    def learn(seconds: float | None) -> int | None:
        """Run the learner; its exit code, or None when it was killed."""
        log = tmp_path / "learner.out"
        process = forks.Process(target=victims.learn, args=(environment, log))
        process.start()
        process.join(seconds)
        code = process.exitcode
        kill(process)
        check_adapters(tmp_path)
        assert code in (None, 0, 1, 3, 4), log.read_text()  # 4: the only new reply is held out
        return code

    begun = time.monotonic()
    assert learn(None) == 0, (tmp_path / "learner.out").read_text()
    whole = time.monotonic() - begun
    check_tidy(tmp_path)
    before = len(rows(tmp_path, "SELECT id FROM rounds"))
    for number in range(7):
        async with database.write() as tx:
            about = await get(tx, 1)
            ana = await meet(tx, "Ana")
            asked = turn(ana, f"and number {number}")
            more = await answered(tx, about.channel, ana, asked, reply=f"the quick fox {number}")
            await say(tx, more, ana, FeedbackKind.LIKE)
        learn(draw.uniform(0, whole))
    while learn(None) == 1:  # closed, after three crashes in the same round
        assert "3 times" in rows(tmp_path, "SELECT * FROM rounds ORDER BY id DESC")[0]["reason"]
    ends = [row["state"] for row in rows(tmp_path, "SELECT state FROM rounds ORDER BY id")]
    assert len(ends) > before
    assert set(ends) <= {"promoted", "rejected", "failed", "skipped"}
    assert [end for end in ends if end != "skipped"][-1] in ("promoted", "rejected")
    check_tidy(tmp_path)
    await database.close()


def test_the_chat_keeps_every_rating_it_thanked_for(
    tmp_path: Path, environment: dict[str, str], draw: random.Random
) -> None:
    """The program itself at a pipe: it says thank you, and dies."""
    thanked = 0
    for _ in range(3):
        with subprocess.Popen(
            [sys.executable, "-m", "bot", "chat", "--no-learner"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
            cwd=tmp_path,
        ) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(b"hello\n" + b"+\n-\n" * 5000)
            process.stdin.flush()
            out = b""
            while b"noted" not in out:
                chunk = os.read(process.stdout.fileno(), 65536)
                assert chunk, "the chat ended by itself"
                out += chunk
            until = time.monotonic() + draw.uniform(0, 0.3)
            while (left := until - time.monotonic()) > 0:
                if select.select([process.stdout], [], [], left)[0]:
                    out += os.read(process.stdout.fileno(), 65536)
            process.kill()
            out += process.stdout.read()
            process.stdin.close()
        thanked += out.count(b"Thank you, noted.\n")
        [kept] = rows(tmp_path, "SELECT count(*) FROM feedback")
        assert kept[0] >= thanked
        check_database(tmp_path)
    assert thanked >= 3
