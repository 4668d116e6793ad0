"""Files that members send: which are worth reading as text, and what they say. Pure functions."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import Final

LARGEST_FILE: Final = 1 << 18
"""Bytes of the largest text file that is downloaded to read its beginning."""

_TYPES: Final = ("json", "xml", "yaml", "toml", "javascript", "typescript", "sql", "x-sh")
_NAME: Final = re.compile(
    r"\.(c|cfg|conf|cpp|cs|css|csv|diff|go|h|hpp|html|ini|java|js|json|jsonl|kt|log|lua|md|patch|php"
    r"|pl|py|rb|rs|rst|sh|sql|swift|tex|toml|ts|tsv|txt|xml|yaml|yml)",
    re.IGNORECASE,
)
_UNKNOWN: Final = ("", "application/octet-stream")


def is_text_file(name: str, media_type: str) -> bool:
    """Whether a file is worth reading as text, by what its platform says of it."""
    kind = media_type.partition(";")[0].strip().lower()
    if kind.startswith("text/") or any(word in kind for word in _TYPES):
        return True
    return kind in _UNKNOWN and _NAME.fullmatch(PurePosixPath(name).suffix) is not None


def decoded(data: bytes) -> str | None:
    """A file's text, read leniently as UTF-8, or None for a file that is none."""
    return None if b"\0" in data else data.decode("utf-8-sig", errors="replace")
