"""What follows from what was said: a table of cases."""

from __future__ import annotations

import pytest

from learner.verdicts import Outcome, verdict
from tests.learner.judging import MODERATOR, judged

FULL = {1: 1.0, 2: 1.0, 3: 1.0, 4: 1.0, 5: 1.0}
YES, NO, OPEN = Outcome.APPROVED, Outcome.REJECTED, Outcome.UNDECIDED


@pytest.mark.parametrize(
    ("said", "outcome", "text", "weight"),
    [
        ("", OPEN, "", 0),
        ("1+", YES, "reply 1", 1),
        ("1-", NO, "", 0),
        ("1+ 2-", OPEN, "", 0),
        ("1+ 2+ 3-", YES, "reply 1", 1 / 3),
        ("1+ 2+ 3+", YES, "reply 1", 1),
        ("1+ 1-", NO, "", 0),
        ("1- 1+", YES, "reply 1", 1),
        ("1+ 10", OPEN, "", 0),
        ("1+ 2+ 20", YES, "reply 1", 1),
        ("1- 10 2+", YES, "reply 1", 1),
        ("1!better", YES, "better", 1),
        ("1- 1!better", YES, "better", 1),
        ("1!better 1+", YES, "reply 1", 1),
        ("1+ 1!better", YES, "better", 1),
        ("1!better 10", YES, "better", 1),
        ("1!better 1!best", YES, "best", 1),
        ("1!better 2!best", YES, "best", 1),
        ("1!better 2+", OPEN, "", 0),
        ("1!better 2+ 3+", YES, "reply 1", 1 / 3),
        ("1!better 2- 3+", YES, "better", 1 / 3),
        ("1! 2-", NO, "", 0),
        ("1- 2- A", YES, "reply 1", 1),
        ("1+ 2+ R", NO, "", 0),
        ("1+ C:better", YES, "better", 1),
        ("1+ C:", NO, "", 0),
        ("R A", YES, "reply 1", 1),
        ("A R", NO, "", 0),
        ("A S", YES, "reply 1", 1),
        ("1+ S", YES, "reply 1", 1),
        ("1+ 2f", OPEN, "", 0),
        ("2f A", YES, "reply 1", 1),
        ("A 2f", OPEN, "", 0),
        ("2f S 1+", OPEN, "", 0),
        ("2f R 1+", NO, "", 0),
    ],
)
def test_what_follows(said: str, outcome: Outcome, text: str, weight: float) -> None:
    found = verdict(judged(said), FULL)
    assert (found.outcome, found.text) == (outcome, text)
    assert found.weight == pytest.approx(weight)
    assert bool(found.why) is (outcome is not YES)


def test_votes_weigh_by_trust() -> None:
    weights = {1: 0.2, 2: 1.0, 3: 0.0}
    assert verdict(judged("1+ 2-"), weights).outcome is NO
    assert verdict(judged("1+"), weights).weight == pytest.approx(0.2)
    assert verdict(judged("3+"), weights).outcome is OPEN
    assert verdict(judged("2+ 3-"), weights).weight == 1
    assert verdict(judged("2+ 3f"), weights).outcome is YES, "a flag by nobody whom we trust"
    assert verdict(judged("1!worse 2!better"), weights).text == "better"
    assert verdict(judged("2!better 1!worse"), weights).text == "better"


def test_the_weight_is_told_apart_by_who_gave_it() -> None:
    weights = {1: 1.0, 2: 0.5, 3: 1.0}
    found = verdict(judged("1+ 2+"), weights)
    assert found.by == pytest.approx({1: 2 / 3, 2: 1 / 3})
    assert verdict(judged("1+ 3+"), weights, staff={3}).by == pytest.approx({1: 0.5})
    assert verdict(judged("1+ A"), weights).by == {}


def test_a_correction_by_somebody_who_allows_no_training_is_only_a_vote_against() -> None:
    assert verdict(judged("1!better"), FULL, muted={1}).outcome is NO
    assert verdict(judged("1!better 2!best"), FULL, muted={2}).text == "better"
    assert verdict(judged("1+ C:better"), FULL, muted={MODERATOR}).outcome is NO


@pytest.mark.parametrize(
    ("said", "author"),
    [("1+", None), ("1- A", None), ("1!better 2!best", 2), ("1!better C:best", MODERATOR)],
)
def test_whose_words_are_learned_is_told(said: str, author: int | None) -> None:
    assert verdict(judged(said), FULL).author == author
