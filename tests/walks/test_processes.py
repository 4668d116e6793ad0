"""The bot survives its learner, a running round the bot, and neither outlives its purpose."""

from __future__ import annotations

import asyncio
import os
import signal
from datetime import UTC, datetime
from pathlib import Path

from bot.doors import house_lock
from bot.store import presence
from bot.store.database import Database
from tests.walks.conftest import World, wait_for, wait_until


def learner_pid(world: World) -> int:
    wait_for(world, "SELECT 1 FROM presence WHERE process = 'learner'")
    [(pid,)] = world.rows("SELECT pid FROM presence WHERE process = 'learner'")
    return int(str(pid))


def alive(pid: int) -> bool:
    """Whether a process runs (a dead one that nobody has waited for does not)."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except OSError:
        return False
    return status.rpartition(")")[2].split()[0] != "Z"


def test_a_killed_learner_is_started_again_and_a_killed_bot_takes_its_learner_along(
    world: World,
) -> None:
    chat = world.start("bot", "chat")
    assert chat.stdin is not None
    assert chat.stdout is not None
    try:
        first = learner_pid(world)
        os.kill(first, signal.SIGKILL)
        wait_until(lambda: learner_pid(world) != first)
        second = learner_pid(world)
        chat.stdin.write("/status\n")
        chat.stdin.flush()
        assert chat.stdout.readline().startswith("Answering with the base model.")
    finally:
        chat.kill()  # the bot has no time to say goodbye
        chat.communicate()
    wait_until(lambda: not alive(second))
    assert world.rows("SELECT 1 FROM presence WHERE process = 'learner'") == [], "it left in order"


def test_ending_the_bot_ends_the_learner(world: World) -> None:
    chat = world.start("bot", "chat")
    try:
        pid = learner_pid(world)
        tokens = {"DISCORD_TOKEN": "x"}
        refused = world.run("bot", "run", **tokens)
        assert refused.returncode == 1
        assert f"`thumbwise chat` (process {chat.pid}) runs with" in refused.stderr
        chat.communicate(timeout=120)  # closes the pipe
    finally:
        chat.kill()
    assert chat.returncode == 0
    assert not alive(pid)
    assert world.rows("SELECT process FROM presence") == []


async def test_a_chat_beside_a_bot_leaves_to_it_what_there_can_be_but_one_of(world: World) -> None:
    data = world.path / "data"
    data.mkdir()
    database = await Database.open(f"sqlite+aiosqlite:///{data / 'thumbwise.db'}")
    async with database.write() as tx:
        await presence.show(tx, "bot", os.getpid(), datetime.now(UTC))
    with house_lock(data, "run"):
        chat = await asyncio.to_thread(world.run, "bot", "chat", lines="hello\n+\n")
    assert chat.returncode == 0, chat.stderr
    assert chat.stderr.splitlines()[0] == (
        f"`thumbwise run` (process {os.getpid()}) runs with DATA_DIR={data}: this chat goes "
        "without a learner and a console of its own."
    )
    assert "Thank you, noted." in chat.stdout
    assert world.rows("SELECT pid FROM presence") == [(os.getpid(),)], "the bot's own sign of life"
    assert world.rows("SELECT name FROM memos") == [], "news are the bot's to tell"
    assert not (data / "logs" / "learner.log").exists()
    await database.close()
