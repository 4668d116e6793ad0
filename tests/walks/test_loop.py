"""The whole loop with the real programs, on the tiny model: import, learn, serve, roll back."""

from __future__ import annotations

import json
import random
from pathlib import Path

from tests.walks.conftest import World, wait_for

EASY = {
    "LEARNING_RATE": "0.02",
    "EPOCHS": "20",
    "TEMPERATURE": "0",
    "REPETITION_PENALTY": "1",
    "LORA_DROPOUT": "0",
    "GATE_MAX_DRIFT": "10",
    "GATE_MIN_ENDING": "0",
    "GATE_MAX_REPEATING": "1",
    "HELD_OUT_SHARE": "0.2",
}
"""A random model has no manners to lose: the gate asks only that it learns what is liked."""


def history(path: Path, count: int = 40) -> Path:
    """A community's past: every conversation a channel of its own, all answered alike and liked."""
    words = ["tea", "rain", "code", "song", "road", "lamp", "fish", "book", "moon", "cake"]
    draw = random.Random(3)  # noqa: S311 - no secret
    with path.open("w", encoding="utf-8") as file:
        for number in range(count):
            asked = " ".join(draw.sample(words, 3))
            line = {
                "messages": [
                    {"role": "user", "content": f"{asked} {number}"},
                    {"role": "assistant", "content": "Yes?"},
                ],
                "rating": 1,
                "channel": f"c{number}",
                "rater": f"r{number % 5}",
            }
            file.write(json.dumps(line) + "\n")
    return path


def test_import_learn_serve_roll_back(world: World) -> None:
    imported = world.run("bot", "import", str(history(world.path / "past.jsonl")))
    assert imported.returncode == 0, imported.stderr
    assert imported.stdout.startswith("40 imported, 0 known already, 0 skipped")

    learned = world.run("learner", "once", **EASY)
    assert learned.returncode == 0, learned.stdout + learned.stderr
    assert "promoted, version 1" in learned.stdout, learned.stdout
    [(state, directory)] = world.rows("SELECT state, directory FROM adapters")
    assert state == "live"
    card = json.loads((world.path / "data" / "adapters" / str(directory) / "card.json").read_text())
    assert card["passed"] is True

    listed = world.run("bot", "adapters")
    assert "live" in listed.stdout
    shown = world.run("bot", "adapters", "show", "1")
    assert "held-out: exchanges" in shown.stdout

    talked = world.run("bot", "chat", "--no-learner", lines="tea rain code 7\n", **EASY)
    assert talked.returncode == 0, talked.stderr
    assert world.rows("SELECT adapter FROM exchanges ORDER BY id DESC LIMIT 1") == [(1,)]
    assert talked.stdout.startswith("Yes?"), "what was liked is what is said"

    back = world.run("bot", "adapters", "rollback")
    assert "The base model is live now in place of version 1" in back.stdout
    world.run("bot", "chat", "--no-learner", lines="tea rain code 7\n", **EASY)
    assert world.rows("SELECT adapter FROM exchanges ORDER BY id DESC LIMIT 1") == [(0,)]

    again = world.run("learner", "once", **EASY)
    assert again.returncode in (0, 3), again.stderr
    exported = world.run("bot", "export")
    assert len(exported.stdout.splitlines()) == 40


def test_nothing_to_learn_exits_4(world: World) -> None:
    run = world.run("learner", "once")
    assert run.returncode == 4, run.stderr
    assert world.rows("SELECT state FROM rounds") == [("skipped",)]


def test_a_running_bot_asks_for_a_round_and_takes_up_what_comes_of_it(world: World) -> None:
    """`/train now` in a running chat, with its learner beside it."""
    assert world.run("bot", "import", str(history(world.path / "past.jsonl"))).returncode == 0
    world.environment.update(EASY)
    chat = world.start("bot", "chat")
    assert chat.stdin is not None
    assert chat.stdout is not None
    try:
        chat.stdin.write("hello\n/train now\n")
        chat.stdin.flush()
        wait_for(world, "SELECT 1 FROM presence WHERE process = 'learner'")
        wait_for(world, "SELECT 1 FROM adapters WHERE state = 'live'")
        wait_for(world, "SELECT 1 FROM presence WHERE json_extract(detail, '$.serving') = 1")
        chat.stdin.write("tea rain code 7\n")
        out, err = chat.communicate(timeout=120)
    finally:
        chat.kill()
    assert chat.returncode == 0, err
    assert "I asked for a round of learning." in out
    assert world.rows("SELECT adapter FROM exchanges WHERE origin = 'chat' ORDER BY id") == [
        (0,),
        (1,),
    ]
    assert world.rows('SELECT state, "trigger" FROM rounds') == [("promoted", "request")]
    assert world.rows("SELECT process FROM presence") == [], "both have left"
