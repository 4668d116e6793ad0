"""The small decisions inside the training loop."""

from __future__ import annotations

import torch

from learner.checkpoint import Run
from learner.train import Recipe

RECIPE = Recipe(
    rank=4, alpha=16, dropout=0.1, learning_rate=1e-2, epochs=3, batch_examples=4, seed=5
)


def test_the_learning_rate_climbs_and_falls() -> None:
    rates = [RECIPE.rate(step, 40) for step in range(40)]
    assert rates[3] == max(rates) == RECIPE.learning_rate
    assert rates[:4] == sorted(rates[:4])
    assert rates[3:] == sorted(rates[3:], reverse=True)
    assert min(rates) > 0
    assert RECIPE.rate(0, 1) > 0


def test_a_run_keeps_the_best_epoch() -> None:
    found = Run()
    for loss in (2.0, 1.0, 1.5):
        found.ended_epoch(loss, {"w": torch.tensor(loss)})
    assert found.best["w"].item() == 1.0
    assert (found.worse, found.epoch) == (1, 3)
