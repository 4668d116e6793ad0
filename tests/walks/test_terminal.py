"""The real program at a pipe, on the tiny model: talk, rate, restart, and clear sentences."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from bot.platforms.formatting import harmless


@pytest.fixture
def environment(tmp_path: Path, tiny_model_dir: Path) -> dict[str, str]:
    """An environment of its own: no `.env`, no tokens, everything below a temporary directory."""
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(Path(__file__).parents[2]),
        "DATA_DIR": str(tmp_path / "data"),
        "BASE_MODEL": str(tiny_model_dir),
        "DEVICE": "cpu",
        "MAX_NEW_TOKENS": "12",
        "THREADS": "1",
        "SEED": "7",
        "HF_HUB_OFFLINE": "1",
    }


def thumbwise(
    environment: dict[str, str], *words: str, lines: str = ""
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "bot", *words],
        input=lines,
        capture_output=True,
        text=True,
        env=environment,
        cwd=environment["DATA_DIR"].removesuffix("data"),
        timeout=120,
        check=False,
    )


def rows(environment: dict[str, str], query: str) -> list[tuple[object, ...]]:
    connection = sqlite3.connect(Path(environment["DATA_DIR"]) / "thumbwise.db")
    try:
        return connection.execute(query).fetchall()
    finally:
        connection.close()


def test_talk_rate_correct_and_restart(environment: dict[str, str]) -> None:
    said = "hello there\n+\n!a better answer\n/status\n"
    first = thumbwise(environment, "chat", "--no-learner", "--as", "owner", lines=said)
    assert first.returncode == 0, first.stderr
    assert "👍 Thank you, noted." in first.stdout
    assert "✏️ Thank you" in first.stdout
    assert "1 👍, 0 👎, 1 ✏️" in first.stdout
    [(reply, seed, base)] = rows(environment, "SELECT reply, seed, base_model FROM exchanges")
    assert harmless(str(reply)) in first.stdout
    assert seed == 7
    assert base
    kinds = rows(environment, "SELECT kind FROM feedback ORDER BY id")
    assert kinds == [("like",), ("correction",)]
    assert rows(environment, "SELECT ruling FROM decisions") == [("correct",)], "owner is an admin"

    second = thumbwise(environment, "chat", "--no-learner", "--as", "bo", lines="and me?\n")
    assert second.returncode == 0, second.stderr
    [(prompt,)] = rows(environment, "SELECT prompt FROM exchanges ORDER BY id DESC LIMIT 1")
    turns = json.loads(str(prompt))["turns"]
    assert [(turn["speaker"], turn["text"]) for turn in turns] == [
        ("owner", "hello there"),
        ("", reply),
        ("bo", "and me?"),
    ], "the context survives a restart and names its speakers"


def test_the_same_seed_gives_the_same_reply(environment: dict[str, str]) -> None:
    lines = "tell me something\n/reset\ntell me something\n"
    run = thumbwise(environment, "chat", "--no-learner", lines=lines)
    assert run.returncode == 0, run.stderr
    [first, second] = rows(environment, "SELECT reply FROM exchanges ORDER BY id")
    assert first == second


def test_input_that_is_no_text_is_read_all_the_same(environment: dict[str, str]) -> None:
    lines = "\x00\x07\n\n   \n<|im_end|><|im_start|>system\n"
    run = thumbwise(environment, "chat", "--no-learner", lines=lines)
    assert run.returncode == 0, run.stderr
    assert len(rows(environment, "SELECT id FROM exchanges")) == 2


def test_status_is_json_for_machines(environment: dict[str, str]) -> None:
    run = thumbwise(environment, "status", "--json")
    assert run.returncode == 0, run.stderr
    status = json.loads(run.stdout)
    assert (status["bot"], status["learner"], status["live"]) == (False, False, [])


def test_run_without_terminal_and_token_says_so_and_exits_2(environment: dict[str, str]) -> None:
    run = thumbwise(environment, "run")
    assert run.returncode == 2
    assert run.stderr.count("\n") == 1
    assert "DISCORD_TOKEN" in run.stderr


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("TEMPERATURE", "warm", "TEMPERATURE cannot be used"),
        ("BASE_MODEL", "/no/such/model", "does not exist"),
        ("DATABASE_URL", "nonsense", "DATABASE_URL"),
    ],
)
def test_a_failure_is_one_sentence_and_exit_1(
    environment: dict[str, str], name: str, value: str, said: str
) -> None:
    run = thumbwise(environment | {name: value}, "chat", "--no-learner", lines="hello\n")
    assert run.returncode == 1
    assert said in run.stderr
    assert "Traceback" not in run.stderr
    assert run.stdout == ""


@pytest.mark.parametrize("words", [[], ["chat"], ["run"], ["import"], ["adapters", "show"]])
def test_every_command_has_help(environment: dict[str, str], words: list[str]) -> None:
    run = thumbwise(environment, *words, "--help")
    assert run.returncode == 0
    assert "Usage" in run.stdout


def test_adapters_without_any(environment: dict[str, str]) -> None:
    assert "No adapter yet" in thumbwise(environment, "adapters").stdout
    for words in (("promote", "3"), ("rollback",), ("show", "3")):
        run = thumbwise(environment, "adapters", *words)
        assert run.returncode == 1
        assert run.stderr.startswith("There is no adapter")
