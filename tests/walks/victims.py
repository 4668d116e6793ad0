"""What runs in processes that `test_kill` kills: real entry points, real files, no mercy."""

from __future__ import annotations

import asyncio
import itertools
import os
import random
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NoReturn

from bot.domain import Feedback, FeedbackKind
from bot.store import adapters, feedback
from bot.store.database import Database

MODEL = "tiny"


def now() -> datetime:
    """The time."""
    return datetime.now(UTC)


def rate(acknowledge: Connection, url: str) -> None:
    """Rate exchange 1 again and again; acknowledge each rating when its transaction has ended."""

    async def run() -> None:
        database = await Database.open(url)
        for number in itertools.count():
            async with database.write() as tx:
                event = Feedback(1, 1, FeedbackKind.LIKE, now(), f"{number}", "test")
                kept = await feedback.add(tx, event)
            acknowledge.send(kept.id)

    asyncio.run(run())


def publish(acknowledge: Connection, data_dir: Path, seed: int) -> None:
    """End round after round, promoted or rejected; acknowledge each version and its end."""
    from bot.settings import Settings
    from learner.ending import clear_leftovers, finish
    from learner.gate import Decision
    from learner.lora import WEIGHTS
    from learner.round import begin
    from learner.workshop import Workshop

    draw = random.Random(seed)  # noqa: S311  # no secret

    async def run() -> None:
        settings = Settings(_env_file=None, data_dir=data_dir)
        database = await Database.open(settings.database)
        shop = Workshop(database, settings, _no_model, MODEL, now)
        await clear_leftovers(shop)
        acknowledge.send(None)
        while True:
            this = await begin(shop, trigger="command")
            candidate = shop.workplace(this.id) / "candidate"
            candidate.mkdir(parents=True)
            (candidate / WEIGHTS).write_bytes(draw.randbytes(300_000))
            (candidate / "adapter_config.json").write_text("{}")
            async with database.read() as conn:
                live = await adapters.live(conn, MODEL)
            ended = await finish(
                shop,
                this,
                Decision(passed=draw.random() < 0.7, reason="as drawn"),
                candidate=candidate,
                compared_with=live.version if live else 0,
                card={"parent": 0},
                metrics={"loss": 1.0},
                report={},
            )
            acknowledge.send((ended.adapter, ended.state.value))

    asyncio.run(run())


def learn(environment: Mapping[str, str], log: Path, command: str = "once") -> NoReturn:
    """`python -m learner once` (or `watch`), in a process that has its imports already."""
    _become(environment, log)
    sys.argv = ["learner", command]
    from learner.__main__ import main

    main()
    sys.exit(0)


def chat(
    hears: Connection, says: Connection, environment: Mapping[str, str], log: Path
) -> NoReturn:
    """`thumbwise chat` at two pipes, in a process that has its imports already."""
    _become(environment, log)
    os.dup2(hears.fileno(), 0)
    os.dup2(says.fileno(), 1)
    sys.stdin = open(0, closefd=False)  # noqa: SIM115 - multiprocessing closed the first one
    sys.argv = ["thumbwise", "chat", "--no-learner"]
    from bot.__main__ import main

    main()
    sys.exit(0)


def _become(environment: Mapping[str, str], log: Path) -> None:
    """Take on a program's environment, working directory and outputs."""
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(log.parent)
    with log.open("ab") as file:
        for stream in (sys.stdout, sys.stderr):
            os.dup2(file.fileno(), stream.fileno())


def _no_model() -> Any:
    raise AssertionError("publishing needs no base model")
