"""The command lines of bot and learner: help for every command, sentences, the last door."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import typer
from rich.console import Console
from typer.testing import CliRunner

import bot.__main__
import learner.__main__
from bot import doors
from bot.command_line.records import acts, numbered
from bot.store.audit import Act
from bot.transfer import Problem

APPS = {"thumbwise": bot.__main__.app, "learner": learner.__main__.app}
AT = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty DATA_DIR, and a working directory without `.env`."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "data"))
    return tmp_path / "data"


def commands(command: Any, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Every command of a command line, itself among them."""
    yield path
    for name, inner in getattr(command, "commands", {}).items():
        yield from commands(inner, (*path, name))


EVERY = [
    path for name, app in APPS.items() for path in commands(typer.main.get_command(app), (name,))
]


@pytest.mark.parametrize("path", EVERY, ids=" ".join)
def test_every_command_has_help(path: tuple[str, ...]) -> None:
    """What it does, and what each of its options is for."""
    run = CliRunner().invoke(APPS[path[0]], [*path[1:], "--help"])
    assert run.exit_code == 0, run.output
    usage, _, rest = run.output.strip().partition("\n")
    assert usage.startswith("Usage: ")
    assert len(rest.strip().splitlines()[0].split()) > 2, "it says in words what it is for"


def test_the_commands_of_both_are_found() -> None:
    assert {("thumbwise", "adapters", "show"), ("thumbwise", "audit")} <= set(EVERY)
    assert {("learner", name) for name in ("watch", "once", "simulate", "bench")} <= set(EVERY)


def main(monkeypatch: pytest.MonkeyPatch, *words: str) -> object:
    """Run `thumbwise` in this process; its exit code."""
    monkeypatch.setattr(sys, "argv", ["thumbwise", *words])
    with pytest.raises(SystemExit) as end:
        bot.__main__.main()
    return end.value.code


@pytest.mark.parametrize("kind", ["logs", "lock"])
def test_a_file_that_cannot_be_used_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], data_dir: Path, kind: str
) -> None:
    data_dir.mkdir()
    if kind == "logs":
        (data_dir / "logs").touch()
    else:
        (data_dir / "run.lock").mkdir()
    assert main(monkeypatch, "chat", "--no-learner") == 1
    out, said = capsys.readouterr()
    assert out == ""
    assert said in (
        f"{data_dir / 'logs'} cannot be used: File exists.\n",
        f"{data_dir / 'run.lock'} cannot be used: Is a directory.\n",
    )


async def _fail(*_: object, **__: object) -> None:
    raise ZeroDivisionError


async def _lose(*_: object, **__: object) -> None:
    raise FileNotFoundError(2, "No such file or directory", "card.json")


@pytest.mark.parametrize("ready", [True, False])
def test_where_a_file_was_missing_is_in_the_log_once_there_is_one(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    ready: bool,
) -> None:
    """It may be a bug. Without a log standard error has the sentence alone."""
    monkeypatch.setattr(doors, "chat", _lose)
    if not ready:
        monkeypatch.setattr(logging.root, "handlers", [])
    assert main(monkeypatch, "chat") == 1
    assert capsys.readouterr().err == "card.json cannot be used: No such file or directory.\n"
    assert ("in _lose" in caplog.text) is ready


def test_what_nobody_foresaw_is_a_sentence_and_a_traceback_in_the_log(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(doors, "chat", _fail)
    assert main(monkeypatch, "chat") == 1
    out, said = capsys.readouterr()
    assert out == ""
    assert said == (
        "The bot broke down unexpectedly; the log says where. What was acknowledged is kept.\n"
    )
    assert "ZeroDivisionError" in caplog.text


def test_a_misspelt_setting_is_told_of_at_the_start(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text("DISCORD_TOKN=x\n")
    assert main(monkeypatch, "run") == 2
    assert capsys.readouterr().err.splitlines()[0] == (
        ".env sets DISCORD_TOKN, which is no setting and does nothing; DISCORD_TOKEN may be meant."
    )


def test_all_bad_lines_are_reported_by_number(tmp_path: Path) -> None:
    good = {"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}
    lines = [json.dumps(good), *["no"] * 300, "[]", json.dumps(good), "no", "[]", "no", "no", ""]
    file = tmp_path / "past.jsonl"
    file.write_text("\n".join(lines))
    run = CliRunner().invoke(bot.__main__.app, ["import", str(file)])
    assert run.exit_code == 0, run.output
    assert run.stderr.splitlines() == [
        "lines 2-301, 304, 306, 307: it is not JSON",
        "lines 302, 305: it is not a JSON object",
    ]
    assert run.stdout == "1 imported, 1 known already, 305 skipped.\n"
    looked = CliRunner().invoke(bot.__main__.app, ["audit", "--last", "1"])
    assert looked.exit_code == 0, looked.output
    assert "command line" in looked.stdout
    assert "exchanges: 1, feedback: 0" in looked.stdout


def test_a_lone_bad_line() -> None:
    assert numbered([Problem(3, "it is not JSON")]) == ["line 3: it is not JSON"]
    assert numbered([]) == []


def test_of_very_many_bad_lines_the_first_are_listed() -> None:
    """Runs count, and not lines; what is left is counted in lines."""
    wrong = [*range(1, 100), *range(200, 1000, 2), 1000, 1001]
    [sentence] = numbered(Problem(line, "it is not JSON") for line in wrong)
    first = ", ".join(map(str, range(200, 238, 2)))
    assert sentence == f"lines 1-99, {first} ... and 383 more: it is not JSON"


def test_the_audit_log_is_shown_as_it_was_written() -> None:
    """Newest first, and what people wrote neither paints nor steers the terminal."""
    written = [
        Act("discord:1", "persona", "channel 3", {"to": "[red]be\x1b[2J kind[/red]"}, AT),
        Act("learner", "round promoted", "round 7", {"version": 2}, AT),
    ]
    console = Console(width=160, force_terminal=True, record=True, file=StringIO())
    console.print(acts(written))
    text = console.export_text()
    first, second = (line for line in text.splitlines() if "2026-03-01 12:00:00" in line)
    assert "discord:1" in first
    assert "to: [red]be[2J kind[/red]" in first
    assert "round promoted" in second
    assert "version: 2" in second
    assert "\x1b" not in text


def test_audit_without_any() -> None:
    run = CliRunner().invoke(bot.__main__.app, ["audit"])
    assert (run.exit_code, run.stdout) == (0, "Nothing yet.\n")
    assert CliRunner().invoke(bot.__main__.app, ["audit", "--last", "0"]).exit_code == 2
