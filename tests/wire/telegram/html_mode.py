"""`parse_mode` HTML: a text with tags becomes a text with entities. Other modes are refused."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Final

from tests.wire.telegram.entities import units
from tests.wire.telegram.refusals import Json, blunder

_TAGS: Final = {
    "b": "bold",
    "strong": "bold",
    "i": "italic",
    "em": "italic",
    "u": "underline",
    "ins": "underline",
    "s": "strikethrough",
    "strike": "strikethrough",
    "del": "strikethrough",
    "tg-spoiler": "spoiler",
    "code": "code",
    "pre": "pre",
    "blockquote": "blockquote",
    "a": "text_link",
}


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.text = ""
        self.entities: list[Json] = []
        self._open: list[tuple[str, Json]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in _TAGS:
            raise blunder(f'can\'t parse entities: Unsupported start tag "{tag}"')
        entity: Json = {"type": _TAGS[tag], "offset": units(self.text)}
        values = dict(attrs)
        if tag == "a":
            entity["url"] = values.get("href") or ""
        if tag == "blockquote" and "expandable" in values:
            entity["type"] = "expandable_blockquote"
        self._open.append((tag, entity))

    def handle_endtag(self, tag: str) -> None:
        if not self._open or self._open[-1][0] != tag:
            raise blunder(f'can\'t parse entities: Unexpected end tag "{tag}"')
        _, entity = self._open.pop()
        entity["length"] = units(self.text) - entity["offset"]
        inner = [e for e in self.entities if e["offset"] >= entity["offset"]]
        if tag == "pre" and len(inner) == 1 and inner[0]["type"] == "code":
            self.entities.remove(inner[0])  # <pre><code> is one block
        if entity["length"]:
            self.entities.append(entity)

    def handle_data(self, data: str) -> None:
        self.text += data

    def finish(self) -> None:
        self.close()
        if self._open:
            raise blunder(f"can't parse entities: Can't find end tag of \"{self._open[-1][0]}\"")


def parse(text: str, mode: str) -> tuple[str, list[Json]]:
    """The plain text and its entities."""
    if mode.upper() != "HTML":
        raise blunder(f"unsupported parse_mode {mode}: this server reads entities and HTML")
    reader = _Reader()
    reader.feed(text)
    reader.finish()
    return reader.text, reader.entities
