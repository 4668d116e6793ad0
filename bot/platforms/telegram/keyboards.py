"""Buttons under messages, and what pressing them means. What comes back is never trusted.

All that a button needs is in its data, so that it works after a restart and for as long as its
message stands. A press says no more than the same person could say by typing a command.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from telegram import ForceReply, InlineKeyboardButton, InlineKeyboardMarkup

from bot.domain import Person

ANYBODY_ANONYMOUS: Final = "a"
"""Stands for an anonymous administrator, who presses buttons under their own name."""

_MOST_BYTES: Final = 64
_REPLY: Final = {"like": "👍", "dislike": "👎", "again": "🔁", "improve": "✏️"}
_REVIEW: Final = {
    "approve": "✅ Approve",
    "reject": "❌ Reject",
    "correct": "✏️ Correct…",
    "skip": "⏭ Skip",
    "ban": "🚫 Ban rater",
}
_JUDGED: Final = re.compile(rf"v1:({'|'.join((*_REPLY, *_REVIEW))}):([0-9]{{1,18}})")
_CONFIRMED: Final = re.compile(r"v1:(yes|next|no):(a|[0-9]{1,16}):([0-9]{0,18}):(/[^\n]{1,50})?")


@dataclass(frozen=True, slots=True)
class Press:
    """What a button says. `asker` and `line` are of a confirmation: whom was asked, and of what."""

    act: str
    exchange: int | None = None
    asker: str = ""
    line: str = ""


def parse(data: str) -> Press | None:
    """Read a button's data; None for what no button of ours says."""
    if found := _JUDGED.fullmatch(data):
        return Press(found[1], int(found[2]))
    if (found := _CONFIRMED.fullmatch(data)) and (found[4] or found[1] == "no"):
        exchange = int(found[3]) if found[3] else None
        return Press(found[1], exchange, found[2], found[4] or "")
    return None


def rating(exchange: int, votes: tuple[int, int] = (0, 0)) -> InlineKeyboardMarkup:
    """👍 👎 🔁 ✏️ under a reply, with the number of votes so far."""
    counts = dict(zip(("like", "dislike"), votes, strict=True))
    return InlineKeyboardMarkup(
        [
            [
                InlineKeyboardButton(
                    f"{label} {counts[act]}" if counts.get(act) else label,
                    callback_data=f"v1:{act}:{exchange}",
                )
                for act, label in _REPLY.items()
            ]
        ]
    )


def review(exchange: int) -> InlineKeyboardMarkup:
    """What a moderator may do with a reply under review."""
    buttons = [
        InlineKeyboardButton(label, callback_data=f"v1:{act}:{exchange}")
        for act, label in _REVIEW.items()
    ]
    return InlineKeyboardMarkup([buttons[:3], buttons[3:]])


def confirmation(
    person: Person, line: str, exchange: int | None, *, reviewing: bool = False
) -> InlineKeyboardMarkup | None:
    """Confirm and Cancel for the one person who asked; None if the command is too long for that.

    `reviewing`: once it is done, the next reply under review is shown.
    """
    asker = ANYBODY_ANONYMOUS if is_anonymous(person) else person.id
    yes = f"v1:{'next' if reviewing else 'yes'}:{asker}:{exchange or ''}:{line}"
    if len(yes.encode()) > _MOST_BYTES or parse(yes) is None:
        return None
    return InlineKeyboardMarkup(
        [
            [
                InlineKeyboardButton("Confirm", callback_data=yes),
                InlineKeyboardButton("Cancel", callback_data=f"v1:no:{asker}::"),
            ]
        ]
    )


def answer_here() -> ForceReply:
    """Opens the reply form of the person who is named in the message."""
    return ForceReply(selective=True, input_field_placeholder="The better answer")


def is_anonymous(person: Person) -> bool:
    """Whether this is an administrator who writes in the name of the group."""
    return person.id.startswith("anonymous-")
