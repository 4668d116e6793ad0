"""Importing the bot is cheap: only the room that needs a heavy library loads it."""

from __future__ import annotations

import subprocess
import sys

import pytest

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
