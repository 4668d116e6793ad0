"""What `make` says on a machine that lacks something."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def make(folder: Path, python: str) -> subprocess.CompletedProcess[str]:
    """Run `make run` with a Python, for a virtual environment that is not there yet."""
    words = ["make", "--silent", "run", f"PYTHON={python}", f"VENV={folder / 'venv'}"]
    environment = {"PATH": os.environ["PATH"]}  # not that of the make which runs these tests
    return subprocess.run(
        words, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=60
    )


@pytest.mark.parametrize(
    ("lacks", "sentence"),
    [
        (
            "ensurepip",
            "Python cannot make a virtual environment here: sudo apt install python{0}.{1}-venv",
        ),
        ("version", "Python 3.11 or newer is needed: set PYTHON=/path/to/python3.11."),
        ("all", "Python 3.11 or newer is needed: set PYTHON=/path/to/python3.11."),
    ],
)
def test_what_is_missing_is_one_sentence(tmp_path: Path, lacks: str, sentence: str) -> None:
    python = tmp_path / "python"
    if lacks != "all":
        word = {"ensurepip": "ensurepip", "version": "version_info <"}[lacks]
        python.write_text(
            f'#!/bin/sh\ncase "$*" in *"{word}"*) exit 1;; esac\nexec {sys.executable} "$@"\n'
        )
        python.chmod(0o755)
    run = make(tmp_path, str(python))
    assert run.returncode != 0
    assert run.stderr.splitlines()[0] == sentence.format(*sys.version_info)
    assert not (tmp_path / "venv").exists(), "nothing half made is left to stumble over"


def test_any_python_that_is_new_enough_will_do(tmp_path: Path) -> None:
    """Newer systems have `python3` only; a `python3.11` may be a shim that starts nothing."""
    found = shutil.which("make")
    assert found is not None
    (tmp_path / "python3").write_text(
        '#!/bin/sh\ncase "$*" in *ensurepip*) exit 1;; esac\n' + f'exec {sys.executable} "$@"\n'
    )
    (tmp_path / "python3.11").write_text("#!/bin/sh\nexit 127\n")
    for script in tmp_path.iterdir():
        script.chmod(0o755)
    for shim in (True, False):
        if not shim:
            (tmp_path / "python3.11").unlink()
        run = subprocess.run(
            [found, "--silent", "run", f"VENV={tmp_path / 'venv'}"],
            cwd=ROOT,
            env={"PATH": str(tmp_path)},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert run.returncode != 0
        assert run.stderr.startswith("Python cannot make a virtual environment here")
