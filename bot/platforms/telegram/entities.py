"""Markdown as Telegram shows it: plain text, and marks that say what is bold, code or a link.

Pure. Marks instead of a parse mode: no text can be misread as formatting, whatever it holds.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

from telegramify_markdown import RenderConfig, convert

from bot.platforms.formatting import utf16

MAX_UNITS: Final = 4096
"""Telegram's longest message, in UTF-16 units."""

BETTER_LINK: Final = "start=better-"
"""Part of the link by which a request for a better answer names its exchange."""

_STYLES: Final = frozenset({"bold", "italic", "underline", "strikethrough", "spoiler", "text_link"})
_CODE: Final = frozenset({"code", "pre"})
_BLOCKS: Final = frozenset({"blockquote", "expandable_blockquote"})
_LINK: Final = re.compile(r"(https?://[^\s/]|mailto:[^\s@]+@)\S+", re.IGNORECASE)
_LANGUAGE: Final = re.compile(r"[\w+#.-]{1,30}")
_MENTION: Final = re.compile(r"(?<![\w@])@(?=\w)")
_LESS: Final = "\ue000"
"""Stands for "<" while Markdown is read: replies talk of List<int> and mean no HTML."""


def _symbols() -> RenderConfig:
    config = RenderConfig.isolated()
    symbol = config.markdown_symbol
    symbol.heading_level_1 = symbol.heading_level_2 = ""
    symbol.heading_level_3 = symbol.heading_level_4 = ""
    symbol.image = symbol.link = ""
    symbol.unordered_list_item = "•"
    symbol.task_uncompleted = "☐"
    config.cite_expandable = False
    return config


_CONFIG: Final = _symbols()


@dataclass(frozen=True, slots=True)
class Mark:
    """How a stretch of text looks, or whom it names; `offset` and `length` count UTF-16 units."""

    kind: str
    offset: int
    length: int
    url: str = ""
    language: str = ""
    user: int | None = None

    @property
    def end(self) -> int:
        """Where the stretch ends."""
        return self.offset + self.length


@dataclass(frozen=True, slots=True)
class Rendered:
    """A text with its marks. It pings nobody, unless its marks name somebody."""

    text: str
    marks: tuple[Mark, ...] = ()

    def unmarked(self) -> Rendered:
        """The same text without formatting."""
        return plain(self.text)


def plain(text: str) -> Rendered:
    """A text as it is, except that it pings nobody."""
    return Rendered(_unpinged(text.strip(), ()).text)


def render(markdown: str) -> Rendered:
    """Markdown as text and marks; what does not fit a message comes as it was written."""
    formatted = _formatted(markdown)
    fits = 0 < utf16(formatted.text) <= MAX_UNITS
    return formatted if fits else plain(markdown)


def measure(markdown: str) -> int:
    """How long a message the Markdown needs, formatted or as it is, in UTF-16 units.

    A text that formatting makes much longer (a table with one wide cell) is not worth splitting
    for that: it counts as it is, and is sent as it is.
    """
    units = utf16(markdown)
    formatted = utf16(_formatted(markdown).text)
    return max(units, formatted) if formatted <= units + units // 8 + 16 else units


@lru_cache(maxsize=64)
def _formatted(markdown: str) -> Rendered:
    text, found = convert(markdown.replace("<", _LESS), latex_escape=False, config=_CONFIG)
    marks = [
        Mark(one.type, one.offset, one.length, one.url or "", one.language or "") for one in found
    ]
    return _unpinged(*_trimmed(text.replace(_LESS, "<"), _allowed(marks)))


def _allowed(marks: Iterable[Mark]) -> list[Mark]:
    """The marks that Telegram knows and that do no harm: nothing overlaps code, no odd links."""
    marks = list(marks)
    code = sorted((m for m in marks if m.kind in _CODE), key=lambda mark: mark.offset)
    kept = []
    for mark in marks:
        language = _LANGUAGE.match(mark.language if mark.kind == "pre" else "")
        if mark.kind in _CODE or mark.kind in _BLOCKS:
            kept.append(
                replace(
                    mark, url="", language=language[0] if language and mark.kind == "pre" else ""
                )
            )
        elif mark.kind == "text_link" and not _harmless_link(mark.url):
            continue
        elif mark.kind in _STYLES:
            kept += _around(replace(mark, language=""), code)
    return kept


def _harmless_link(url: str) -> bool:
    return _LINK.fullmatch(url) is not None and BETTER_LINK not in url


def _around(mark: Mark, code: Iterable[Mark]) -> Iterator[Mark]:
    """The parts of a mark outside of code."""
    start = mark.offset
    for hole in code:
        if hole.end <= start or hole.offset >= mark.end:
            continue
        if hole.offset > start:
            yield replace(mark, offset=start, length=hole.offset - start)
        start = hole.end
    if start < mark.end:
        yield replace(mark, offset=start, length=mark.end - start)


def _trimmed(text: str, marks: Iterable[Mark]) -> tuple[str, list[Mark]]:
    """The text without space around it, as Telegram would cut it, and its marks."""
    before = utf16(text) - utf16(text.lstrip())
    text = text.strip()
    length = utf16(text)
    kept = []
    for mark in marks:
        start, end = max(mark.offset - before, 0), min(mark.end - before, length)
        if end > start:
            kept.append(replace(mark, offset=start, length=end - start))
    return text, kept


def _unpinged(text: str, marks: Iterable[Mark]) -> Rendered:
    """The text with an invisible break in each @name, but not in code, where none pings."""
    marks = list(marks)
    code = [mark for mark in marks if mark.kind in _CODE]
    parts, breaks, last = [], [], 0
    for found in _MENTION.finditer(text):
        at = utf16(text[: found.end()])
        if any(mark.offset < at <= mark.end for mark in code):
            continue
        parts += [text[last : found.end()], "\u200b"]
        breaks.append(at)
        last = found.end()
    parts.append(text[last:])

    def moved(offset: int) -> int:
        return offset + sum(at < offset for at in breaks)

    return Rendered(
        "".join(parts),
        tuple(
            replace(mark, offset=moved(mark.offset), length=moved(mark.end) - moved(mark.offset))
            for mark in marks
        ),
    )
