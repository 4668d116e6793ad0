"""Buttons below replies, below what is under review, and below questions; and what they mean.

All that a button means is in its id, so that it works after a restart, and for as long as the
message stands. What comes back is never trusted: a click says no more than the same person could
say by a command.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self

import discord
from discord.ui import Button, DynamicItem, View

if TYPE_CHECKING:
    from bot.platforms.discord.client import Client

_GREY: Final = discord.ButtonStyle.secondary
_REPLY: Final = {"like": "👍", "dislike": "👎", "again": "🔁", "improve": "✏️"}
_REVIEW: Final = {
    "approve": ("Approve", discord.ButtonStyle.success),
    "reject": ("Reject", discord.ButtonStyle.danger),
    "correct": ("Correct…", discord.ButtonStyle.primary),
    "skip": ("Skip", _GREY),
    "ban": ("Ban rater", _GREY),
}
_JUDGED: Final = (
    rf"(?P<what>reply:(?:{'|'.join(_REPLY)})|review:(?:{'|'.join(_REVIEW)}))"
    r":(?P<exchange>[0-9]{1,18})"
)
_CONFIRMED: Final = (
    r"confirm:(?P<asker>[0-9]{1,20}):(?P<question>[0-9]{1,20}):"
    r"(?P<line>(?:forget yes|rollback|promote [0-9]{1,18})?)"
)
"""The only commands that a button gives. Without one it is the button that cancels."""

_ANY: Final = re.compile(rf"(?:{_JUDGED}|{_CONFIRMED})\Z")


@dataclass(frozen=True, slots=True)
class Judging:
    """A button below a reply (`row` is "reply"), or below one under review ("review")."""

    row: str
    act: str
    exchange: int


@dataclass(frozen=True, slots=True)
class Confirming:
    """Confirm or Cancel.

    Attributes:
        asker: the user id of the one person who was asked.
        question: the id of the interaction that was answered with the question.
        line: the command to give; empty: nothing is to be done.
    """

    asker: int
    question: int
    line: str


Press = Judging | Confirming


def parse(custom_id: str) -> Press | None:
    """What a button means; None for what no button of ours says. Pure."""
    found = _ANY.fullmatch(custom_id)
    if found is None:
        return None
    if found["what"]:
        row, act = found["what"].split(":")
        return Judging(row, act, int(found["exchange"]))
    line = f"/{found['line']}" if found["line"] else ""
    return Confirming(int(found["asker"]), int(found["question"]), line)


class HouseButton(DynamicItem[Button[Any]], template=_ANY):
    """Any button of ours, new or as it stands below a message of whatever age."""

    @classmethod
    async def from_custom_id(
        cls, _interaction: discord.Interaction[Any], item: Any, _match: re.Match[str], /
    ) -> Self:
        """The button of a message that somebody clicked."""
        return cls(item)

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        """Somebody clicked."""
        client: Client = interaction.client
        press = parse(self.custom_id)
        if press is not None:
            await client.pressed(interaction, press)


def reply_buttons(exchange: int | None) -> View | None:
    """👍 👎 🔁 ✏️ below a reply that can be judged, for anybody who can see it."""
    if exchange is None:
        return None
    return _row(
        Button(emoji=emoji, style=_GREY, custom_id=f"reply:{act}:{exchange}")
        for act, emoji in _REPLY.items()
    )


def review_buttons(exchange: int) -> View:
    """Approve, Reject, Correct…, Skip and Ban rater below what a moderator is asked to judge."""
    return _row(
        Button(label=label, style=style, custom_id=f"review:{act}:{exchange}")
        for act, (label, style) in _REVIEW.items()
    )


def confirm_buttons(asker: int, question: int, line: str) -> View:
    """Confirm and Cancel below the question whether to give a command; see `Confirming`.

    Raises `ValueError` for a command that no button gives.
    """
    about = f"confirm:{asker}:{question}:"
    return _row(
        Button(label=label, style=style, custom_id=about + given)
        for label, style, given in (
            ("Confirm", discord.ButtonStyle.danger, line.removeprefix("/")),
            ("Cancel", _GREY, ""),
        )
    )


def _row(buttons: Iterable[Button[Any]]) -> View:
    view = View(timeout=None)
    for button in buttons:
        view.add_item(HouseButton(button))
    return view
