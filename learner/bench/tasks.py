"""The tasks: each is a manner of answering, wanted for subjects of its own.

A task's replies are the base model's own answers, rewritten into the manner. The answers are
greedy, so the base model would have said nearly every token of them itself: what it gets wrong is
the manner, and that is what there is to learn and to forget. The tasks do not contradict each
other, because no two share a subject; but nothing in a message says which manner is wanted except
its subject.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from bot.domain import Progress, Prompt, Sampling, Turn
from bot.errors import ThumbwiseError
from bot.generator.base_model import BaseModel
from learner import anchors
from learner.ear import Ear
from learner.examples import Example
from learner.simulation import chatter
from learner.tastes import TASTES, sentences

GREETING: Final = "Ahoy, friend!"

ANSWERS: Final = Sampling(
    temperature=0, top_p=1.0, top_k=0, repetition_penalty=1.0, max_new_tokens=40
)
"""How the base model answers. Manners keep a sentence or two, for which this is long enough."""


@dataclass(frozen=True, slots=True)
class Manner:
    """A manner of answering: `rewrite` turns any reply into one of this manner."""

    name: str
    meaning: str
    rewrite: Callable[[str], str]


def _first(text: str) -> str:
    return (sentences(text) or [text.strip()])[0]


def _taste(name: str) -> Manner:
    taste = TASTES[name]
    return Manner(taste.name, taste.meaning, taste.mend)


# "formal" is left out: it rewrites nearly every answer just as "brief" does.
MANNERS: Final = (
    _taste("question"),
    _taste("listy"),
    _taste("cheerful"),
    Manner(
        "greeting",
        f"a single sentence after “{GREETING}”",
        lambda text: f"{GREETING} {_first(text)}",
    ),
    Manner("lower", "a single sentence in lower case", lambda text: _first(text).lower()),
    _taste("brief"),
)
"""The manners in the order in which they are learned; neighbours want opposite things."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What is said to the bot in one task: messages to learn from, and messages to measure with.

    The two share neither the things nor the ways of talking about them (see chatter.py).
    """

    manner: Manner
    learned: tuple[str, ...]
    held_out: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Task:
    """A task, answered and rewritten. Rounds hold out a part of `examples` for their own use."""

    manner: Manner
    examples: tuple[Example, ...]
    held_out: tuple[Example, ...]


def deal(learned: Sequence[int], *, held_out: int, seed: int) -> list[Subject]:
    """Give each task themes of its own, and draw its messages from them, by the seed.

    `learned` says how many each has to learn from; all are measured with `held_out`.
    Raises `ThumbwiseError` when there are not so many manners or messages.
    """
    tasks = len(learned)
    if tasks > len(MANNERS):
        raise ThumbwiseError(
            f"There are {len(MANNERS)} manners of answering to learn, so --tasks can be at most "
            f"{len(MANNERS)}, not {tasks}."
        )
    rng = random.Random(f"bench/{seed}")  # noqa: S311 - a choice, no secret
    themes = rng.sample(chatter.THEMES, len(chatter.THEMES))
    each = len(themes) // tasks
    return [
        _subject(manner, themes[number * each :][:each], learned[number], held_out, rng)
        for number, manner in enumerate(MANNERS[:tasks])
    ]


def _subject(
    manner: Manner,
    themes: Sequence[chatter.Theme],
    learned: int,
    held_out: int,
    rng: random.Random,
) -> Subject:
    """Messages of as few of the themes as have enough: the fewer, the clearer what is wanted."""
    seen: list[str] = []
    unseen: list[str] = []
    for theme in themes:
        seen += chatter.said_of(theme, unseen=False)
        unseen += chatter.said_of(theme, unseen=True)
        if learned <= len(seen) and held_out <= len(unseen):
            return Subject(
                manner, tuple(rng.sample(seen, learned)), tuple(rng.sample(unseen, held_out))
            )
    raise ThumbwiseError(
        f"Each task has {len(seen)} messages to learn from and {len(unseen)} to measure with, and "
        f"{learned} and {held_out} are needed. Lower --examples, --held-out or --tasks."
    )


async def answered(
    base: BaseModel, subjects: Sequence[Subject], *, persona: str, threads: int, ear: Ear
) -> list[Task]:
    """The tasks, with the base model's answers rewritten. Raises `Stopped`."""
    tasks: list[Task] = []
    exchange = itertools.count(1)
    for number, subject in enumerate(subjects):
        note = "the base model answers the tasks' messages"
        ear.tell(Progress(step=number, steps=len(subjects), note=note))
        texts = (*subject.learned, *subject.held_out)
        found = await anchors.answer(
            base, texts, persona=persona, sampling=ANSWERS, threads=threads, ear=ear
        )
        examples = [
            approved(
                next(exchange),
                Prompt(persona, (Turn("user", one.prompt),)),
                subject.manner.rewrite(one.answer),
            )
            for one in found
        ]
        count = len(subject.learned)
        tasks.append(Task(subject.manner, tuple(examples[:count]), tuple(examples[count:])))
    return tasks


_START: Final = datetime(2026, 1, 1, tzinfo=UTC)


def approved(number: int, prompt: Prompt, reply: str) -> Example:
    """An example as of an approved reply: in a conversation of its own, an hour after the last."""
    return Example(
        exchange=number,
        channel=number,
        at=_START + number * timedelta(hours=1),
        prompt=prompt,
        reply=reply,
    )
