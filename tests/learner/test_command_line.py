"""The learner as a process: exit codes, sentences, the lock, signals."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from bot.domain import RoundState
from bot.errors import ThumbwiseError
from bot.store import rounds
from learner import dialogues
from learner.alone import alone
from tests.learner.town import QUICK, Town, quick

ROOT = Path(__file__).parents[2]


def environment(town: Town, **changes: object) -> dict[str, str]:
    """The settings of a town as environment variables."""
    given = {
        **QUICK,
        "data_dir": town.settings.data_dir,
        "base_model": town.base.directory,
        "log_format": "text",
        **changes,
    }
    return {**os.environ, **{name.upper(): str(value) for name, value in given.items()}}


def learner(town: Town, *words: str, **changes: object) -> subprocess.CompletedProcess[str]:
    """Run `python -m learner` to its end."""
    return subprocess.run(
        [sys.executable, "-m", "learner", *words],
        env=environment(town, **changes),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )


async def test_once_says_how_it_ended_and_exits_by_it(town: Town) -> None:
    nothing = await asyncio.to_thread(learner, town, "once")
    assert nothing.returncode == 4, nothing.stderr
    assert nothing.stdout == (
        "Round 1: skipped.\nThere is nothing to learn from yet: no reply has been judged.\n"
    )
    ana = await town.member("ana")
    await town.liked(ana, 12)
    rejected = await asyncio.to_thread(learner, town, "once", gate_min_gain=0.999)
    assert rejected.returncode == 3, rejected.stderr
    promoted = await asyncio.to_thread(learner, town, "once", "--json")
    assert promoted.returncode == 0, promoted.stderr
    facts = json.loads(promoted.stdout)
    assert (facts["state"], facts["adapter"]) == ("promoted", 2)
    compared = await asyncio.to_thread(
        learner, town, "evaluate", str(written(town.settings.data_dir)), "--json"
    )
    assert compared.returncode == 0, compared.stderr
    base, live = json.loads(compared.stdout)
    assert (base["version"], live["version"], live["examples"]) == (0, 2, 2)
    assert live["loss"] < base["loss"]
    assert "Line 3 is left out" in compared.stderr


def written(directory: Path) -> Path:
    """A file of conversations, one of them broken."""
    path = directory / "talk.jsonl"
    lines = [
        {
            "messages": [said("user", "hello, how are you, number 5"), said("assistant", "no")],
            "rating": -1,
            "correction": "the quick brown fox jumps over 5",
        },
        {
            "messages": [
                said("user", "hello"),
                said("assistant", "the quick brown fox jumps over 3"),
            ]
        },
        {"messages": [said("user", "hello")]},
        {"messages": [said("user", "hello"), said("assistant", "bad")], "rating": -1},
    ]
    path.write_text("\n".join(map(json.dumps, lines)) + "\n")
    return path


def said(role: str, content: str) -> dict[str, str]:
    """One message."""
    return {"role": role, "content": content}


async def test_only_one_learner_works_at_a_time(town: Town) -> None:
    with alone(town.settings.data_dir):
        second = await asyncio.to_thread(learner, town, "once")
    assert second.returncode == 1
    assert "Another learner works on" in second.stderr
    assert "Traceback" not in second.stderr
    with alone(town.settings.data_dir):
        pass


async def test_what_a_person_can_mend_is_one_sentence(town: Town) -> None:
    for changes, words in (
        ({"base_model": "/nowhere/at/all"}, "does not exist"),
        ({"learning_rate": "fast"}, "LEARNING_RATE"),
    ):
        failed = await asyncio.to_thread(learner, town, "once", **changes)
        assert failed.returncode == 1
        assert words in failed.stderr
        assert len(failed.stderr.strip().splitlines()) == 1, failed.stderr


async def test_watch_ends_by_a_signal_and_its_round_goes_on_later(town: Town) -> None:
    ana = await town.member("ana")
    await town.liked(ana, 12)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "learner", "watch"),
        env=environment(town, learn_min_verdicts=5, epochs=1000, learn_every=1),
        cwd=ROOT,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(120):
            while True:
                async with town.database.read() as conn:
                    found = await rounds.last(conn)
                if found and found[0].progress.step > 0:
                    break
                await asyncio.sleep(0.1)
            process.send_signal(signal.SIGTERM)
            _, errors = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0, errors.decode()
    async with town.database.read() as conn:
        (left,) = await rounds.unfinished(conn)
    assert left.state is RoundState.TRAINING
    assert left.report["crashes"] == 0


def test_dialogues_are_read_as_they_would_be_imported(tmp_path: Path) -> None:
    found, problems = dialogues.read(written(tmp_path), persona="p")
    assert [d.reply for d in found] == [
        "the quick brown fox jumps over 5",
        "the quick brown fox jumps over 3",
    ]
    assert found[0].prompt.persona == "p"
    assert len(problems) == 1
    with pytest.raises(ThumbwiseError, match="cannot be read"):
        dialogues.read(tmp_path / "missing.jsonl", persona="p")


def test_the_settings_of_these_tests_are_the_real_ones(tmp_path: Path) -> None:
    assert quick(tmp_path).model_dump().keys() >= QUICK.keys()
