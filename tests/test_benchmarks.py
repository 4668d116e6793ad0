"""The page of the benchmarks: what gave a table stands above it."""

from __future__ import annotations

import re
from argparse import Namespace
from pathlib import Path

from benchmarks import generator


def test_the_page_shows_the_command_that_gave_its_table() -> None:
    page = generator.PAGE.read_text(encoding="utf-8")
    found = re.search(
        r"(\d+) threads\).*: (\d+) chats, greedy, at most (\d+) tokens, (\d+) runs", page
    )
    assert found
    threads, chats, tokens, runs = found.groups()
    options = Namespace(chats=chats, tokens=tokens, runs=runs, threads=threads, model="embedded")
    assert f"{generator.BEGIN}\n`{generator.command(options)}`\n" in page


def test_a_new_table_replaces_the_old_one_and_nothing_else(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    generator.write("first", page)
    page.write_text(f"# Mine\n\n{page.read_text()}\nafter\n")
    generator.write("second", page)
    text = page.read_text()
    assert "first" not in text
    assert f"{generator.BEGIN}\nsecond\n{generator.END}\n" in text
    assert text.startswith("# Mine\n")
    assert text.endswith("\nafter\n")
