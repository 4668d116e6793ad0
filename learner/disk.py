"""Files and directories that appear whole or not at all, on disk to the last byte."""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path


def settle(fresh: Path, target: Path) -> None:
    """Make a finished temporary directory appear under its name, in place of what stood there.

    Both must lie in the same directory, so that one rename does it.
    """
    for path in fresh.iterdir():
        sync(path)
    sync(fresh)
    if target.exists():
        shutil.rmtree(target)
    fresh.rename(target)
    sync(target.parent)


def write_whole(path: Path, text: str) -> None:
    """Write a text file by way of a temporary one beside it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.tmp")
    fresh.write_text(text, encoding="utf-8")
    sync(fresh)
    fresh.replace(path)
    sync(path.parent)


def sha256(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sync(path: Path) -> None:
    """Wait until a file or directory is on disk."""
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
