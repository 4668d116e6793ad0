"""Markdown as Telegram shows it: nothing is lost, nothing pings, every mark is where it belongs."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.platforms.formatting import split, utf16
from bot.platforms.telegram.entities import MAX_UNITS, Mark, Rendered, measure, plain, render


def marked(rendered: Rendered) -> dict[str, list[str]]:
    """The stretches of text under each kind of mark."""
    found: dict[str, list[str]] = {}
    units = rendered.text.encode("utf-16-le")
    for mark in rendered.marks:
        piece = units[mark.offset * 2 : mark.end * 2].decode("utf-16-le")
        found.setdefault(mark.kind, []).append(piece)
    return found


@pytest.mark.parametrize(
    ("markdown", "text", "marks"),
    [
        ("a **b** c", "a b c", {"bold": ["b"]}),
        ("😀 *x* and `y*z`", "😀 x and y*z", {"italic": ["x"], "code": ["y*z"]}),
        ("```python\nprint(1)\n```", "print(1)", {"pre": ["print(1)"]}),
        ("- one\n- two", "• one\n• two", {}),
        ("1. one\n2. two", "1. one\n2. two", {}),
        ("# Title\n\nmore", "Title\n\nmore", {"bold": ["Title"], "underline": ["Title"]}),
        ("a_snake_case name", "a_snake_case name", {}),
        ("**never closed", "**never closed", {}),
        ("List<int> and <b>x</b>", "List<int> and <b>x</b>", {}),
        ("**a `b` c**", "a b c", {"bold": ["a ", " c"], "code": ["b"]}),
        ("> said\n\nyes", "said\n\nyes", {"blockquote": ["said"]}),
        ("  \n\nspace  \n", "space", {}),
    ],
)
def test_markdown_becomes_text_and_marks(
    markdown: str, text: str, marks: dict[str, list[str]]
) -> None:
    rendered = render(markdown)
    assert rendered.text == text
    assert marked(rendered) == marks


def test_a_code_block_keeps_its_language_if_it_is_one() -> None:
    assert render("```c++\nx\n```").marks[0].language == "c++"
    assert render("```what a language\nx\n```").marks[0].language == "what"


@pytest.mark.parametrize(
    ("markdown", "url"),
    [
        ("[here](https://example.org/a)", "https://example.org/a"),
        ("[mail](mailto:ana@example.org)", "mailto:ana@example.org"),
        ("[ana](tg://user?id=5)", None),
        ("[x](javascript:alert(1))", None),
        ("[x](/relative)", None),
        ("[✏️](https://t.me/thumbwise_bot?start=better-5)", None),
    ],
)
def test_links_are_kept_if_they_ping_nobody_and_pretend_nothing(
    markdown: str, url: str | None
) -> None:
    links = [mark.url for mark in render(markdown).marks if mark.kind == "text_link"]
    assert links == ([url] if url else [])


def test_names_ping_nobody_but_code_and_mail_stay_as_they_are() -> None:
    rendered = render("hi @ana **bold** `@decorator` ana@example.org @bo")
    assert "@ana" not in rendered.text
    assert "@bo" not in rendered.text
    assert "ana@example.org" in rendered.text
    assert marked(rendered) == {"bold": ["bold"], "code": ["@decorator"]}
    assert plain("@ana").text == "@\u200bana"


def test_a_table_too_wide_for_a_message_is_sent_as_it_was_written() -> None:
    rows = [f"| {'x' * 150} | y |", *["| z | z |"] * 100]
    table = "\n".join(["| a | b |", "|---|---|", *rows])
    assert split(table, MAX_UNITS, measure) == [table]
    assert render(table) == plain(table)


def test_a_text_that_formatting_makes_a_little_longer_is_split_and_not_sent_plain() -> None:
    text = "**bold**\n" + "@annabelle hello\n" * 240
    assert utf16(text) < MAX_UNITS < measure(text)
    parts = split(text, MAX_UNITS, measure)
    assert all("**" not in render(part).text for part in parts)


_PIECES = (
    *("**", "*", "_", "`", "```\n", "```py\n", "||", "~~", "[", "](https://a.b)", "> ", "\n"),
    *("\n\n", "# ", "- ", "1. ", "|", "---", "<b>", "@ana ", "😀", "word ", "$", "\\(", "é"),
)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.sampled_from(_PIECES),
        max_size=40,
    ).map("".join)
)
def test_whatever_the_model_writes_can_be_sent(markdown: str) -> None:
    for part in split(markdown, MAX_UNITS, measure):
        rendered = render(part)
        length = utf16(rendered.text)
        assert length <= MAX_UNITS
        assert bool(rendered.text) == bool(plain(part).text)
        assert rendered.text == rendered.text.strip()
        code = [mark for mark in rendered.marks if mark.kind in ("code", "pre")]
        for mark in rendered.marks:
            assert mark.offset >= 0
            assert mark.length > 0
            assert mark.end <= length
            assert mark in code or mark.kind == "blockquote" or not _overlaps(mark, code)
        marked(rendered)  # decodes: no mark cuts an emoji in two


@settings(max_examples=20, deadline=None)
@given(st.text("ab *_`|\n😀<>", min_size=3000, max_size=9000))
def test_long_texts_are_split_so_that_every_part_fits_formatted(text: str) -> None:
    for part in split(text, MAX_UNITS, measure):
        assert measure(part) <= MAX_UNITS


def _overlaps(mark: Mark, others: list[Mark]) -> bool:
    return any(mark.offset < other.end and other.offset < mark.end for other in others)
