"""What buttons say, and what is believed of it when it comes back."""

from __future__ import annotations

import pytest
from telegram import InlineKeyboardMarkup

from bot.domain import Person
from bot.platforms.telegram import keyboards
from bot.platforms.telegram.keyboards import Press, parse

ANA = Person("telegram", "5000000001", "Ana")


def data(markup: InlineKeyboardMarkup | None) -> list[str]:
    assert markup is not None
    return [str(button.callback_data) for row in markup.inline_keyboard for button in row]


def labels(markup: InlineKeyboardMarkup) -> list[str]:
    return [button.text for row in markup.inline_keyboard for button in row]


def test_votes_are_counted_on_the_buttons_from_the_first_on() -> None:
    assert labels(keyboards.rating(7)) == ["👍", "👎", "🔁", "✏️"]
    assert labels(keyboards.rating(7, (12, 0))) == ["👍 12", "👎", "🔁", "✏️"]


def test_every_button_says_what_it_does_to_which_reply() -> None:
    pressed = [parse(one) for one in data(keyboards.rating(7)) + data(keyboards.review(8))]
    assert pressed == [
        *(Press(act, 7) for act in ("like", "dislike", "again", "improve")),
        *(Press(act, 8) for act in ("approve", "reject", "correct", "skip", "ban")),
    ]


def test_a_confirmation_names_whom_it_asks_and_of_what() -> None:
    yes, no = data(keyboards.confirmation(ANA, "/forget yes", None))
    assert parse(yes) == Press("yes", None, ANA.id, "/forget yes")
    assert parse(no) == Press("no", None, ANA.id)
    yes, _ = data(keyboards.confirmation(ANA, "/ban", 12, reviewing=True))
    assert parse(yes) == Press("next", 12, ANA.id, "/ban")


def test_an_anonymous_administrator_is_asked_as_one() -> None:
    boss = Person("telegram", "anonymous--100123", "Hall")
    yes, _ = data(keyboards.confirmation(boss, "/rollback", None))
    assert parse(yes) == Press("yes", None, keyboards.ANYBODY_ANONYMOUS, "/rollback")


def test_no_buttons_for_what_does_not_fit_into_64_bytes() -> None:
    assert keyboards.confirmation(ANA, "/persona " + "é" * 30, None) is None
    assert keyboards.confirmation(ANA, "/two\nlines", None) is None
    channel = Person("telegram", "channel--100", "News")
    assert keyboards.confirmation(channel, "/forget yes", None) is None
    for exchange in (None, 10**12):
        markup = keyboards.confirmation(ANA, "/forget yes", exchange)
        assert all(len(one.encode()) <= 64 for one in data(markup))


@pytest.mark.parametrize(
    "forged",
    [
        "",
        "like:7",
        "v2:like:7",
        "v1:like:",
        "v1:like:-1",
        "v1:like:7:8",
        "v1:like:7\n",
        "v1:like:" + "9" * 30,
        "v1:like:٣",
        "v1:drop:7",
        "v1:yes:5::",
        "v1:yes:5::forget yes",
        "v1:yes:me::/forget yes",
        "v1:yes:5:x:/forget yes",
        "v1:yes:5::/a\n/b",
        "v1:yes:5::/" + "a" * 80,
    ],
)
def test_what_no_button_says_is_not_believed(forged: str) -> None:
    assert parse(forged) is None
