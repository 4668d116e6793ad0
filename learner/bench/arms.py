"""What each arm trains on, stage by stage. Pure.

All arms learn from the same examples, over the same number of epochs, in the same number of
optimiser steps (or as near to it as whole examples allow). Where `ours` has replayed examples and
anchors besides, they make its steps larger, not more: the usual form of experience replay (Chaudhry
et al., 2019, "On tiny episodic memories in continual learning"). What that costs shows in its
tokens and seconds.

`ours` goes on from its last adapter, as rounds do once more than REFIT_LIMIT replies are approved.
Below it rounds refit from the base model on everything, which is `joint` with anchors, after every
task: it has nothing that it could forget.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from bot.domain import BASE, Part, Prompt, Turn
from learner.bench.plan import Arm
from learner.bench.tasks import Task, approved
from learner.curate import Approved, Selection, Shares, select
from learner.examples import Example


@dataclass(frozen=True, slots=True)
class Stage:
    """One training of an arm.

    Attributes:
        name: of the task that is learned.
        new: examples of the task; `replay`, of earlier ones; `anchors`, how many go with them.
        validation: chooses the epoch that is kept, as in rounds. It is no part of what is measured.
        size: of one optimiser step, in examples and anchors.
    """

    name: str
    new: tuple[Example, ...]
    replay: tuple[Example, ...]
    anchors: int
    validation: tuple[Example, ...]
    size: int

    @property
    def steps(self) -> int:
        """Optimiser steps of one epoch."""
        return math.ceil((len(self.new) + len(self.replay) + self.anchors) / self.size)


def needed(tasks: int, examples: int, shares: Shares, seed: int) -> list[int]:
    """How many approved examples of each task leave `examples` to train on.

    Rounds hold some out. Which, and how many, is for them to say: it is tried with blank examples.
    """
    counts: list[int] = []
    for _ in range(tasks):
        counts.append(examples)
        while len(selections(blank(counts), shares, seed)[-1].new) < examples:
            counts[-1] += 1
    return counts


def blank(counts: Sequence[int]) -> list[list[Example]]:
    """Examples without text: so many of each task."""
    prompt = Prompt("", (Turn("user", ""),))
    number = itertools.count(1)
    return [[approved(next(number), prompt, "") for _ in range(count)] for count in counts]


def selections(tasks: Sequence[Sequence[Example]], shares: Shares, seed: int) -> list[Selection]:
    """What a round would choose after each task, going on from the adapter before."""
    going_on = replace(shares, refit_limit=0)
    found: list[Selection] = []
    every: dict[int, Example] = {}
    taught: dict[int, Part] = {}
    for number, examples in enumerate(tasks):
        every.update((example.exchange, example) for example in examples)
        chosen = select(
            Approved(every, {}),
            taught=taught,
            live=BASE + number,
            live_taught=[e for e, part in taught.items() if part is Part.NEW],
            shares=going_on,
            seed=seed,
        )
        taught.update((e.exchange, Part.NEW) for e in chosen.new)
        taught.update((e.exchange, Part.HELD_OUT) for e in chosen.held_out)
        found.append(chosen)
    return found


def stages(
    arm: Arm, tasks: Sequence[Task], chosen: Sequence[Selection], *, batch: int
) -> list[Stage]:
    """The trainings of an arm, in their order. `batch` is how many new examples are in one step."""
    if arm is Arm.JOINT:
        new = tuple(example for one in chosen for example in one.new)
        steps = sum(math.ceil(len(one.new) / batch) for one in chosen)
        size = math.ceil(len(new) / steps)
        return [Stage("all tasks", new, (), 0, chosen[-1].held_out, size)]
    found: list[Stage] = []
    for task, one in zip(tasks, chosen, strict=True):
        replay, anchors, validation = one.replay, one.anchors, one.held_out
        if arm is Arm.NAIVE:
            replay, anchors = (), 0
            own = tuple(e for e in one.held_out if e in task.examples)
            validation = own or validation  # a task of one or two examples has none of its own
        steps = math.ceil(len(one.new) / batch)
        size = math.ceil((len(one.new) + len(replay) + anchors) / steps)
        found.append(Stage(task.manner.name, one.new, replay, anchors, validation, size))
    return found
