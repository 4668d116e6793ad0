"""The real program at a pipe, on the tiny model: talk, rate, restart, and clear sentences."""

from __future__ import annotations

import json

import pytest

from bot.platforms.formatting import harmless
from tests.walks.conftest import World


def test_talk_rate_correct_and_restart(world: World) -> None:
    said = "hello there\n+\n!a better answer\n/status\n"
    first = world.run("bot", "chat", "--no-learner", "--as", "owner", lines=said)
    assert first.returncode == 0, first.stderr
    assert "👍 Thank you, noted." in first.stdout
    assert "✏️ Thank you" in first.stdout
    assert "1 👍, 0 👎, 1 ✏️" in first.stdout
    [(reply, seed, base)] = world.rows("SELECT reply, seed, base_model FROM exchanges")
    assert harmless(str(reply)) in first.stdout
    assert seed == 7
    assert base
    kinds = world.rows("SELECT kind FROM feedback ORDER BY id")
    assert kinds == [("like",), ("correction",)]
    assert world.rows("SELECT ruling FROM decisions") == [("correct",)], "owner is an admin"

    second = world.run("bot", "chat", "--no-learner", "--as", "bo", lines="and me?\n")
    assert second.returncode == 0, second.stderr
    [(prompt,)] = world.rows("SELECT prompt FROM exchanges ORDER BY id DESC LIMIT 1")
    turns = json.loads(str(prompt))["turns"]
    assert [(turn["speaker"], turn["text"]) for turn in turns] == [
        ("owner", "hello there"),
        ("", reply),
        ("bo", "and me?"),
    ], "the context survives a restart and names its speakers"


def test_the_same_seed_gives_the_same_reply(world: World) -> None:
    lines = "tell me something\n/reset\ntell me something\n"
    run = world.run("bot", "chat", "--no-learner", lines=lines)
    assert run.returncode == 0, run.stderr
    [first, second] = world.rows("SELECT reply FROM exchanges ORDER BY id")
    assert first == second


def test_input_that_is_no_text_is_read_all_the_same(world: World) -> None:
    lines = "\x00\x07\n\n   \n<|im_end|><|im_start|>system\n"
    run = world.run("bot", "chat", "--no-learner", lines=lines)
    assert run.returncode == 0, run.stderr
    assert len(world.rows("SELECT id FROM exchanges")) == 1, "control characters alone say nothing"


def test_status_is_json_for_machines(world: World) -> None:
    run = world.run("bot", "status", "--json")
    assert run.returncode == 0, run.stderr
    status = json.loads(run.stdout)
    assert (status["bot"], status["learner"], status["live"]) == (False, False, [])


def test_run_without_terminal_and_token_says_so_and_exits_2(world: World) -> None:
    run = world.run("bot", "run")
    assert run.returncode == 2
    assert run.stderr.count("\n") == 1
    assert "DISCORD_TOKEN" in run.stderr


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("TEMPERATURE", "warm", "TEMPERATURE takes a number from 0 to 5."),
        ("BASE_MODEL", "/no/such/model", "does not exist"),
        ("DATABASE_URL", "nonsense", "DATABASE_URL"),
    ],
)
def test_a_failure_is_one_sentence_and_exit_1(
    world: World, name: str, value: str, said: str
) -> None:
    run = world.run("bot", "chat", "--no-learner", lines="hello\n", **{name: value})
    assert run.returncode == 1
    assert said in run.stderr
    assert "Traceback" not in run.stderr
    assert run.stdout == ""


def test_adapters_without_any(world: World) -> None:
    assert "No adapter yet" in world.run("bot", "adapters").stdout
    for words in (("promote", "3"), ("rollback",), ("show", "3")):
        run = world.run("bot", "adapters", *words)
        assert run.returncode == 1
        assert run.stderr.startswith("There is no adapter")
