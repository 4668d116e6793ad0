"""What came out of a benchmark: as JSON for machines, as tables for people."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from learner.bench.arms import Stage
from learner.bench.figures import Exam, Figures, figures
from learner.bench.plan import Arm, Plan
from learner.bench.tasks import Task

BASE: Final = "base model"


@dataclass(frozen=True, slots=True)
class Lap:
    """One training of an arm, and the exam after it.

    `epoch` is the one whose adapter was kept; `seconds` are of training and of the exam; `tokens`
    are those trained on, prompts included, over all epochs.
    """

    stage: Stage
    exam: Exam
    steps: int
    tokens: int
    epoch: int
    seconds: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Result:
    """A whole benchmark.

    Attributes:
        tokens: how many tokens the held-out replies of each task have.
        base: the base model's exam, before anything was learned.
        settings: the settings that it was done with; `ran_on`, what it ran on.
    """

    plan: Plan
    tasks: Sequence[Task]
    tokens: Sequence[int]
    base: Exam
    arms: Mapping[Arm, Sequence[Lap]]
    settings: Mapping[str, Any]
    ran_on: Mapping[str, Any]
    seconds: Mapping[str, float]

    def figures(self, arm: Arm) -> Figures:
        """The figures of one arm."""
        return figures(self.base, [lap.exam for lap in self.arms[arm]])

    def to_json(self) -> dict[str, Any]:
        """What bench.json holds. Shares are of 1, losses in nats a token."""
        return {
            "seed": self.plan.seed,
            "plan": self.plan.to_json(),
            "settings": dict(self.settings),
            "ran_on": dict(self.ran_on),
            "tasks": [
                {
                    "name": task.manner.name,
                    "meaning": task.manner.meaning,
                    "held_out_tokens": tokens,
                    "sample": {
                        "message": task.held_out[0].prompt.turns[-1].text,
                        "reply": task.held_out[0].reply,
                    },
                }
                for task, tokens in zip(self.tasks, self.tokens, strict=True)
            ],
            "base": _exam_json(self.base),
            "arms": {arm.value: self._arm_json(arm) for arm in self.arms},
            "seconds": _rounded(self.seconds, 1),
        }

    def _arm_json(self, arm: Arm) -> dict[str, Any]:
        laps = self.arms[arm]
        exams = [_exam_json(lap.exam) for lap in laps]
        return {
            "meaning": arm.meaning,
            "figures": self.figures(arm).to_json(),
            "matrix": {key: [exam[key] for exam in exams] for key in ("loss", "accuracy")},
            "anchors": [exam["anchors"] for exam in exams],
            "steps": sum(lap.steps for lap in laps),
            "tokens": sum(lap.tokens for lap in laps),
            "seconds": round(_trained(laps), 1),
            "stages": [
                {
                    "name": lap.stage.name,
                    "new": len(lap.stage.new),
                    "replay": len(lap.stage.replay),
                    "anchors": lap.stage.anchors,
                    "validation": len(lap.stage.validation),
                    "epoch": lap.epoch,
                    "steps": lap.steps,
                    "tokens": lap.tokens,
                    "seconds": _rounded(lap.seconds, 1),
                }
                for lap in laps
            ],
        }


def _exam_json(exam: Exam) -> dict[str, Any]:
    return {
        "loss": [round(value, 5) for value in exam.loss],
        "accuracy": [round(value, 5) for value in exam.accuracy],
        "anchors": round(exam.anchors, 5),
    }


def _rounded(seconds: Mapping[str, float], digits: int) -> dict[str, float]:
    return {name: round(value, digits) for name, value in seconds.items()}


def _trained(laps: Sequence[Lap]) -> float:
    """Seconds of training alone: exams are the benchmark's own."""
    return sum(lap.seconds["train"] for lap in laps)


def said(exam: Exam, bare: Exam) -> str:
    """An exam in one line."""
    return (
        f"loss {' '.join(map(_nats, exam.loss))}, "
        f"accuracy {' '.join(map(_share, exam.accuracy))}, "
        f"anchors {_rise(exam.anchors / bare.anchors - 1)}"
    )


def shown(result: Result) -> RenderableType:
    """Everything a person wants to see."""
    return Group(
        summary(result),
        matrix(result, "Held-out accuracy on each task", lambda e: e.accuracy, _share),
        matrix(result, "Held-out loss on each task, nats a token", lambda e: e.loss, _nats),
        Text(footer(result)),
    )


def summary(result: Result) -> Table:
    """One column for the base model and one for each arm, one line for each figure."""
    found = _table(f"After {result.plan.tasks} tasks, one after the other")
    for name in (BASE, *(arm.value for arm in result.arms)):
        found.add_column(name, justify="right", no_wrap=True)
    every = {arm: result.figures(arm) for arm in result.arms}

    def line(
        name: str, pick: Callable[[Figures], float | None], form: Callable[[float], str], first: str
    ) -> None:
        cells = [pick(each) for each in every.values()]
        found.add_row(name, first, *("" if cell is None else form(cell) for cell in cells))

    bare = figures(result.base, [result.base])
    line("accuracy, mean", lambda f: f.accuracy, _share, _share(bare.accuracy))
    line("  each just learned", lambda f: f.learned, _share, "")
    line("  backward transfer", lambda f: f.backward, _points, "")
    line("  forgetting", lambda f: f.forgetting, _points, "")
    line("  forward transfer", lambda f: f.forward, _points, "")
    line("loss, mean", lambda f: f.loss, _nats, _nats(bare.loss))
    line("  backward (+ is worse)", lambda f: f.backward_loss, _change, "")
    line("drift on anchors", lambda f: f.drift, _rise, "")
    laps = result.arms.values()
    found.add_row("steps", "", *(str(sum(lap.steps for lap in some)) for some in laps))
    found.add_row("tokens", "", *(f"{sum(lap.tokens for lap in some):,}" for some in laps))
    found.add_row("seconds of training", "", *(f"{_trained(some):.0f}" for some in laps))
    return found


def _share(value: float) -> str:
    return f"{value:.1%}"


def _points(value: float) -> str:
    return f"{100 * value:+.1f} points"


def _nats(value: float) -> str:
    return f"{value:.3f}"


def _change(value: float) -> str:
    return f"{value:+.3f}"


def _rise(value: float) -> str:
    return f"{value:+.1%}"


def matrix(
    result: Result,
    title: str,
    pick: Callable[[Exam], Sequence[float]],
    form: Callable[[float], str],
) -> Table:
    """One line for each training, one column for each task: the R of figures.py."""
    found = _table(title)
    found.add_column("after", no_wrap=True)
    for task in result.tasks:
        found.add_column(task.manner.name, justify="right", no_wrap=True)
    found.add_column("drift", justify="right", no_wrap=True)
    rows = [(BASE, "", result.base)]
    for arm, laps in result.arms.items():
        rows += [(arm.value, lap.stage.name, lap.exam) for lap in laps]
    for name, after, exam in rows:
        drift = _rise(exam.anchors / result.base.anchors - 1) if after else ""
        found.add_row(name, after, *map(form, pick(exam)), drift)
    return found


def _table(title: str) -> Table:
    found = Table(title=title, box=box.SIMPLE_HEAD, title_justify="left")
    found.add_column("")  # the one that wraps where the window is narrow
    return found


def footer(result: Result) -> str:
    """What the tasks and the arms are, how it was done, and on what."""
    plan, ran = result.plan, result.ran_on
    laps = {arm: result.arms[arm][-1].stage for arm in result.arms}
    tasks = "\n".join(f"  {task.manner.name}: {task.manner.meaning}" for task in result.tasks)
    arms = "\n".join(f"  {arm.value}: {arm.meaning}" for arm in laps)
    minutes, seconds = divmod(int(result.seconds["all"]), 60)
    return (
        f"Tasks:\n{tasks}\nArms:\n{arms}\n"
        f"{plan.examples} examples and {plan.held_out} held-out replies a task "
        f"({', '.join(map(str, result.tokens))} tokens), "
        f"{result.settings['epochs']} epochs, seed {plan.seed}; {minutes}:{seconds:02d} in all on "
        f"{ran['device']} ({ran['cpus']} CPUs, {ran['threads']} threads"
        f"{', bfloat16' if ran['bfloat16'] else ''}), torch {ran['torch']}, {ran['base_model']}"
    )
