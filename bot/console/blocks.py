"""A text in blocks of prose and code, for pages that show words and never markup. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

_FENCE: Final = re.compile(r"^[ \t]*(```|~~~)[^\n`]*$", re.MULTILINE)


_INLINE: Final = re.compile(r"`([^`\n]+)`")


@dataclass(frozen=True, slots=True)
class Block:
    """Some prose, or some code without its fences."""

    text: str
    code: bool = False


def blocks(text: str) -> list[Block]:
    """The text's blocks, in order; a code block that is left open reaches to the end."""
    found: list[Block] = []
    at, fence = 0, ""
    for match in _FENCE.finditer(text):
        if fence and match[1] != fence:
            continue
        _add(found, text[at : match.start()], code=bool(fence))
        at, fence = match.end(), "" if fence else match[1]
    _add(found, text[at:], code=bool(fence))
    return found


def spans(prose: str) -> list[Block]:
    """A prose block's pieces, in order: code is what stands between two backticks of a line."""
    found: list[Block] = []
    for at, piece in enumerate(_INLINE.split(prose)):
        if piece:
            found.append(Block(piece, code=at % 2 == 1))
    return found


def _add(found: list[Block], text: str, *, code: bool) -> None:
    text = text.strip("\n") if code else text.strip()
    if text:
        found.append(Block(text, code))
