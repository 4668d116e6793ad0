"""A console of its own process: what it leaves behind, and what it loads."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_it_ends_and_can_begin_again(tmp_path: Path) -> None:
    run = subprocess.run(
        [sys.executable, "-m", "tests.console.alone", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    once = ["key shown False", "page 200", "socket 0", "signals left alone True", "ended"]
    lines = [line for line in run.stdout.splitlines() if "[info" not in line]
    assert (lines, run.stderr, run.returncode) == (once * 2, "", 0)
    assert not (ROOT / ".nicegui").exists()


def test_the_pages_are_loaded_when_the_console_starts_and_not_before() -> None:
    code = "import sys, bot.console; print({'nicegui', 'uvicorn', 'fastapi'} & set(sys.modules))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "set()"
