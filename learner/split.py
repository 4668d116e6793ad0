"""Which examples are kept out of training, so that learning is measured on what was not learned.

Whole conversations are set aside, never parts of one: its replies share words and topics, and a
later prompt quotes the earlier replies. They are spread over time, so that old and new habits of
the community are both measured, and what was once set aside stays so for ever. The chat remembers
beyond a pause, though: what a later prompt still quotes of a reply set aside is cut off there.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Mapping, Sequence, Set
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from typing import Final

from bot.domain import Part, Prompt
from learner.examples import Example

PAUSE: Final = timedelta(minutes=30)
"""A silence in a channel after which a new conversation begins."""

FEWEST: Final = 4
"""Held-out examples below which `share` is exceeded, up to a third: one or two measure luck."""

IMPORT: Final = "import"


def conversations(examples: Sequence[Example]) -> list[list[Example]]:
    """The examples by conversation, oldest conversation first, oldest example first.

    A conversation is what was said in one channel without a long pause. Imported examples bring
    their conversation along in their prompts: those of one channel that begin alike are one.
    """
    threads: dict[tuple[int, str], list[Example]] = defaultdict(list)
    for example in sorted(examples, key=lambda e: (e.at, e.exchange)):
        imported = example.origin == IMPORT and example.prompt.turns
        opening = example.prompt.turns[0].text if imported else ""
        threads[example.channel, opening].append(example)
    found: list[list[Example]] = []
    for thread in threads.values():
        found.append([thread[0]])
        for before, example in pairwise(thread):
            if example.at - before.at < PAUSE or example.origin == IMPORT:
                found[-1].append(example)
            else:
                found.append([example])
    return sorted(found, key=lambda c: (c[0].at, c[0].exchange))


def hold_out(
    examples: Sequence[Example], taught: Mapping[int, Part], *, share: float, seed: int
) -> frozenset[int]:
    """The exchanges among `examples` that must not be trained on, about `share` of the new ones.

    `taught` tells what promoted rounds did with an exchange: it stays on its side, and draws the
    rest of its conversation there. When all conversations are long, a whole one may be up to half
    of the new examples; when there is only one, its end is cut off, so that what is trained on was
    said before what is measured.
    """
    held = {e.exchange for e in examples if taught.get(e.exchange) is Part.HELD_OUT}
    free: list[list[Example]] = []
    for conversation in conversations(examples):
        new = [e for e in conversation if e.exchange not in taught]
        sides = {taught[e.exchange] is Part.HELD_OUT for e in conversation if e.exchange in taught}
        if sides == {True}:
            held.update(e.exchange for e in new)
        elif sides != {False} and new:
            # Untouched; or cut in an earlier round: what was said since is a piece of its own.
            free.append(new)
    count = sum(map(len, free))
    if not count:
        return frozenset(held)
    target = max(0 if held else 1, round(share * count), min(FEWEST - len(held), count // 3))
    if not target:  # one or two new replies, and something to measure with: they are learned from
        return frozenset(held)
    chosen = _spread(free, target, random.Random(seed))  # noqa: S311 - a split, no secret
    if len(chosen) < max(1, target // 2):
        chosen |= _whole(free, chosen) or _tail(max(free, key=len), target - len(chosen))
    return frozenset(held | chosen)


def _spread(free: Sequence[list[Example]], target: int, rng: random.Random) -> set[int]:
    """About `target` examples in whole conversations, one from each stretch of time."""
    count = sum(map(len, free))
    stretches: list[list[list[Example]]] = [[] for _ in range(target)]
    passed = 0
    for conversation in free:
        middle = passed + len(conversation) / 2
        stretches[min(target - 1, int(middle * target / count))].append(conversation)
        passed += len(conversation)
    chosen: set[int] = set()
    for number, stretch in enumerate(stretches, start=1):
        # Each stretch owes one example; what long conversations gave too much is made up for.
        owed = number - len(chosen)
        fitting = [c for c in stretch if len(c) <= owed + _TOO_MUCH * target]
        if owed > 0 and fitting:
            chosen.update(e.exchange for e in rng.choice(fitting))
    return chosen if len(chosen) < count else set()


_TOO_MUCH: Final = 0.5
"""How far over its due a conversation may go, as a share of the whole held-out part."""


def _whole(free: Sequence[list[Example]], chosen: set[int]) -> set[int]:
    """The shortest conversation not chosen yet, if it leaves half of the examples for training."""
    room = sum(map(len, free)) / 2 - len(chosen)
    whole = [c for c in free if len(c) <= room and c[0].exchange not in chosen]
    return {e.exchange for e in min(whole, key=len)} if whole else set()


def _tail(conversation: Sequence[Example], count: int) -> set[int]:
    return {e.exchange for e in conversation[max(1, len(conversation) - count) :]}


def unquoted(examples: Sequence[Example], held_out: Sequence[Example]) -> list[Example]:
    """The examples, without the held-out replies that their prompts hold as context.

    A prompt begins behind the last turn in which the bot says what is held out in the same channel.
    An example that would keep no message of a user is left out.
    """
    said = {(example.channel, plain(example.reply)) for example in held_out}
    return [cut for example in examples if (cut := _behind(example, said))]


def _behind(example: Example, said: Set[tuple[int, str]]) -> Example | None:
    turns = example.prompt.turns
    quotes = [
        place
        for place, turn in enumerate(turns, start=1)
        if turn.role == "assistant" and (example.channel, plain(turn.text)) in said
    ]
    if not quotes:
        return example
    kept = turns[quotes[-1] :]
    if all(turn.role != "user" for turn in kept):
        return None
    return replace(example, prompt=Prompt(example.prompt.persona, kept))


def plain(text: str) -> str:
    """A text without what makes no difference to what it says: case, and how much space it has."""
    return " ".join(text.casefold().split())
