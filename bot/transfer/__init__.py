"""Conversations and ratings in and out of the store, as JSONL: one exchange a line.

    {"messages": [{"role", "content"[, "name"]}, ...], "rating": 1|-1|null,
     "channel": ..., "rater": ..., "correction": ...}

The last message is the reply; a first message of the role "system" is the persona. Channels and
raters that came from a platform are exported under a number, not under the platform's ids.
"""

from __future__ import annotations

from bot.transfer.lines import Example, Problem, read_lines
from bot.transfer.reading import Heard, ImportResult, import_file
from bot.transfer.writing import export_file

__all__ = [
    "Example",
    "Heard",
    "ImportResult",
    "Problem",
    "export_file",
    "import_file",
    "read_lines",
]
