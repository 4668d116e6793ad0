"""The real bot in a process of its own, which a test starts, ends and kills."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.walks.conftest import World

PATIENCE_SECONDS = 120.0
"""How long a process may take to end in good order. A bound against hanging, no claim."""


@dataclass(frozen=True)
class Bot:
    """A running `python -m bot run`. `log` is a file with all that it wrote."""

    process: asyncio.subprocess.Process
    log: Path

    async def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """End it as an operator would; it must go in good order."""
        self.process.send_signal(how)
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                code = await self.process.wait()
        except TimeoutError:
            self.process.send_signal(signal.SIGABRT)  # it writes where each thread hangs
            await self.process.wait()
            pytest.fail(f"it did not end:\n{self.said()}")
        assert code in (0, -how, 128 + how), self.said()

    async def kill(self) -> None:
        """End it without a word, as a failing machine would."""
        self.process.kill()
        await self.process.wait()

    def said(self) -> str:
        """All that it wrote, and those before it in the same world."""
        return self.log.read_text(encoding="utf-8", errors="replace")


@asynccontextmanager
async def running(world: World, ready: Awaitable[object], **changes: str) -> AsyncIterator[Bot]:
    """The bot, once it is ready; in the end it is stopped in good order if it still runs.

    Args:
        ready: ends when the bot has done what the test begins with. A bot that ends before that
            fails the test.
        changes: settings that differ from those of the world.
    """
    log = world.path / "bot.log"
    with log.open("ab") as out:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bot", "run"),
            env=world.environment
            | {"LEARN": "false", "CONSOLE": "false", "PYTHONFAULTHANDLER": "1"}
            | changes,
            cwd=world.path,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=out,
            stderr=out,
        )
    bot = Bot(process, log)
    dead = asyncio.create_task(process.wait())
    waiting = asyncio.ensure_future(ready)
    try:
        await asyncio.wait([waiting, dead], return_when=asyncio.FIRST_COMPLETED)
        if not waiting.done():
            pytest.fail(f"the bot ended at once:\n{bot.said()}")
        await waiting
        yield bot
        if process.returncode is None:
            await bot.stop()
    finally:
        waiting.cancel()
        if process.returncode is None:
            await bot.kill()
        await dead
