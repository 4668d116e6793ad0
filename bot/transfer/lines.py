"""One line of JSONL and the example that it means. Pure: nothing is read or written here."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

from bot.domain import Prompt, Turn

LONGEST_LINE: Final = 4 * 2**20
"""In bytes."""
LONGEST_TEXT: Final = 100_000
"""The longest message or correction, in characters."""
MOST_MESSAGES: Final = 1000
LONGEST_LABEL: Final = 100
"""The longest name of a channel, rater or speaker, in characters."""
NOBODY: Final = "import"
"""The rater, and the channel, of lines that name none."""

_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""Control characters and direction overrides; not tab or newline."""
_HALF: Final = re.compile(r"[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Example:
    """What a line says: an exchange, and what one rater made of it. `rating` is 1, -1 or None."""

    prompt: Prompt
    reply: str
    channel: str = NOBODY
    rater: str = NOBODY
    rating: int | None = None
    correction: str = ""

    def key(self) -> bytes:
        """Equal for lines about the same exchange, whoever rates it."""
        turns = [(turn.role, turn.text, turn.speaker) for turn in self.prompt.turns]
        said = json.dumps([self.channel, self.prompt.persona, turns, self.reply])
        return sha256(said.encode()).digest()[:16]


@dataclass(frozen=True, slots=True)
class Problem:
    """A line that was left out, counted from 1, and why."""

    line: int
    reason: str


def read_lines(
    lines: Iterable[bytes], persona: str = ""
) -> tuple[list[tuple[int, Example]], list[Problem]]:
    """Examples with their line numbers, and problems. `persona` is for lines that bring none.

    Empty lines mean nothing. A line longer than `LONGEST_LINE` is a problem, even when it was cut.
    """
    examples: list[tuple[int, Example]] = []
    problems: list[Problem] = []
    for number, raw in enumerate(lines, start=1):
        line = raw.removeprefix(b"\xef\xbb\xbf") if number == 1 else raw
        if not line.strip():
            continue
        try:
            examples.append((number, parse(line, persona)))
        except ValueError as error:
            problems.append(Problem(number, str(error)))
    return examples, problems


def parse(line: bytes, persona: str = "") -> Example:
    """The example of a line. Raises `ValueError` with a plain reason when there is none."""
    if len(line) > LONGEST_LINE:
        raise ValueError(f"it is longer than {LONGEST_LINE // 2**20} MiB")
    try:
        data = json.loads(line.decode("utf-8"))
    except UnicodeDecodeError:
        raise ValueError("it is not UTF-8 text") from None
    except (ValueError, RecursionError):
        raise ValueError("it is not JSON") from None
    if not isinstance(data, dict):
        raise ValueError("it is not a JSON object")  # noqa: TRY004  # a fault of the line's, not ours
    persona, turns = _turns(data.get("messages"), persona)
    return Example(
        prompt=Prompt(persona, turns[:-1]),
        reply=turns[-1].text,
        channel=_label(data, "channel"),
        rater=_label(data, "rater"),
        rating=_rating(data.get("rating")),
        correction=_text(data.get("correction") or "", "the correction").strip(),
    )


def write(example: Example) -> str:
    """The line of an example, without its end; `parse` reads it back unchanged."""
    prompt = example.prompt
    messages = [{"role": "system", "content": prompt.persona}] if prompt.persona else []
    for turn in (*prompt.turns, Turn("assistant", example.reply)):
        name = {"name": turn.speaker} if turn.speaker else {}
        messages.append({"role": turn.role, "content": turn.text, **name})
    line = {
        "messages": messages,
        "rating": example.rating,
        "channel": example.channel,
        "rater": example.rater,
        "correction": example.correction or None,
    }
    # Some readers take these two for the end of a line.
    text = json.dumps(line, ensure_ascii=False)
    return text.replace("\u2028", r"\u2028").replace("\u2029", r"\u2029")


def clean(text: str) -> str:
    """The text without control characters, its line ends as newlines."""
    return _CONTROL.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def clean_name(name: str) -> str:
    """A speaker's name as prompts take it: on one line, short, without a colon."""
    return " ".join(clean(name).replace(":", " ").split())[:LONGEST_LABEL].strip()


def _turns(messages: Any, persona: str) -> tuple[str, tuple[Turn, ...]]:
    if not isinstance(messages, list) or not messages:
        raise ValueError('it has no list of "messages"')
    if len(messages) > MOST_MESSAGES:
        raise ValueError(f"it has more than {MOST_MESSAGES} messages")
    turns: list[Turn] = []
    for place, message in enumerate(messages, start=1):
        if not isinstance(message, dict):
            raise ValueError(f"message {place} is not a JSON object")  # noqa: TRY004  # as above
        role, text = message.get("role"), _text(message.get("content"), f"message {place}")
        if role == "system" and place == 1:
            persona = text
            continue
        if role not in ("user", "assistant"):
            raise ValueError(f"message {place} has a role other than user and assistant")
        if not text.strip():
            raise ValueError(f"message {place} is empty")
        name = _text(message.get("name") or "", f"the name in message {place}")
        turns.append(Turn(role, text, clean_name(name) if role == "user" else ""))
    if not turns or turns[-1].role != "assistant":
        raise ValueError("its last message is not the assistant's")
    if all(turn.role != "user" for turn in turns):
        raise ValueError("it has no message of a user")
    return persona, tuple(turns)


def _text(value: Any, what: str) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{what} is not text")  # noqa: TRY004  # a fault of the line's, not ours
    if len(value) > LONGEST_TEXT:
        raise ValueError(f"{what} is longer than {LONGEST_TEXT} characters")
    if _HALF.search(value):
        raise ValueError(f"{what} holds half a character")
    return clean(value)


def _label(data: dict[str, Any], name: str) -> str:
    value = data.get(name)
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)  # platforms' ids are often written as numbers
    label = " ".join(_text(value or "", f"the {name}").split())
    if len(label) > LONGEST_LABEL:
        raise ValueError(f"the {name} is longer than {LONGEST_LABEL} characters")
    return label or NOBODY


def _rating(value: Any) -> int | None:
    if value is None or (type(value) is int and value in (1, -1)):
        return value
    raise ValueError("the rating is not 1, -1 or null")
