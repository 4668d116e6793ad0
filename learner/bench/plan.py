"""How much a benchmark does, and which ways of learning it holds beside each other."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final


class Arm(StrEnum):
    """A way of learning the tasks."""

    OURS = "ours"
    NAIVE = "naive"
    JOINT = "joint"

    @property
    def meaning(self) -> str:
        """What it does, in words."""
        return _MEANINGS[self]


_MEANINGS: Final = {
    Arm.OURS: "one task after the other, with replay and anchors as rounds choose them",
    Arm.NAIVE: "one task after the other, each on its own examples alone",
    Arm.JOINT: "all tasks at once, as nobody can who learns as time goes by: the upper bound",
}


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is learned and measured.

    The defaults are a budget. With the embedded model an example has some 65 tokens and an anchor
    85, and two cores train at about 100 tokens a second (measured). Three tasks of 12 examples in 3
    epochs are then 7,000 tokens each for `naive` and `joint`, and 20,000 for `ours`, which replays:
    six minutes; answers and exams take three more, and the anchors, the first time, a minute and a
    half.

    Attributes:
        tasks: how many tasks are learned, one after the other.
        examples: what each task is trained on.
        held_out: what each task is measured with.
        arms: the ways of learning, in the order in which they run.
    """

    tasks: int = 3
    examples: int = 12
    held_out: int = 10
    seed: int = 1
    arms: tuple[Arm, ...] = tuple(Arm)

    def to_json(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "tasks": self.tasks,
            "examples": self.examples,
            "held_out": self.held_out,
            "seed": self.seed,
            "arms": [arm.value for arm in self.arms],
        }


OVERRIDES: Final[dict[str, Any]] = {"batch_examples": 2, "epochs": 3}
"""Settings that a benchmark has of its own, whatever the environment says.

A task has few examples: with more of them in a step there would be too few steps to learn in. With
two, and the default shares of replay and anchors, the steps of all arms come out even.
"""
