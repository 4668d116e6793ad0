"""The gate: each bound alone stops a candidate, and the reason names its figures."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from learner.evaluate import Losses, Report
from learner.gate import Rules, change, decide, wants_live_samples
from learner.replies import Samples

RULES = Rules(
    min_gain=0.01,
    max_forgetting=0.05,
    max_drift=0.05,
    min_ending=0.7,
    max_repeating=0.2,
    max_empty=0.1,
)
WELL = Samples(count=20, ending=0.9, repeating=0.05, empty=0, banned=0, shouting=0)
GOOD = Report(
    held_out=Losses(12, candidate=1.98, live=2.31, base=2.5),
    retention=Losses(30, candidate=1.01, live=1.0, base=2.4),
    anchors=Losses(48, candidate=1.52, live=1.5, base=1.5),
    samples=WELL,
)


def test_a_good_candidate_passes_with_its_figures_in_words() -> None:
    found = decide(GOOD, RULES)
    assert found.passed
    assert found.reason == (
        "Passed: held-out loss fell from 2.31 to 1.98 (-14.3%) on 12 approved replies (needed "
        "-1.0%); older approvals +1.0% (allowed +5.0%); general answers +1.3% (allowed +5.0%); "
        "90% of 20 sample replies end by themselves (needed 70%); 5% repeat themselves "
        "(allowed 20%)."
    )


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"held_out": Losses(12, 2.30, 2.31, 2.5)}, "held-out loss fell from 2.31 to 2.30 (-0.4%)"),
        ({"held_out": Losses(1, 2.4, 2.0, 2.5)}, "rose from 2.00 to 2.40 (+20.0%) on 1 approved"),
        ({"held_out": Losses(1, float("nan"), 2.0, 2.5)}, "held-out loss rose"),
        ({"retention": Losses(30, 1.06, 1.0, 2.4)}, "older approvals +6.0% (allowed +5.0%)"),
        (
            {"retention": Losses(30, 1.01, 1.0, 1.0)},
            "older approvals +1.0% (allowed +5.0%), which the base model knows better",
        ),
        ({"anchors": Losses(48, 1.6, 1.6, 1.5)}, "general answers +6.7% (allowed +5.0%)"),
        ({"samples": replace(WELL, ending=0.6)}, "60% of 20 sample replies end by themselves"),
        ({"samples": replace(WELL, repeating=0.3)}, "30% repeat themselves (allowed 20%)"),
        ({"samples": replace(WELL, empty=0.2)}, "20% are empty (allowed 10%)"),
        ({"samples": replace(WELL, banned=0.05)}, "5% hold banned words"),
        ({"samples": replace(WELL, shouting=0.05)}, "5% call everybody"),
    ],
)
def test_each_bound_stops_a_candidate(changes: dict[str, Any], words: str) -> None:
    found = decide(replace(GOOD, **changes), RULES)
    assert not found.passed
    assert found.reason.startswith("Not good enough: ")
    assert words in found.reason.split("Otherwise")[0]


def test_the_error_of_the_fall_is_told_and_does_not_decide() -> None:
    for noise, words in ((0.03, "±1.5%"), (0.05, "±2.5%"), (9.0, "±450.0%")):
        found = decide(replace(GOOD, held_out=Losses(4, 1.96, 2.0, 2.5, noise)), RULES)
        assert found.passed
        assert f"fell from 2.00 to 1.96 (-2.0% {words}) on 4 approved replies" in found.reason


def test_a_first_round_has_nothing_to_forget() -> None:
    assert decide(replace(GOOD, retention=None), RULES).passed


def test_replies_may_be_as_bad_as_the_live_ones_but_not_clearly_worse() -> None:
    poor = replace(WELL, ending=0.5, repeating=0.4, empty=0.2)
    report = replace(GOOD, samples=poor)
    assert wants_live_samples(report, RULES)
    assert not wants_live_samples(GOOD, RULES)
    assert decide(replace(report, live_samples=poor), RULES).passed
    assert not decide(replace(report, live_samples=replace(poor, ending=0.9)), RULES).passed
    assert not decide(replace(report, live_samples=replace(poor, repeating=0.1)), RULES).passed
    assert not decide(replace(report, live_samples=replace(poor, empty=0)), RULES).passed
    banned = replace(poor, banned=0.1)
    assert not decide(replace(report, samples=banned, live_samples=banned), RULES).passed


@pytest.mark.parametrize(("count", "passes"), [(13, True), (32, True), (200, False)])
def test_a_candidate_does_not_fail_by_the_luck_of_a_few_draws(count: int, passes: bool) -> None:
    new = replace(WELL, count=count, ending=0.46, repeating=0.0)
    old = replace(new, ending=0.62)
    found = decide(replace(GOOD, samples=new, live_samples=old), RULES)
    assert found.passed is passes
    words = f"46% of {count} sample replies end by themselves (needed 70%, or about the live"
    assert words in found.reason


def test_a_round_that_unlearns_need_not_gain() -> None:
    worse = replace(GOOD, held_out=Losses(12, 2.33, 2.31, 2.5))
    assert not decide(worse, RULES).passed
    found = decide(replace(worse, withdrawn=3), RULES)
    assert found.passed
    assert "3 were withdrawn" in found.reason
    too_much = replace(GOOD, held_out=Losses(12, 2.6, 2.31, 2.5), withdrawn=3)
    assert not decide(too_much, RULES).passed


def test_a_relative_change() -> None:
    assert change(2, 1) == -0.5
    assert change(0, 0) == 0
    assert change(0, 1) == float("inf")
    assert change(1, float("nan")) == float("inf")


@given(st.floats(0.01, 10), st.floats(0.01, 10))
def test_a_candidate_that_lowers_no_loss_never_passes(live: float, rise: float) -> None:
    report = replace(GOOD, held_out=Losses(9, live + rise, live, live))
    assert not decide(report, RULES).passed
