"""What adapters are measured with: conversations in the format of `thumbwise import`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bot.domain import Prompt
from bot.errors import ThumbwiseError
from bot.transfer.lines import read_lines


@dataclass(frozen=True, slots=True)
class Dialogue:
    """A prompt, and the reply that is wanted to it."""

    prompt: Prompt
    reply: str


def read(path: Path, *, persona: str) -> tuple[list[Dialogue], list[str]]:
    """The dialogues of a file, and a sentence for each line that cannot be used.

    A correction stands in for the reply; disliked replies without one are left out. Raises
    `ThumbwiseError` when the file cannot be read.
    """
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise ThumbwiseError(f"{path} cannot be read: {error.strerror or error}.") from error
    examples, problems = read_lines(lines, persona)
    found = [
        Dialogue(example.prompt, example.correction or example.reply)
        for _, example in examples
        if example.correction or example.rating != -1
    ]
    return found, [f"Line {problem.line} is left out: {problem.reason}." for problem in problems]
