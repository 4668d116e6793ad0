"""Which part of a channel's history the model reads. Pure.

History is dropped in blocks of messages, counted from the channel's beginning. So the start of the
prompt stays the same for several messages in a row, and with it the cached keys and values of the
channel; dropping one message at a time would lose the cache at every message once the window is
full. Blocks are as large as they may be without dropping more than half of what would fit.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from bot.domain import Prompt, Said, Turn, names_of
from bot.errors import Refused

BLOCKS: Final = (8, 4, 2, 1)
"""How many messages are dropped together, the most welcome first."""

LEAST: Final = 24
"""Characters of a message that must be readable, if it has as many."""

HISTORY: Final = 200
"""Messages of a channel that are looked at; none that fits a prompt lies further back."""

Count = Callable[[Prompt], int]
"""The exact number of tokens of a rendered prompt."""


def fit(
    persona: str,
    history: Sequence[Said],
    message: Turn,
    *,
    budget: int,
    cost: Callable[[Turn, bool], int],
    count: Count,
    pulled: Sequence[Said] = (),
) -> Prompt:
    """The prompt for `message`: as much of the history before it as fits `budget` tokens.

    Args:
        pulled: what the message answers, oldest first; the part of it that lies before the window
            goes ahead of the history, at the cost of the history.
        cost: an upper bound for the tokens of one turn, with or without the speaker's name.
        count: the exact tokens of a whole prompt, asked only for what the bounds let through.

    A message that does not fit even alone is shortened from its end. Raises `Refused` when the
    persona leaves no room for a message.
    """
    turns = [said.turn for said in history]
    named = len(names_of([*turns, *(said.turn for said in pulled), message])) > 1
    spent = count(Prompt(persona, (message,)))
    spent += sum(cost(said.turn, named) for said in pulled)
    start = len(history)
    while start and spent + cost(turns[start - 1], named) <= budget:
        start -= 1
        spent += cost(turns[start], named)
    if start or len(history) >= HISTORY:
        start = _aligned(history, start)
    first = history[start].position if start < len(history) else math.inf
    before = [said.turn for said in pulled if said.position < first]
    prompt = Prompt(persona, (*before, *turns[start:], message))
    while len(prompt.turns) > 1 and count(prompt) > budget:
        if start < len(history):
            start += 1
        else:
            before = before[1:]
        prompt = Prompt(persona, (*before, *turns[start:], message))
    if len(prompt.turns) == 1:
        prompt = _shorten(prompt, budget, count)
    return prompt


def _aligned(history: Sequence[Said], start: int) -> int:
    """The first beginning of a block at or after `start` that keeps at least half of the rest."""
    most = start + (len(history) - start) // 2
    for block in BLOCKS:
        for at in range(start, most + 1):
            if at < len(history) and history[at].position % block == 1 % block:
                return at
    return start


def _shorten(prompt: Prompt, budget: int, count: Count) -> Prompt:
    """The longest beginning of the only turn that fits, found by halving."""
    turn = prompt.turns[0]

    def cut(length: int) -> Prompt:
        return replace(prompt, turns=(replace(turn, text=turn.text[:length]),))

    if count(prompt) <= budget:
        return prompt
    fits, too_long = 0, len(turn.text)
    while too_long - fits > 1:
        middle = (fits + too_long) // 2
        fits, too_long = (middle, too_long) if count(cut(middle)) <= budget else (fits, middle)
    if fits < min(LEAST, len(turn.text)):
        raise Refused(
            "My persona here leaves no room for what you say. An admin can shorten it with "
            "/persona, or raise CONTEXT_TOKENS."
        )
    return cut(fits)
