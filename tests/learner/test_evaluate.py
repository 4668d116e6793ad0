"""Figures of an evaluation: how sure they are, and what is remembered of them."""

from __future__ import annotations

import random
import statistics

import pytest

from bot.generator.base_model import BaseModel
from learner import evaluate
from learner.ear import Ear
from learner.evaluate import Memory, measure, noise
from learner.examples import encode
from learner.measure import Loss, mean_of
from tests.learner.test_train import prompt


def test_the_noise_is_what_another_choice_of_replies_would_do() -> None:
    rng = random.Random(1)  # noqa: S311 - no secret

    def drawn(count: int) -> tuple[list[Loss], list[Loss]]:
        before, after = [], []
        for _ in range(count):
            tokens = rng.randint(5, 40)
            nats = 2.0 * tokens + rng.gauss(0, 9)
            before.append(Loss(nats, tokens))
            after.append(Loss(nats + tokens * rng.gauss(-0.1, 0.3), tokens))
        return before, after

    def changed(before: list[Loss], after: list[Loss]) -> float:
        return mean_of(after) - mean_of(before)

    draws = [drawn(20) for _ in range(400)]
    spread = statistics.stdev(changed(*draw) for draw in draws)
    assert statistics.mean(noise(*draw) for draw in draws) == pytest.approx(spread, rel=0.15)


def test_a_change_that_is_alike_everywhere_has_no_noise_and_one_reply_cannot_tell() -> None:
    before = [Loss(20.0, 10), Loss(9.0, 3)]
    after = [Loss(19.0, 10), Loss(8.7, 3)]
    assert noise(before, after) == pytest.approx(0, abs=1e-12)
    assert noise(before[:1], after[:1]) == 0


def test_what_is_remembered_is_bounded(tiny: BaseModel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluate, "MOST_REMEMBERED", 3)
    made = [encode(tiny.renderer, prompt(n), f"fox {n}", limit=300) for n in range(5)]
    examples = [example for example in made if example]
    memory: Memory = {}
    whole = measure(tiny, None, {"all": examples}, memory=memory, ear=Ear())
    assert len(memory) == 3
    again = measure(tiny, None, {"all": examples}, memory=memory, ear=Ear())
    assert again["all"] == pytest.approx(whole["all"])
