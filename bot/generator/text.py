"""What of a reply may be shown while it is still being written. Pure text, no torch.

Three things can still change the end of a text in progress: a stop string that has only half
appeared, a banned word that may yet become another word, and white space that is stripped if
nothing follows it. All three are held back, so that what has been shown never has to be unsaid, and
the pieces joined are the finished text exactly.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

MASK: Final = "*"
"""Stands for each character of a banned word."""

_HIDING: Final = (
    r"\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u180e\u200b\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff"
)
_UNSEEN: Final = re.compile(
    rf"(?<=[A-Za-z\u00c0-\u052f])[{_HIDING}\u200c\u200d]+|[{_HIDING}]"  # these two join emoji
)
"""What nobody sees, so that it cannot part a word and hide it from these rules."""

_HALF: Final = "\N{REPLACEMENT CHARACTER}"
"""What a tokenizer decodes the first bytes of an unfinished character to."""


@dataclass(frozen=True, slots=True)
class Shown:
    """The part of a text that may be shown, and whether a stop string has ended it."""

    text: str
    stopped: bool


class Rules:
    """What ends a reply and what must not stand in it.

    `stop` strings end the text before their first appearance. `banned` words, whole and in any
    case, are masked: sampling already avoids them, this is the guarantee. Characters that nobody
    sees are taken out before either is looked for.
    """

    def __init__(self, stop: Sequence[str], banned: Sequence[str]) -> None:
        self._stop = tuple(filter(None, stop))
        words = sorted(filter(None, banned), key=len, reverse=True)
        self._longest = len(words[0]) if words else 0
        self._banned = re.compile("|".join(map(_whole, words)) or r"(?!)", re.IGNORECASE)

    def shown(self, raw: str, *, done: bool) -> Shown:
        """What may be shown of `raw`, all that the model has written so far.

        For a longer `raw` the result only ever grows at its end. `done` tells that nothing follows.
        """
        raw = _UNSEEN.sub("", raw).rstrip(_HALF)
        ends = [at for at in (raw.find(stop) for stop in self._stop) if at >= 0]
        if ends:
            raw, done = raw[: min(ends)], True
        masked = self._banned.sub(lambda found: MASK * len(found[0]), raw)
        limit = len(raw)
        if not done:
            # Both: a stop string may end the text right behind a word, and so make it a whole one.
            limit -= self._half_stop(raw) + self._longest
        return Shown(masked[: max(0, limit)].strip(), bool(ends))

    def _half_stop(self, raw: str) -> int:
        """How many characters at the end may be the beginning of a stop string."""
        sizes = (
            size
            for stop in self._stop
            for size in range(min(len(stop) - 1, len(raw)), 0, -1)
            if raw.endswith(stop[:size])
        )
        return max(sizes, default=0)


def _whole(word: str) -> str:
    # \b would demand a word character at the edge of "c++" too; only word characters need a border.
    before = r"(?<!\w)" if re.match(r"\w", word) else ""
    after = r"(?!\w)" if re.match(r"\w", word[-1]) else ""
    return f"{before}{re.escape(word)}{after}"
