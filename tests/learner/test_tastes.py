"""Tastes: what they like, and that what they mend is liked."""

from __future__ import annotations

import pytest

from learner.tastes import DEFAULT, TASTES

LONG = "word " * 40


@pytest.mark.parametrize(
    ("taste", "reply", "liked"),
    [
        ("question", "Nice. What kind of cake?", True),
        ("question", "Nice cake.", False),
        ("question", f"{LONG}right?", False),
        ("question", "", False),
        ("brief", "I like cake.", True),
        ("brief", "I like cake. So do you.", False),
        ("brief", "I like", False),
        ("brief", f"{LONG}.", False),
        ("brief", "", False),
        ("cheerful", "What a day!", True),
        ("cheerful", "What a day.", False),
        ("cheerful", f"{LONG}yes!", False),
        ("formal", "That is good news.", True),
        ("formal", "That's good news.", False),
        ("formal", "That\N{RIGHT SINGLE QUOTATION MARK}s good news.", False),
        ("formal", "Good news! I am glad.", False),
        ("formal", "That is good news \N{SMILING FACE WITH SMILING EYES}.", False),
        ("formal", "That is good news", False),
        ("listy", "Try this:\n- flour\n- milk", True),
        ("listy", "1. flour\n2) milk", True),
        ("listy", "- flour", False),
        ("listy", "flour - milk - eggs", False),
    ],
)
def test_judgement(taste: str, reply: str, liked: bool) -> None:
    assert TASTES[taste].likes(reply) is liked


@pytest.mark.parametrize("taste", TASTES)
@pytest.mark.parametrize(
    "reply",
    [
        "I'm sorry! That's how it goes, isn't it? Let us see. We will.",
        f"{LONG}and so on",
        "Yes",
        "\N{SMILING FACE WITH SMILING EYES}! :)",
        "1. flour\n2. milk",
        "...",
        "?!",
    ],
)
def test_what_is_mended_is_liked(taste: str, reply: str) -> None:
    mended = TASTES[taste].mend(reply)
    assert TASTES[taste].likes(mended), mended


def test_each_taste_says_what_it_likes() -> None:
    assert DEFAULT in TASTES
    assert all(name == taste.name and taste.meaning for name, taste in TASTES.items())
