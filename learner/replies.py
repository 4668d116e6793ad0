"""What can be seen of replies without understanding them: do they end, repeat, misbehave?"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

_SHORT: Final = 12
"""Words below which a reply is too short to be called repetitive."""


@dataclass(frozen=True, slots=True)
class Written:
    """A sample reply, and whether it came to its end by itself."""

    text: str
    ended: bool


@dataclass(frozen=True, slots=True)
class Samples:
    """What was seen of `count` sample replies; the other figures are shares of it, 0 to 1."""

    count: int
    ending: float
    repeating: float
    empty: float
    banned: float
    shouting: float

    def to_json(self) -> dict[str, Any]:
        """JSON-ready."""
        return {name: round(getattr(self, name), 4) for name in self.__slots__}


def look_at(replies: Sequence[Written], banned_words: Sequence[str] = ()) -> Samples:
    """Count what can be counted."""
    count = len(replies)
    whole = (rf"(?<!\w){re.escape(word)}(?!\w)" for word in banned_words)
    banned = re.compile("|".join(whole) or r"(?!)", re.IGNORECASE)
    return Samples(
        count=count,
        ending=sum(r.ended for r in replies) / max(1, count),
        repeating=sum(repeats(r.text) for r in replies) / max(1, count),
        empty=sum(not r.text.strip() for r in replies) / max(1, count),
        banned=sum(bool(banned.search(r.text)) for r in replies) / max(1, count),
        shouting=sum(shouts(r.text) for r in replies) / max(1, count),
    )


def repeats(text: str) -> bool:
    """Whether a reply goes in circles: a third of its runs of three words have stood there before.

    Ordinary text of chat length stays below a tenth (the "rep-3" of Welleck et al., 2020).
    """
    words = re.findall(r"\w+|[^\w\s]", text.casefold())
    if len(words) < _SHORT:
        return False
    runs = Counter(zip(words, words[1:], words[2:], strict=False))
    return 1 - len(runs) / runs.total() > 1 / 3


def shouts(text: str) -> bool:
    """Whether a reply tries to call everybody."""
    return re.search(r"@(everyone|here|all|channel)\b", text, re.IGNORECASE) is not None


def distinct(replies: Sequence[str], n: int) -> float:
    """Distinct-n (Li et al., 2016): how many of all runs of n words are different, 0 to 1."""
    runs: Counter[tuple[str, ...]] = Counter()
    for reply in replies:
        words = reply.casefold().split()
        runs.update(tuple(words[i : i + n]) for i in range(len(words) - n + 1))
    return len(runs) / max(1, runs.total())
