"""The real bot in a process of its own, on the tiny model, talking to the local Discord."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.walks.conftest import World
from tests.wire.discord.calls import PATIENCE_SECONDS
from tests.wire.discord.server import TOKEN, DiscordServer


@dataclass(frozen=True)
class Bot:
    """A running `python -m bot run`. `log` is a file with all that it wrote."""

    process: asyncio.subprocess.Process
    log: Path

    async def stop(self) -> None:
        """End it as an operator would; it must go in good order."""
        self.process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(PATIENCE_SECONDS):
            code = await self.process.wait()
        assert code in (0, -signal.SIGTERM, 128 + signal.SIGTERM), self.said()

    async def kill(self) -> None:
        """End it without a word, as a failing machine would."""
        self.process.kill()
        await self.process.wait()

    def said(self) -> str:
        """All that it wrote."""
        return self.log.read_text(encoding="utf-8", errors="replace")


@asynccontextmanager
async def running_bot(
    world: World, server: DiscordServer, *, shards: int = 1, **changes: str
) -> AsyncIterator[Bot]:
    """The bot, once all its shards are connected; it is stopped in good order in the end."""
    environment = world.environment | {
        "DISCORD_TOKEN": TOKEN,
        "DISCORD_API_BASE": server.api_base,
        "DISCORD_GATEWAY": server.gateway_url,
        "DISCORD_SHARDS": str(shards),
        "LEARN": "false",
        "CONSOLE": "false",
        "LOG_FORMAT": "json",
    }
    log = world.path / "bot.log"
    with log.open("ab") as out:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bot", "run"),
            env=environment | changes,
            cwd=world.path,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=out,
            stderr=out,
        )
    bot = Bot(process, log)
    dead = asyncio.create_task(process.wait())
    try:
        for shard in range(shards):
            live = asyncio.create_task(server.gateway.until_live(shard))
            await asyncio.wait([live, dead], return_when=asyncio.FIRST_COMPLETED)
            if dead.done():
                live.cancel()
                pytest.fail(f"the bot ended at once:\n{bot.said()}")
            await live
        yield bot
        if process.returncode is None:
            await bot.stop()
    finally:
        if process.returncode is None:
            await bot.kill()
        await dead
