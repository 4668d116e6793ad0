"""`python -m learner bench`, from a plan to tables and a file."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from rich.console import Console

from bot import settings as settings_module
from bot.errors import ThumbwiseError
from bot.settings import Settings
from learner.alone import alone
from learner.bar import Bar
from learner.bench.course import run
from learner.bench.plan import OVERRIDES, Plan
from learner.bench.result import Result, shown
from learner.disk import write_whole

DIRECTORY: Final = "bench"
RESULT: Final = "bench.json"
TRAINING: Final = "training"


def bench(settings: Settings, plan: Plan, out: Path | None) -> Result:
    """Run a benchmark, save its figures to `out`, by default DATA_DIR/bench.json, and print them.

    All else that it writes is in DATA_DIR/bench, and gone afterwards, but for the anchors, which
    are those of rounds. Raises `ThumbwiseError`, and before the work begins when `out` cannot be
    written.
    """
    target = out or settings.data_dir / RESULT
    check(target)
    home = settings.data_dir / DIRECTORY
    try:
        with alone(home), Bar() as bar:
            shutil.rmtree(home / TRAINING, ignore_errors=True)  # one that was killed left it
            try:
                result = run(settings, plan, home / TRAINING, bar)
            finally:
                shutil.rmtree(home / TRAINING, ignore_errors=True)
        text = json.dumps(result.to_json(), indent=1, ensure_ascii=False)
        write_whole(target, f"{text}\n")
    except OSError as error:
        raise ThumbwiseError(
            f"A file could not be written or read ({error.strerror or error}). Look for room on "
            "the disk, and run the benchmark again."
        ) from error
    console = Console()
    console.print(shown(result))
    console.print(f"Saved in {target}.", highlight=False, soft_wrap=True)
    return result


def staged(settings: Settings, changes: Mapping[str, Any]) -> Settings:
    """The settings with those of a benchmark's own; `changes` beat all others."""
    return settings_module.load(**{**settings.model_dump(), **OVERRIDES, **changes})


def check(target: Path) -> None:
    """Raise `ThumbwiseError` when a file could not be written there: minutes of work hang on it."""
    if target.is_dir():
        raise ThumbwiseError(f"--out names {target}, which is a directory; name a file.")
    if not target.parent.is_dir():
        raise ThumbwiseError(f"--out lies in {target.parent}, which is no directory; make it.")
    if not os.access(target.parent, os.W_OK):
        raise ThumbwiseError(f"Nothing can be written to {target.parent}; choose another --out.")
