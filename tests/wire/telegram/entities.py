"""Texts as Telegram measures and marks them: in UTF-16 units.

https://core.telegram.org/bots/api#messageentity. The rules are those of the page, which are
stricter than what the real server lets pass.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import combinations
from typing import Any, Final

from tests.wire.telegram.refusals import Json, blunder

LONGEST: Final = 4096
LONGEST_CAPTION: Final = 1024
MOST_ENTITIES: Final = 100
"""Telegram drops the rest without a word."""

_SPANS: Final = {"bold", "italic", "underline", "strikethrough", "spoiler"}
_QUOTES: Final = {"blockquote", "expandable_blockquote"}
_CODES: Final = {"pre", "code"}
_NEEDS: Final = {"text_link": "url", "text_mention": "user", "custom_emoji": "custom_emoji_id"}
_OTHERS: Final = {
    "mention",
    "hashtag",
    "cashtag",
    "bot_command",
    "url",
    "email",
    "phone_number",
    "date_time",
}
_DETECTED: Final = (
    ("mention", re.compile(r"(?<![\w@/])@[A-Za-z]\w{3,31}\b")),
    ("bot_command", re.compile(r"(?<![\w/])/[A-Za-z0-9_]{1,64}(?:@[A-Za-z]\w{3,31})?\b")),
    ("url", re.compile(r"https?://[^\s<>\"]+")),
)


def units(text: str) -> int:
    """The length of a text in UTF-16 units."""
    return len(text.encode("utf-16-le")) // 2


def piece(text: str, entity: Json) -> str:
    """The part of a text that an entity covers."""
    at = 2 * entity["offset"]
    raw = text.encode("utf-16-le")[at : at + 2 * entity["length"]]
    return raw.decode("utf-16-le")


def check(text: str, entities: Sequence[Any]) -> None:
    """Refuse entities that leave the text, cut a character, or overlap as they must not."""
    edges = _edges(text)
    for entity in entities:
        _check_shape(entity)
        start, end = _span(entity)
        if start < 0 or end <= start or end > units(text):
            raise blunder(f"ENTITY_BOUNDS_INVALID: {entity} in {units(text)} units")
        if start not in edges or end not in edges:
            raise blunder(f"entity {entity} begins or ends in the middle of a UTF-16 symbol")
    for one, other in combinations(entities, 2):
        _check_pair(one, other)


def trimmed(text: str, entities: Sequence[Json]) -> tuple[str, list[Json]]:
    """The text without white space around it, as Telegram keeps it, and its entities moved."""
    kept = text.rstrip()
    front = units(kept) - units(kept.lstrip())
    kept = kept.lstrip()
    moved = []
    for entity in entities[:MOST_ENTITIES]:
        start = max(0, entity["offset"] - front)
        end = min(units(kept), entity["offset"] + entity["length"] - front)
        if end > start:
            moved.append(entity | {"offset": start, "length": end - start})
    return kept, moved


def detected(text: str, entities: Sequence[Json]) -> list[Json]:
    """What Telegram marks by itself: mentions, commands and addresses outside code and links."""
    taken = [_span(e) for e in entities if e["type"] in _CODES or e["type"] in _NEEDS]
    found = []
    for kind, pattern in _DETECTED:
        for match in pattern.finditer(text):
            start = units(text[: match.start()])
            end = start + units(match.group())
            if not any(start < last and first < end for first, last in taken):
                found.append({"type": kind, "offset": start, "length": end - start})
    return found


def _edges(text: str) -> set[int]:
    edges, at = {0}, 0
    for character in text:
        at += units(character)
        edges.add(at)
    return edges


def _span(entity: Json) -> tuple[int, int]:
    return entity["offset"], entity["offset"] + entity["length"]


def _check_shape(entity: Any) -> None:
    if not isinstance(entity, dict):
        raise blunder("expected an Object as an entity")
    kind = entity.get("type")
    if kind not in _SPANS | _QUOTES | _CODES | set(_NEEDS) | _OTHERS:
        raise blunder(f"unknown type of entity: {kind}")
    if any(type(entity.get(field)) is not int for field in ("offset", "length")):
        raise blunder(f"entity {entity} needs whole numbers as offset and length")
    if kind in _NEEDS and not entity.get(_NEEDS[kind]):
        raise blunder(f"entity {kind} needs {_NEEDS[kind]}")
    if kind == "text_link" and not re.match(r"(https?://|tg://|ton://|mailto:)\S+$", entity["url"]):
        raise blunder(f"wrong link: {entity['url']}")


def _check_pair(one: Json, other: Json) -> None:
    """Entities are apart, or one lies within the other and may."""
    (a, b), (c, d) = _span(one), _span(other)
    if b <= c or d <= a:
        return
    kinds = {one["type"], other["type"]}
    nested = (a <= c and d <= b) or (c <= a and b <= d)
    if kinds & _CODES:
        legal = nested and bool(kinds & _QUOTES)
    elif kinds <= _QUOTES:
        legal = False
    else:
        legal = nested and bool(kinds & (_SPANS | _QUOTES)) and len(kinds) == 2
    if not legal:
        raise blunder(f"entities {one} and {other} must not overlap")
