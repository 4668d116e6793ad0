"""Trust: earned with moderators, a little with peers, and never more than what was set."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from learner.raters import reliability, trusts
from tests.learner.judging import judged


def test_a_newcomer_has_the_trust_that_is_stored() -> None:
    assert trusts([judged("1+ ", trust={1: 0.5})], ()) == {1: pytest.approx(0.5)}
    assert trusts([judged("1+")], ()) == {1: 1.0}
    assert trusts([judged("1+ A", trust={1: 0})], ()) == {1: 0}


def test_agreement_with_moderators_keeps_trust_and_disagreement_takes_it() -> None:
    rulings = [judged("1+ 2- A", number=i) for i in range(8)]
    found = trusts(rulings, ())
    assert found[1] == 1
    assert found[2] == 0


def test_a_coin_weighs_little() -> None:
    rulings = [judged("1+ A" if i % 2 else "1+ R", number=i) for i in range(40)]
    assert trusts(rulings, ())[1] < 0.15


def test_peers_count_less_than_moderators() -> None:
    against_peers = trusts([judged("1- 2+ 3+ 4+", number=i) for i in range(4)], ())
    against_moderators = trusts([judged("1- A", number=i) for i in range(4)], ())
    assert against_moderators[1] < against_peers[1] < 1
    assert against_peers[2] > against_peers[1]


def test_a_correction_counts_as_a_vote_against() -> None:
    found = trusts([judged("1!better 2+ R", number=i) for i in range(6)], ())
    assert found[1] == 1 > found[2]


def test_the_votes_of_moderators_are_not_weighed() -> None:
    rulings = [judged("1+ R", number=i) for i in range(8)]
    assert trusts(rulings, {1}) == {1: 1.0}


def test_untrusted_peers_are_no_evidence() -> None:
    crowd = [judged("1+ 2- 3-", number=i, trust={2: 0, 3: 0}) for i in range(9)]
    assert trusts(crowd, ())[1] == 1


@given(st.floats(0, 100), st.floats(0, 100), st.floats(0.1, 10))
def test_reliability_is_a_share_that_moves_the_right_way(
    right: float, wrong: float, more: float
) -> None:
    here = reliability(right, wrong)
    assert 0 <= here <= 1
    assert reliability(right + more, wrong) >= here - 1e-9
    assert reliability(right, wrong + more) <= here + 1e-9
