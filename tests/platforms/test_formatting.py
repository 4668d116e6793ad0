"""Text on its way out."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.platforms.formatting import harmless, split


@pytest.mark.parametrize(
    ("text", "out"),
    [
        ("hello\n\tthere", "hello\n\tthere"),
        ("a\x1b[2Jb\x07c\x00", "a[2Jbc"),
        ("@everyone @Here @heretic", "@\u200beveryone @\u200bHere @\u200bheretic"),
        ("mail@home", "mail@home"),
        ("left\u202eright", "leftright"),
    ],
)
def test_harmless(text: str, out: str) -> None:
    assert harmless(text) == out


def test_short_text_is_one_part() -> None:
    assert split("hello", 10) == ["hello"]
    assert split("x" * 5000, 0) == ["x" * 5000]


def test_cuts_at_paragraphs_then_lines_then_words() -> None:
    assert split("one two.\n\nthree four", 14) == ["one two.", "three four"]
    assert split("one two three", 9) == ["one two ", "three"]


def test_code_blocks_are_closed_and_opened_again() -> None:
    code = "\n".join(f"line {n}" for n in range(30))
    parts = split(f"Look:\n```python\n{code}\n```\ndone", 100)
    assert len(parts) > 2
    for part in parts:
        assert len(part) <= 100
        assert part.count("```") % 2 == 0
    assert all(part.startswith("```python\n") for part in parts[1:-1])
    joined = "\n".join(parts)
    assert [n for n in range(30) if f"line {n}" in joined] == list(range(30))


@pytest.mark.parametrize(
    ("opened", "closed"),
    [
        ("   ```python", "   ```"),  # in a list
        ("````md\n```", "````"),  # a fence that is quoted inside another
        ("~~~", "~~~"),
    ],
)
def test_whatever_opens_a_block_is_closed_and_opened_again(opened: str, closed: str) -> None:
    code = "\n".join(f"line {n}" for n in range(30))
    parts = split(f"- Look:\n{opened}\n{code}\n{closed}\ndone", 100)
    assert len(parts) > 2
    first = opened.partition("\n")[0]
    assert all(part.startswith(f"{first}\n") for part in parts[1:-1])
    assert all(part.endswith(f"\n{closed}") for part in parts[:-1])


def test_code_within_a_line_opens_no_block() -> None:
    parts = split("```print(1)``` does it. " + "Words and more words. " * 10, 60)
    assert len(parts) > 3
    assert "".join(parts).count("```") == 2


@pytest.mark.parametrize("one", ["👍🏽", "🇩🇪", "👩\u200d💻", "✌\ufe0f", "e\u0301"])
@pytest.mark.parametrize("before", ["", "x"])
def test_emoji_are_not_parted(one: str, before: str) -> None:
    parts = split(before + one * 40, 25)
    assert len(parts) > 1
    assert all(part.removeprefix(before).replace(one, "") == "" for part in parts)


@given(st.text(alphabet="ab \n.`~é👍", max_size=300), st.integers(40, 80))
def test_parts_fit_and_lose_nothing_but_space(text: str, most: int) -> None:
    parts = split(text, most)
    assert all(len(part) <= most for part in parts)
    if "```" not in text and "~~~" not in text:
        squeeze = str.maketrans("", "", " \n")
        assert "".join(parts).translate(squeeze) == text.translate(squeeze)
