"""kill -9 of the programs themselves: the chat and the watching learner, wherever they are.

Most are forked from a process that has everything imported (see test_kill); some are the programs
as a person starts them. Seeds are printed: a failure can be had again by giving its seed.
"""

from __future__ import annotations

import os
import random
import select
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext
from multiprocessing.process import BaseProcess
from pathlib import Path

from bot.domain import RequestKind
from bot.store import requests
from tests.walks import victims
from tests.walks.killing import (
    check_adapters,
    check_database,
    check_tidy,
    kill,
    one_more,
    prepared,
    rows,
)


async def test_a_watching_learner_ends_what_it_began(
    forks: ForkServerContext, tmp_path: Path, environment: dict[str, str], draw: random.Random
) -> None:
    """`python -m learner watch`, killed in the middle of the rounds that an admin asks for."""
    database = await prepared(tmp_path, 12)
    log = tmp_path / "learner.out"
    unfinished = "SELECT id FROM rounds WHERE finished_at IS NULL"
    asked = "SELECT id FROM requests WHERE answered_at IS NULL"

    def watch() -> BaseProcess:
        process = forks.Process(target=victims.learn, args=(environment, log, "watch"))
        process.start()
        return process

    def wait_until(true: Callable[[], bool], process: BaseProcess) -> None:
        end = time.monotonic() + 120
        while not true():
            assert process.is_alive(), log.read_text()
            assert time.monotonic() < end, log.read_text()
            time.sleep(0.01)

    interrupted = 0
    for number in range(6):
        await one_more(database, number)
        async with database.write() as tx:
            await requests.ask(tx, RequestKind.TRAIN, victims.now())
        process = watch()
        try:
            wait_until(lambda: bool(rows(tmp_path, unfinished)), process)
            process.join(draw.uniform(0, 0.8))
        finally:
            kill(process)
        interrupted += len(rows(tmp_path, unfinished))
        check_adapters(tmp_path)
    process = watch()
    try:
        wait_until(lambda: not rows(tmp_path, unfinished) + rows(tmp_path, asked), process)
        process.terminate()
        process.join(60)
        assert process.exitcode == 0, log.read_text()
    finally:
        kill(process)
    assert interrupted, "every kill came too late to interrupt a round"
    check_adapters(tmp_path)
    check_tidy(tmp_path)
    await database.close()


async def test_a_chat_killed_while_versions_are_swapped(
    forks: ForkServerContext, tmp_path: Path, environment: dict[str, str], draw: random.Random
) -> None:
    """`thumbwise chat`, killed while it starts, replies, is rated, promotes, swaps, rolls back."""
    environment |= {"MEMBER_RATE": "10000", "CHANNEL_RATE": "10000", "GATE_MIN_GAIN": "-1"}
    for number in range(2):
        await (await prepared(tmp_path, 12, first=12 * number)).close()
        learner = forks.Process(target=victims.learn, args=(environment, tmp_path / "learner.out"))
        learner.start()
        learner.join()
        assert learner.exitcode == 0, (tmp_path / "learner.out").read_text()
    before = len(rows(tmp_path, "SELECT id FROM feedback"))
    promoted = len(rows(tmp_path, "SELECT id FROM promotions"))
    script = b"hello\n" + b"+\n/promote 1\nhello\n-\n/promote 2\nhello\n/rollback\n" * 500
    said, start = b"", 0.0
    for number in range(12):
        begun = time.monotonic()
        with talking(forks, environment, tmp_path / "chat.out", script) as listening:
            if number % 3 or not start:  # at work
                first = listen(listening, until=lambda out: b"live now" in out)
                said += first
                start = time.monotonic() - begun
                after = draw.uniform(0, 2.5)
            else:  # while it starts
                after = draw.uniform(0, start)
            said += listen(listening, seconds=after)
        said += listen(listening)  # what it said before it died
        listening.close()
        check_adapters(tmp_path)
        thanked, switched = said.count(b"Thank you, noted.\n"), said.count(b" is live now in ")
        assert len(rows(tmp_path, "SELECT id FROM feedback")) - before >= thanked
        assert len(rows(tmp_path, "SELECT id FROM promotions")) - promoted >= switched
    assert said.count(b" is live now in ") >= 8
    assert said.count(b"Thank you, noted.\n") >= 8
    log = (tmp_path / "logs" / "bot.log").read_text()
    assert log.count("adapter switched") >= 8, "every start, and some promotions, swap"

    with talking(forks, environment, tmp_path / "chat.out", b"hello\n/help\n") as listening:
        listen(listening, until=lambda out: b"/privacy" in out)
    listening.close()
    [live] = rows(tmp_path, "SELECT version FROM adapters WHERE state = 'live'") or [{"version": 0}]
    [last] = rows(tmp_path, "SELECT adapter FROM exchanges ORDER BY id DESC LIMIT 1")
    assert last["adapter"] == live["version"], "what is live answers"


@contextmanager
def talking(
    forks: ForkServerContext, environment: dict[str, str], log: Path, script: bytes
) -> Iterator[Connection]:
    """A chat that reads the script, and the end of its output; it is killed on the way out."""
    hears, telling = forks.Pipe(duplex=False)
    listening, says = forks.Pipe(duplex=False)
    process = forks.Process(target=victims.chat, args=(hears, says, environment, log))
    process.start()
    hears.close()
    says.close()
    with telling:
        os.set_blocking(telling.fileno(), False)
        os.write(telling.fileno(), script)  # a pipe takes 64 KiB
        try:
            yield listening
        finally:
            kill(process)


def listen(
    listening: Connection,
    *,
    seconds: float = 60,
    until: Callable[[bytes], bool] = lambda _: False,
) -> bytes:
    """What a chat says for so long, until something is said, or to its last word."""
    out, end = b"", time.monotonic() + seconds
    while not until(out) and (left := end - time.monotonic()) > 0:
        if select.select([listening], [], [], left)[0]:
            chunk = os.read(listening.fileno(), 1 << 16)
            if not chunk:
                break
            out += chunk
    return out


def test_the_chat_keeps_every_rating_it_thanked_for(
    tmp_path: Path, environment: dict[str, str], draw: random.Random
) -> None:
    """The program itself at a pipe: it says thank you, and dies."""
    thanked = 0
    for _ in range(2):
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
    assert thanked >= 2
