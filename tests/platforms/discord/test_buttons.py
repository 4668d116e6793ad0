"""What the ids of buttons carry, and that nothing else is read from them."""

from __future__ import annotations

import discord
import pytest

from bot.platforms.discord.buttons import (
    Confirming,
    Judging,
    Press,
    confirm_buttons,
    parse,
    reply_buttons,
    review_buttons,
)

SNOWFLAKE = 2**63 - 1


def ids_of(view: discord.ui.View | None) -> list[str]:
    assert view is not None
    return [item.custom_id for item in view.children if isinstance(item, discord.ui.DynamicItem)]


def test_every_id_fits_into_discords_hundred_characters_and_is_read_again() -> None:
    ids = [
        *ids_of(reply_buttons(10**18 - 1)),
        *ids_of(review_buttons(10**18 - 1)),
        *ids_of(confirm_buttons(SNOWFLAKE, SNOWFLAKE, "/promote 123456789")),
    ]
    assert len(ids) == 4 + 5 + 2
    assert all(len(custom_id) <= 100 and parse(custom_id) for custom_id in ids)


@pytest.mark.parametrize(
    ("custom_id", "means"),
    [
        ("reply:like:7", Judging("reply", "like", 7)),
        ("review:ban:7", Judging("review", "ban", 7)),
        ("confirm:1:2:promote 3", Confirming(1, 2, "/promote 3")),
        ("confirm:1:2:", Confirming(1, 2, "")),
        ("reply:ban:7", None),
        ("review:like:7", None),
        ("reply:like:7\n", None),
        ("reply:like:", None),
        ("confirm:1:2:train now", None),
        ("confirm:1:2:promote 3 4", None),
        ("confirm:1:2:forget", None),
        ("confirm:1:2:/forget yes", None),
        ("", None),
    ],
)
def test_only_what_a_button_of_ours_says_is_understood(custom_id: str, means: Press | None) -> None:
    assert parse(custom_id) == means


@pytest.mark.parametrize("line", ["/forget yes", "/rollback", "/promote 12"])
def test_what_can_be_confirmed_is_in_the_button(line: str) -> None:
    yes, no = ids_of(confirm_buttons(1, 2, line))
    assert parse(yes) == Confirming(1, 2, line)
    assert parse(no) == Confirming(1, 2, "")


@pytest.mark.parametrize("line", ["/ban 3", "/train now", "/promote 3; /forget yes"])
def test_no_button_gives_any_other_command(line: str) -> None:
    with pytest.raises(ValueError, match="custom_id"):
        confirm_buttons(1, 2, line)
