"""Reads conversations from a JSONL file, in the format of `thumbwise import`, to measure with."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.domain import Prompt, Turn
from bot.errors import ThumbwiseError


@dataclass(frozen=True, slots=True)
class Dialogue:
    """A prompt, and the reply that is wanted to it."""

    prompt: Prompt
    reply: str


def read(path: Path, *, persona: str) -> tuple[list[Dialogue], list[str]]:
    """The dialogues of a file, and a sentence for each line that cannot be used.

    A line's last message is the reply; a correction stands in for it; disliked replies without a
    correction are left out. Raises `ThumbwiseError` when the file cannot be read.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ThumbwiseError(f"{path} cannot be read: {error}.") from error
    found: list[Dialogue] = []
    problems: list[str] = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            dialogue = _dialogue(json.loads(line), persona)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            problems.append(f"Line {number} is left out: {error}.")
            continue
        if dialogue:
            found.append(dialogue)
    return found, problems


def _dialogue(data: Any, persona: str) -> Dialogue | None:
    messages = [(str(m["role"]), str(m["content"])) for m in data["messages"]]
    if messages and messages[0][0] == "system":
        persona = messages.pop(0)[1]
    if len(messages) < 2 or messages[-1][0] != "assistant":
        raise ValueError("the messages must end with a user's and an assistant's")
    odd = {role for role, _ in messages} - {"user", "assistant"}
    if odd:
        raise ValueError(f"the role {odd.pop()!r} is not known")
    correction = str(data.get("correction") or "")
    if data.get("rating") == -1 and not correction:
        return None
    turns = tuple(Turn(role, text) for role, text in messages[:-1])
    return Dialogue(Prompt(persona, turns), correction or messages[-1][1])
