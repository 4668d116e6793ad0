"""What can be seen of replies."""

from __future__ import annotations

import pytest

from learner.replies import Written, distinct, look_at, repeats, shouts


@pytest.mark.parametrize(
    ("text", "yes"),
    [
        ("I am here. " * 8, True),
        ("no no no no no no no no no no no no no no", True),
        ("yes yes yes", False),
        (
            "The quick brown fox jumps over the lazy dog, and then it sleeps. What do you say?",
            False,
        ),
        ("One, two, three, four, five, six, seven, eight, nine, ten, eleven, twelve.", False),
        ("", False),
    ],
)
def test_repeating(text: str, yes: bool) -> None:
    assert repeats(text) is yes


@pytest.mark.parametrize(
    ("text", "yes"),
    [("hey @everyone!", True), ("@HERE", True), ("mail everyone", False), ("@anna", False)],
)
def test_shouting(text: str, yes: bool) -> None:
    assert shouts(text) is yes


def test_the_shares() -> None:
    found = look_at(
        [
            Written("A fine reply.", True),
            Written(" ", True),
            Written("so Darn bad @everyone", False),
            Written("darning socks", True),
        ],
        ("darn",),
    )
    assert found.to_json() == {
        "count": 4,
        "ending": 0.75,
        "repeating": 0.0,
        "empty": 0.25,
        "banned": 0.25,
        "shouting": 0.25,
    }
    assert look_at([], ()).ending == 0
    assert look_at([Written("anything", True)]).banned == 0


def test_distinct_runs_of_words() -> None:
    assert distinct(["a b a b"], 1) == 0.5
    assert distinct(["a b a b"], 2) == pytest.approx(2 / 3)
    assert distinct([], 1) == 0
