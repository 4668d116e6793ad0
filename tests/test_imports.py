"""Importing the bot is cheap: only the room that needs a heavy library loads it."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]

HEAVY = (
    "torch",
    "transformers",
    "peft",
    "discord",
    "telegram",
    "nicegui",
    "fastapi",
    "uvicorn",
    "matplotlib",
    "prompt_toolkit",
)


@pytest.mark.parametrize(
    "module",
    [
        "bot",
        "bot.__main__",
        "bot.app",
        "bot.chat.room",
        "bot.command_line",
        "bot.console",
        "bot.doors",
        "bot.generator.protocol",
        "bot.platforms",
    ],
)
def test_no_heavy_library(module: str) -> None:
    code = f"import sys, {module}; print([name for name in {HEAVY!r} if name in sys.modules])"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


def project() -> Any:
    """What pyproject.toml says."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def forbidden(contract: str) -> set[str]:
    """What a contract forbids, by the beginning of its name."""
    contracts = project()["tool"]["importlinter"]["contracts"]
    [found] = [one["forbidden_modules"] for one in contracts if one["name"].startswith(contract)]
    return set(found)


def rooms() -> set[str]:
    """The modules and packages right below `bot`."""
    found = {path.stem for path in (ROOT / "bot").glob("*.py")}
    found |= {path.parent.name for path in (ROOT / "bot").glob("*/__init__.py")}
    return {f"bot.{name}" for name in found - {"__init__"}}


def test_the_contract_of_the_learner_leaves_no_room_out() -> None:
    known = {"domain", "errors", "generator", "logs", "prompt", "settings", "store", "transfer"}
    assert forbidden("The learner knows") == rooms() - {f"bot.{name}" for name in known}


def test_the_contract_of_the_domain_leaves_nothing_out() -> None:
    def plain(name: str) -> str:
        return re.sub(r"[-_.]+", "-", name).lower()

    wanted = {
        plain(re.split(r"[\[<>=,]", dependency)[0])
        for dependency in project()["project"]["dependencies"]
    }
    modules = packages_distributions()
    for dependency in wanted:
        brought = {module for module, names in modules.items() if dependency in map(plain, names)}
        assert brought & forbidden("The domain stands"), dependency
    assert rooms() - {"bot.domain", "bot.errors"} <= forbidden("The domain stands")


def imported(file: Path) -> Iterator[str]:
    """The modules that a file imports from, wherever in it."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            yield node.module or ""
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


@pytest.mark.parametrize(
    ("library", "home"),
    [
        ("discord", Path("bot/platforms/discord")),
        ("telegram", Path("bot/platforms/telegram")),
        ("nicegui", Path("bot/console")),
        ("torch", None),
    ],
)
def test_no_object_of_a_platform_leaves_its_room(library: str, home: Path | None) -> None:
    root = Path(__file__).parents[1]
    rooms = {Path("bot/generator"), Path("bot/model"), Path("learner")} if home is None else {home}
    for file in [*(root / "bot").rglob("*.py"), *(root / "learner").rglob("*.py")]:
        known = {name.partition(".")[0] for name in imported(file)}
        inside = any(room in file.relative_to(root).parents for room in rooms)
        assert inside or library not in known, file
