"""What came out of a simulation: as JSON for machines, as a table and a curve for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from learner.simulation.community import Reply, Tally
from learner.tastes import Taste

_HEIGHT: Final = 10
_BARS: Final = " ▁▂▃▄▅▆▇█"
_SHOWN: Final = 4
"""Sample replies that are shown before and after."""


@dataclass(frozen=True, slots=True)
class Exam:
    """How the bot does on the unseen messages, and on the held-out anchors (nats a token)."""

    replies: Sequence[Reply]
    anchor_loss: float

    @property
    def approval(self) -> float:
        """Share of the replies that the community likes."""
        return sum(reply.liked for reply in self.replies) / max(1, len(self.replies))


@dataclass(frozen=True, slots=True)
class Lap:
    """One time of talking and learning, and the exam after it.

    `version` is what the round made, `live` what answers after it; `seconds` are by phase.
    """

    state: str
    reason: str
    version: int | None
    live: int
    tally: Tally
    report: Mapping[str, Any]
    seconds: Mapping[str, float]
    exam: Exam


@dataclass(frozen=True, slots=True)
class Result:
    """A whole simulation. `plan` and `settings` say how it was done, `ran_on` on what."""

    taste: Taste
    seed: int
    plan: Mapping[str, Any]
    settings: Mapping[str, Any]
    ran_on: Mapping[str, Any]
    base: Exam
    laps: Sequence[Lap]
    seconds: Mapping[str, float]

    @property
    def exams(self) -> list[Exam]:
        """The base model's exam, then the one after each round."""
        return [self.base, *(lap.exam for lap in self.laps)]

    @property
    def approval(self) -> list[float]:
        """The approval on unseen messages, of the base model and after each round."""
        return [exam.approval for exam in self.exams]

    def to_json(self) -> dict[str, Any]:
        """What simulation.json holds."""
        return {
            "taste": self.taste.name,
            "meaning": self.taste.meaning,
            "seed": self.seed,
            "approval": [round(share, 4) for share in self.approval],
            "anchor_loss": [round(exam.anchor_loss, 5) for exam in self.exams],
            "anchor_drift": [round(drift, 5) for drift in drifts(self)],
            "rounds": [_lap_json(number, lap) for number, lap in enumerate(self.laps, start=1)],
            "plan": dict(self.plan),
            "settings": dict(self.settings),
            "ran_on": dict(self.ran_on),
            "seconds": _rounded(self.seconds),
            "samples": [
                {"message": before.message, "before": before.text, "after": after.text}
                for before, after in zip(self.base.replies, self.exams[-1].replies, strict=True)
            ],
        }


def _lap_json(number: int, lap: Lap) -> dict[str, Any]:
    return {
        "number": number,
        "state": lap.state,
        "reason": lap.reason,
        "version": lap.version,
        "live": lap.live,
        "replies": lap.tally.replies,
        "liked": lap.tally.liked,
        "corrected": lap.tally.corrected,
        "approval": round(lap.exam.approval, 4),
        "anchor_loss": round(lap.exam.anchor_loss, 5),
        "seconds": _rounded(lap.seconds),
        "report": dict(lap.report),
    }


def _rounded(seconds: Mapping[str, float]) -> dict[str, float]:
    return {name: round(value, 1) for name, value in seconds.items()}


def drifts(result: Result) -> list[float]:
    """The relative rise of the anchor loss against the base model's: 0 first."""
    first = result.base.anchor_loss
    return [exam.anchor_loss / first - 1 for exam in result.exams]


def shown(result: Result) -> RenderableType:
    """Everything a person wants to see."""
    chart = Text(curve(result.approval))
    return Group(table(result), Text(), chart, Text(), samples(result), Text(footer(result)))


def table(result: Result) -> Table:
    """One line for the base model and one for each round."""
    found = Table(
        title=f"The community likes {result.taste.meaning}",
        caption=f"approval: of {len(result.base.replies)} replies to messages that nobody said "
        "before; drift: rise of the loss on held-out general answers",
        min_width=60,
    )
    found.add_column("after", no_wrap=True)
    found.add_column("outcome", no_wrap=True)
    for name in ("rated", "👍", "fixed", "approval", "anchors", "drift", "time"):
        found.add_column(name, justify="right", no_wrap=True)
    exams = list(zip(result.exams, drifts(result), strict=True))

    def figures(number: int) -> list[str]:
        exam, drift = exams[number]
        return [f"{exam.approval:.1%}", f"{exam.anchor_loss:.3f}", f"{drift:+.1%}"]

    found.add_row("nothing", "base model", "", "", "", *figures(0), _span(result.seconds["before"]))
    for number, lap in enumerate(result.laps, start=1):
        found.add_row(
            f"round {number}",
            f"{lap.state}{f' v{lap.version}' if lap.version else ''}",
            str(lap.tally.replies),
            str(lap.tally.liked),
            str(lap.tally.corrected),
            *figures(number),
            _span(sum(lap.seconds.values())),
        )
    return found


def footer(result: Result) -> str:
    """How it was done, and on what."""
    share = result.plan["corrections"]
    taught = (
        f"{share:.0%} of disliked replies corrected" if share else "thumbs only, no corrections"
    )
    ran = result.ran_on
    return (
        f"{taught}; seed {result.seed}; {_span(result.seconds['all'])} in all on {ran['device']} "
        f"({ran['cpus']} CPUs, {ran['threads']} threads), torch {ran['torch']}, {ran['base_model']}"
    )


def _span(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


def curve(approval: Sequence[float]) -> str:
    """Bars for shares from 0 to 1, one a stage, with a scale."""
    lines = []
    for row in range(_HEIGHT, 0, -1):
        scale = f"{row / _HEIGHT:>4.0%} ┤" if row % 5 == 0 else "     │"
        cells = (_cell(share * _HEIGHT - (row - 1)) * 5 for share in approval)
        lines.append(f"{scale}  {'    '.join(cells)}")
    names = ["base", *(f"round {number}" for number in range(1, len(approval)))]
    lines.append(f"  0% ┼──{'─' * (9 * len(approval))}")
    lines.append("      " + "".join(f"{name:^9}" for name in names))
    lines.append("      " + "".join(f"{f'{share:.1%}':^9}" for share in approval))
    return "\n".join(line.rstrip() for line in lines)


def _cell(filled: float) -> str:
    """A block that is filled from below, 0 to 1."""
    return _BARS[max(0, min(8, round(filled * 8)))]


def samples(result: Result) -> Table:
    """Some unseen messages with the replies before and after all learning."""
    found = Table(title="Unseen messages", show_lines=True)
    found.add_column("message", ratio=2)
    found.add_column("base model", ratio=4)
    found.add_column("after the last round", ratio=4)
    before, after = result.base.replies, result.exams[-1].replies
    for at in range(0, len(before), max(1, len(before) // _SHOWN)):
        found.add_row(before[at].message, _marked(before[at]), _marked(after[at]))
    return found


def _marked(reply: Reply) -> str:
    return f"{'👍' if reply.liked else '👎'} {escape(reply.text)}"
