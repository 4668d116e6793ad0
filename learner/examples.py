"""Examples: what is learned from one exchange, and its form as token ids.

The ids come from bot.prompt alone: those of the prompt are the ones that the engine reads when it
serves, and those of the reply the ones that it should have written.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from bot.domain import Prompt, Turn
from bot.prompt import Renderer, merged


@dataclass(frozen=True, slots=True)
class Example:
    """A reply that is to be learned (or measured), scrubbed.

    Attributes:
        weight: what its loss is multiplied with, above 0 to 1.
        by: how much of the weight comes from which plain member; the rest comes from moderators.
        ended: whether the reply came to its end by itself; one that was cut off must not teach the
            model to stop there.
        author: the member who wrote the reply, when it is a correction.
    """

    exchange: int
    channel: int
    at: datetime
    prompt: Prompt
    reply: str
    weight: float = 1.0
    by: Mapping[int, float] = field(default_factory=dict)
    ended: bool = True
    origin: str = "chat"
    author: int | None = None


@dataclass(frozen=True, slots=True)
class Encoded:
    """An example as the model reads it: prompt then reply.

    Attributes:
        ids: all token ids.
        start: where the reply begins in `ids`; only tokens from there on carry loss.
        anchor: whether it is held against the base model's distribution instead of its text.
    """

    ids: tuple[int, ...]
    start: int
    weight: float = 1.0
    anchor: bool = False

    def __len__(self) -> int:
        return len(self.ids)


def encode(
    renderer: Renderer,
    prompt: Prompt,
    reply: str,
    *,
    limit: int,
    weight: float = 1.0,
    ended: bool = True,
    anchor: bool = False,
) -> Encoded | None:
    """The ids of a prompt and the reply to it, within `limit` tokens.

    The oldest turns are left out, up to the next message of a user, until both fit; what is left is
    rendered as the chat renders it. (The chat drops whole blocks of turns, so that it need not read
    the rest again; here nothing is read twice.) None when the last message and the reply alone are
    too long, or nothing is left to learn.
    """
    completion = renderer.completion_ids(reply)
    if not ended and completion and completion[-1] == renderer.end_id:
        completion.pop()
    if not completion or not merged(prompt.turns):
        return None
    turns = prompt.turns
    while turns:
        ids = renderer.prompt_ids(Prompt(prompt.persona, turns))
        if len(ids) + len(completion) <= limit:
            return Encoded((*ids, *completion), len(ids), weight, anchor)
        turns = _shorter(turns)
    return None


def _shorter(turns: tuple[Turn, ...]) -> tuple[Turn, ...]:
    """The turns without the oldest ones, beginning with a user's turn; empty when none is left."""
    starts = (i for i, turn in enumerate(turns) if i > 0 and turn.role == "user")
    first = next(starts, len(turns))
    return turns[first:]
