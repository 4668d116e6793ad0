"""What a simulated community may like: each taste is a pure judgement of a reply's text.

The learner is never told the taste; all it sees is who liked which reply.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Taste:
    """A taste.

    Attributes:
        name: how it is chosen on the command line.
        meaning: what it likes, in words.
        likes: whether it likes a reply.
        mend: how a moderator of this taste would correct a reply; the result is liked.
    """

    name: str
    meaning: str
    likes: Callable[[str], bool]
    mend: Callable[[str], str]


SHORT: Final = 25
"""Words of a short reply, at most."""

BRIEF: Final = 15

_ENDS: Final = (".", "!", "?")
_CONTRACTION: Final = re.compile(r"\w['’](?:s|m|d|t|re|ve|ll)\b", re.IGNORECASE)
_ITEM: Final = re.compile(r"^\s*(?:[-*•]|\d+[.)])\s+\S", re.MULTILINE)
_EMOJI: Final = re.compile("[\u2600-\u27bf\U0001f300-\U0001faff]")


def sentences(text: str) -> list[str]:
    """The sentences of a text, each with its closing mark; an unfinished last one is left out."""
    return [part.strip() for part in re.findall(r"[^.!?]+[.!?]+", text)]


def count_words(text: str) -> int:
    """How many words a text has."""
    return len(text.split())


def _asks(text: str) -> bool:
    return text.endswith("?") and count_words(text) <= SHORT


def _is_brief(text: str) -> bool:
    one = re.fullmatch(r"[^.!?]*[.!?]", text) is not None
    return one and 0 < count_words(text) <= BRIEF


def _cheers(text: str) -> bool:
    return text.endswith("!") and count_words(text) <= SHORT


def _is_formal(text: str) -> bool:
    plain = not (_CONTRACTION.search(text) or _EMOJI.search(text) or "!" in text)
    return plain and text.endswith(".") and count_words(text) <= SHORT


def _lists(text: str) -> bool:
    return len(_ITEM.findall(text)) >= 2


def _beginning(text: str, most: int) -> str:
    """The first sentence of a text, cut to a number of words and without its closing mark."""
    first = (sentences(text) or [text])[0]
    return " ".join(first.split()[:most]).rstrip(" .,;:!?")


TASTES: Final[dict[str, Taste]] = {
    taste.name: taste
    for taste in (
        Taste(
            "question",
            f"short replies (at most {SHORT} words) that end with a question",
            _asks,
            lambda text: f"{_beginning(text, SHORT - 8)}. What about you?",
        ),
        Taste(
            "brief",
            f"a single sentence of at most {BRIEF} words",
            _is_brief,
            lambda text: f"{_beginning(text, BRIEF)}.",
        ),
        Taste(
            "cheerful",
            f"short replies (at most {SHORT} words) that end with an exclamation mark",
            _cheers,
            lambda text: f"{_beginning(text, SHORT)}!",
        ),
        Taste(
            "formal",
            f"short replies (at most {SHORT} words) without contractions, emoji or exclamations",
            _is_formal,
            lambda text: f"{_plain(_beginning(text, SHORT))}.",
        ),
        Taste(
            "listy",
            "replies with a list of two points or more",
            _lists,
            lambda text: "\n".join(f"- {part}" for part in [*sentences(text), "So", "Yes"][:2]),
        ),
    )
}
"""The tastes to choose from, by name."""

DEFAULT: Final = "question"


def _plain(text: str) -> str:
    """The text without what a formal reply must not have."""
    whole = re.sub(r"(\w)['’](s|m|d|t|re|ve|ll)\b", r"\1 \2", text, flags=re.IGNORECASE)
    return _EMOJI.sub("", whole).replace("!", "")
