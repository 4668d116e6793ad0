"""The figures of continual learning, as pure functions of what was measured.

R[i][j] is the result on task j after learning task i, of T tasks; b[j] is the base model's.

- Average accuracy, backward and forward transfer: Lopez-Paz & Ranzato, 2017, "Gradient episodic
  memory for continual learning", section 2. With b of a model that was trained before, instead of a
  random one.
- Forgetting: Chaudhry et al., 2018, "Riemannian walk for incremental learning".
- Learning accuracy: Riemer et al., 2019, "Learning to learn without forgetting by maximizing
  transfer and minimizing interference".

Accuracy is the share of a held-out reply's tokens that the model holds likeliest, given those
before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import fmean
from typing import Any

Matrix = Sequence[Sequence[float]]
"""One row for each training, one column for each task."""


@dataclass(frozen=True, slots=True)
class Exam:
    """What is measured of one model.

    `loss` and `accuracy` have one entry a task, in nats a token and as shares of 1; `anchors` is
    the loss on the held-out anchors.
    """

    loss: tuple[float, ...]
    accuracy: tuple[float, ...]
    anchors: float


@dataclass(frozen=True, slots=True)
class Figures:
    """An arm in figures. Those that need a sequence are None for an arm that learned all at once.

    Attributes:
        loss: mean over tasks after the last one, in nats a token.
        accuracy: mean over tasks after the last one: the ACC of Lopez-Paz & Ranzato.
        learned: mean accuracy on each task just after it was learned.
        backward: BWT on accuracy; below 0, earlier tasks suffered from later ones.
        forgetting: how far accuracy on a task fell from its best, mean over all but the last.
        forward: FWT on accuracy; above 0, a task gained from those before it.
        backward_loss: BWT on loss; here above 0 is what suffered.
        drift: relative rise of the loss on held-out anchors against the base model's.
    """

    loss: float
    accuracy: float
    learned: float
    backward: float | None
    forgetting: float | None
    forward: float | None
    backward_loss: float | None
    drift: float

    def to_json(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            name: None if value is None else round(value, 5) for name, value in asdict(self).items()
        }


def figures(base: Exam, exams: Sequence[Exam]) -> Figures:
    """The figures of an arm, from its exam after each of its trainings."""
    last = exams[-1]
    loss = [exam.loss for exam in exams]
    accuracy = [exam.accuracy for exam in exams]
    sequence = len(exams) == len(last.accuracy) > 1
    return Figures(
        loss=fmean(last.loss),
        accuracy=fmean(last.accuracy),
        learned=learned(accuracy) if sequence else fmean(last.accuracy),
        backward=backward(accuracy) if sequence else None,
        forgetting=forgetting(accuracy) if sequence else None,
        forward=forward(accuracy, base.accuracy) if sequence else None,
        backward_loss=backward(loss) if sequence else None,
        drift=last.anchors / base.anchors - 1,
    )


def learned(matrix: Matrix) -> float:
    """The mean of R[j][j]."""
    return fmean(row[task] for task, row in enumerate(matrix))


def backward(matrix: Matrix) -> float:
    """The mean of R[T][j] - R[j][j] over all tasks but the last."""
    last = len(matrix) - 1
    return fmean(matrix[last][task] - matrix[task][task] for task in range(last))


def forward(matrix: Matrix, base: Sequence[float]) -> float:
    """The mean of R[j-1][j] - b[j] over all tasks but the first."""
    return fmean(matrix[task - 1][task] - base[task] for task in range(1, len(matrix)))


def forgetting(matrix: Matrix) -> float:
    """The mean of (the highest R[i][j] of i before T) - R[T][j] over all tasks but the last."""
    last = len(matrix) - 1
    return fmean(
        max(row[task] for row in matrix[:last]) - matrix[last][task] for task in range(last)
    )
