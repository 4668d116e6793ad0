"""The real bot process against the server: restarts, and a killed one."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.wire.telegram.people import Human
from tests.wire.telegram.server import BotApi
from tests.wire.telegram.town import rated, replies, said

pytestmark = pytest.mark.asyncio(loop_factories=["real"])

ROOT = Path(__file__).parents[3]
INTERRUPTED = 128 + signal.SIGINT
"""What a program that Ctrl-C ended exits with."""


class Process:
    """`thumbwise run` in a process of its own, which can be ended in either way and begun anew."""

    def __init__(self, api: BotApi, folder: Path, environment: dict[str, str]) -> None:
        self._api = api
        self._folder = folder
        self._environment = environment
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start it, and wait until it polls."""
        polls = self._api.updates.polls
        with (self._folder / "log.txt").open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "bot",
                "run",
                env=self._environment,
                cwd=self._folder,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        try:
            await self._api.until(lambda: self._api.updates.polls > polls, "the process polls")
        except AssertionError as error:
            raise AssertionError(self.log()) from error

    async def stop(self, how: signal.Signals = signal.SIGINT) -> int:
        """End it, and return its exit code."""
        assert self._process is not None
        self._process.send_signal(how)
        return await self._process.wait()

    async def close(self) -> None:
        """End it if it still runs."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()

    def log(self) -> str:
        """What it has written."""
        return (self._folder / "log.txt").read_text()


@pytest.fixture
async def process(api: BotApi, tmp_path: Path, tiny_model_dir: Path) -> AsyncIterator[Process]:
    """The bot on the tiny model, with settings of its own and none of the outside."""
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "DATA_DIR": str(tmp_path / "data"),
        "BASE_MODEL": str(tiny_model_dir),
        "DEVICE": "cpu",
        "MAX_NEW_TOKENS": "12",
        "THREADS": "1",
        "SEED": "7",
        "LEARN": "false",
        "CONSOLE": "false",
        "HF_HUB_OFFLINE": "1",
        "TELEGRAM_TOKEN": api.token,
        "TELEGRAM_API_BASE": api.base,
    }
    it = Process(api, tmp_path, environment)
    await it.start()
    yield it
    await it.close()


async def test_a_reply_is_rated_after_a_restart(api: BotApi, process: Process, ana: Human) -> None:
    ana.say(ana.private, "hello")
    (reply,) = await replies(api, ana.private)
    assert await process.stop() == INTERRUPTED
    await process.start()
    press = ana.press(reply, "👍")
    await api.until(lambda: press.answered, "the press is answered")
    await api.until(lambda: reply.labels[0] == "👍 1", "the count")
    ana.say(ana.private, "/status")
    await said(api, ana.private, "Ratings: 1 👍")
    assert await process.stop() == INTERRUPTED
    assert api.token not in process.log()
    assert "Traceback" not in process.log()


async def test_a_killed_bot_loses_nothing_and_answers_nothing_twice(
    api: BotApi, process: Process, ana: Human, bo: Human
) -> None:
    ana.say(ana.private, "before")
    await replies(api, ana.private)
    gate = api.faults.hold("sendMessage", chat=bo.private.id)
    bo.say(bo.private, "cut off")
    await api.until(lambda: api.faults.left() == [], "a reply is on its way")
    await process.stop(signal.SIGKILL)
    gate.set()
    ana.say(ana.private, "while it was dead")
    await process.start()
    await replies(api, ana.private, 2)
    bo.say(bo.private, "are you back?")
    await replies(api, bo.private, 2)
    await api.until(lambda: not api.updates.pending, "all are confirmed")
    assert [len(rated(api, human.private)) for human in (ana, bo)] == [2, 2]
