"""Prose and code are told apart."""

from __future__ import annotations

import pytest

from bot.console.blocks import Block, blocks, spans


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("Hello\nthere", [Block("Hello\nthere")]),
        (
            "See:\n```python\n  x = 1\n```\nDone",
            [Block("See:"), Block("  x = 1", True), Block("Done")],
        ),
        ("```\nopen\n", [Block("open", True)]),
        ("~~~\n```\n~~~\nend", [Block("```", True), Block("end")]),
        ("a ``` b", [Block("a ``` b")]),
        ("```\n```", []),
    ],
)
def test_blocks(text: str, expected: list[Block]) -> None:
    assert blocks(text) == expected


@pytest.mark.parametrize(
    ("prose", "expected"),
    [
        ("plain", [Block("plain")]),
        ("use `a b`.", [Block("use "), Block("a b", True), Block(".")]),
        ("`a``b`", [Block("a", True), Block("b", True)]),
        ("a ` b", [Block("a ` b")]),
        ("a `\n` b", [Block("a `\n` b")]),
    ],
)
def test_spans(prose: str, expected: list[Block]) -> None:
    assert spans(prose) == expected
