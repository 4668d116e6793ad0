"""Text on its way out: made harmless, and split without breaking it. Pure functions."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""Control characters (terminal escapes among them) and direction overrides; not tab or newline."""

_EVERYONE: Final = re.compile(r"@(?=everyone|here)", re.IGNORECASE)
_FENCE: Final = re.compile(r"^( {0,8})(`{3,8}|~{3,8})(?![`~])([^`\n]*)$", re.MULTILINE)
"""A line that opens or closes a code block, also in a list; "```x```" in one line does neither."""


def readable(text: str) -> str:
    """The text as it may be stored and read: no control characters, no halves of characters."""
    return _CONTROL.sub("", text).encode("utf-8", errors="replace").decode()


def harmless(text: str) -> str:
    """The readable text, with @everyone and @here broken so that they ping nobody anywhere."""
    return _EVERYONE.sub("@\u200b", readable(text))


def utf16(text: str) -> int:
    """The length of a text in UTF-16 units, as Telegram and JavaScript measure it."""
    return len(text) + sum(character > "\uffff" for character in text)


def split(text: str, most: int, length: Callable[[str], int] = len) -> list[str]:
    """The text in parts that `length` measures as at most `most` (0: in one part).

    Cuts fall at the last paragraph, line, sentence or word that fits. A code block that is cut is
    closed in one part and opened again, with its language, in the next.
    """
    if most <= 0 or length(text) <= most:
        return [text]
    parts: list[str] = []
    opening, rest = "", text
    closing = max((len(f"\n{indent}{mark}") for indent, mark, _ in _FENCE.findall(text)), default=0)
    while rest:
        if length(opening) + closing > most // 2:
            opening, closing = "", 0  # no room for fences in messages that are so short
        room = most - length(opening)
        if length(rest) <= room:
            parts.append(opening + rest)
            break
        at = _cut(rest, _reach(rest, room - closing, length))  # the part may end inside a block
        part = opening + rest[:at].rstrip("\n")
        rest = rest[at:].lstrip("\n")
        mark, language = _open_block(part) if closing else ("", "")
        parts.append(f"{part}\n{mark}" if mark else part)
        opening = f"{mark}{language}\n" if mark else ""
    return [part for part in parts if part.strip()] or [""]


def _reach(text: str, room: int, length: Callable[[str], int]) -> int:
    """How many characters of the text, at least one, `length` measures as at most `room`."""
    at = min(room, len(text))
    while at > 1 and (surplus := length(text[:at]) - room) > 0:
        at = max(1, at - max(1, surplus // 2))
    return at


def _cut(text: str, room: int) -> int:
    if len(text) <= room:
        return len(text)
    for mark in ("\n\n", "\n", ". ", "! ", "? ", " "):
        found = text.rfind(mark, room // 2, room)
        if found > 0:
            return found + len(mark)
    at = room
    while at > 1 and _joined(text, at):
        at -= 1
    return at


def _joined(text: str, at: int) -> bool:
    """Whether a cut here would part a character from what modifies it (emoji, accents, flags)."""
    if text[at] in _FLAGS:
        before = len(text[:at]) - len(text[:at].rstrip(_FLAGS))
        return before % 2 == 1  # two letters make a flag
    return (
        text[at] in "\u200d\ufe0e\ufe0f\u20e3"
        or text[at - 1] == "\u200d"
        or "\u0300" <= text[at] <= "\u036f"
        or "\U0001f3fb" <= text[at] <= "\U0001f3ff"
        or "\U000e0020" <= text[at] <= "\U000e007f"
    )


_FLAGS: Final = "".join(map(chr, range(0x1F1E6, 0x1F200)))
"""The letters that flags are spelled with."""


def _open_block(text: str) -> tuple[str, str]:
    """The fence, with its indent, and the language of a block that the text leaves open, or ""."""
    margin = mark = language = ""
    for indent, fence, rest in _FENCE.findall(text):
        if not mark:
            margin, mark, language = indent, fence, rest.strip()[:20]
        elif fence.startswith(mark) and not rest.strip():
            margin = mark = language = ""
    return margin + mark, language
