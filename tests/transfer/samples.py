"""Files to import, and stores to export from."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from bot.domain import Prompt, Turn
from bot.store.database import Database
from bot.transfer.lines import Example, clean, clean_name


def line(reply: str = "Hello!", **fields: Any) -> str:
    """A line that can be imported."""
    messages = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": reply}]
    return json.dumps({"messages": messages, **fields})


def written(folder: Path, *lines: str | bytes, name: str = "in.jsonl") -> Path:
    """A file with these lines."""
    file = folder / name
    file.write_bytes(b"\n".join(x if isinstance(x, bytes) else x.encode() for x in lines))
    return file


@asynccontextmanager
async def store(file: Path) -> AsyncIterator[Database]:
    """A database of its own, for tests that need several."""
    database = await Database.open(f"sqlite+aiosqlite:///{file}")
    try:
        yield database
    finally:
        await database.close()


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40).map(clean)
SPOKEN = TEXT.filter(str.strip)
TURNS = st.lists(
    st.builds(Turn, st.just("user"), SPOKEN, TEXT.map(clean_name))
    | st.builds(Turn, st.just("assistant"), SPOKEN),
    min_size=1,
    max_size=5,
).filter(lambda turns: any(turn.role == "user" for turn in turns))
LABEL = TEXT.map(lambda text: " ".join(text.split()) or "import")
EXAMPLES = st.builds(
    Example,
    st.builds(Prompt, TEXT, TURNS.map(tuple)),
    SPOKEN,
    LABEL,
    LABEL,
    st.sampled_from([1, -1, None]),
    TEXT.map(str.strip),
)
"""Any example that a line can hold."""
