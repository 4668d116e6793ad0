"""The real programs, each in a process of its own, in a place of their own."""

from __future__ import annotations

import multiprocessing
import os
import random
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.context import ForkServerContext
from pathlib import Path

import pytest

from tests.learner.town import QUICK

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class World:
    """A directory and an environment in which nothing of the outside counts."""

    path: Path
    environment: dict[str, str]

    def run(
        self, module: str, *words: str, lines: str = "", **changes: str
    ) -> subprocess.CompletedProcess[str]:
        """Run `python -m module words`, with `lines` at its standard input, to its end."""
        return subprocess.run(
            [sys.executable, "-m", module, *words],
            input=lines,
            capture_output=True,
            text=True,
            env=self.environment | changes,
            cwd=self.path,
            timeout=200,
            check=False,
        )

    def start(self, module: str, *words: str) -> subprocess.Popen[str]:
        """Start `python -m module words` with a pipe at its standard input and output."""
        return subprocess.Popen(
            [sys.executable, "-m", module, *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=self.environment,
            cwd=self.path,
        )

    def rows(self, query: str) -> list[tuple[object, ...]]:
        """What a query finds in the database."""
        file = self.path / "data" / "thumbwise.db"
        if not file.exists():
            return []
        connection = sqlite3.connect(file, timeout=30)
        try:
            return connection.execute(query).fetchall()
        except sqlite3.OperationalError as error:
            if "no such table" in str(error):
                return []  # it is just being made
            raise
        finally:
            connection.close()


def world_in(folder: Path, model: Path) -> World:
    """A world on a model: no `.env`, no tokens, one thread, a fixed seed."""
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "DATA_DIR": str(folder / "data"),
        "BASE_MODEL": str(model),
        "DEVICE": "cpu",
        "MAX_NEW_TOKENS": "12",
        "THREADS": "1",
        "SEED": "7",
        "HF_HUB_OFFLINE": "1",
    }
    return World(folder, environment)


@pytest.fixture
def world(tmp_path: Path, tiny_model_dir: Path) -> World:
    """A world on the tiny model."""
    return world_in(tmp_path, tiny_model_dir)


def wait_for(world: World, query: str) -> None:
    """Wait until a query finds something; a test in which it never does fails."""
    wait_until(lambda: bool(world.rows(query)), query)


def wait_until(true: Callable[[], bool], what: str = "") -> None:
    """Wait until something is true; a test in which it never is fails."""
    end = time.monotonic() + 180
    while not true():
        if time.monotonic() > end:
            pytest.fail(f"never came true: {what}")
        time.sleep(0.2)


@pytest.fixture(scope="session")
def forks() -> ForkServerContext:
    """Processes that start with the learner's imports done."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(
        [
            "tests.walks.victims",
            "learner.__main__",
            "learner.round",
            "bot.__main__",
            "bot.doors",
            "bot.generator.engine",
            "bot.platforms.terminal",
            "transformers",
            "peft",
        ]
    )
    return context


@pytest.fixture
def draw() -> random.Random:
    """Where the random moments come from."""
    seed = int(os.environ.get("KILL_SEED", str(time.time_ns())))
    print(f"KILL_SEED={seed}")  # noqa: T201  # pytest shows it beside a failure
    return random.Random(seed)  # noqa: S311  # no secret


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
