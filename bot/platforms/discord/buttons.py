"""Buttons below replies and below what is under review.

Each carries its exchange in its id, so that it works after a restart, and for as long as the
message stands.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, Self

import discord
from discord.ui import Button, DynamicItem, View

if TYPE_CHECKING:
    from bot.platforms.discord.client import Client

_REPLY: Final = {"like": "👍", "dislike": "👎", "again": "🔁", "improve": "✏️"}
_REVIEW: Final = {
    "approve": ("Approve", discord.ButtonStyle.success),
    "reject": ("Reject", discord.ButtonStyle.danger),
    "correct": ("Correct…", discord.ButtonStyle.primary),
    "skip": ("Skip", discord.ButtonStyle.secondary),
    "ban": ("Ban rater", discord.ButtonStyle.secondary),
}


class ReplyButton(
    DynamicItem[Button[Any]],
    template=r"reply:(?P<act>like|dislike|again|improve):(?P<exchange>[0-9]{1,18})",
):
    """👍 👎 🔁 ✏️ below a reply, for anybody who can see it."""

    def __init__(self, act: str, exchange: int) -> None:
        super().__init__(
            Button(
                style=discord.ButtonStyle.secondary,
                emoji=_REPLY[act],
                custom_id=f"reply:{act}:{exchange}",
            )
        )
        self._act = act
        self._exchange = exchange

    @classmethod
    async def from_custom_id(
        cls, _interaction: discord.Interaction[Any], _item: Any, match: re.Match[str], /
    ) -> Self:
        """The button that an id stands for."""
        return cls(match["act"], int(match["exchange"]))

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        """Somebody clicked."""
        client: Client = interaction.client
        await client.clicked(interaction, self._act, self._exchange)


class ReviewButton(
    DynamicItem[Button[Any]],
    template=r"review:(?P<act>approve|reject|correct|skip|ban):(?P<exchange>[0-9]{1,18})",
):
    """Approve, Reject, Correct…, Skip and Ban rater below an exchange that `/review` shows."""

    def __init__(self, act: str, exchange: int) -> None:
        label, style = _REVIEW[act]
        super().__init__(Button(style=style, label=label, custom_id=f"review:{act}:{exchange}"))
        self._act = act
        self._exchange = exchange

    @classmethod
    async def from_custom_id(
        cls, _interaction: discord.Interaction[Any], _item: Any, match: re.Match[str], /
    ) -> Self:
        """The button that an id stands for."""
        return cls(match["act"], int(match["exchange"]))

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        """Somebody clicked."""
        client: Client = interaction.client
        await client.reviewed(interaction, self._act, self._exchange)


def reply_buttons(exchange: int | None) -> View | None:
    """The buttons below a reply that can be judged."""
    return None if exchange is None else _row(*(ReplyButton(act, exchange) for act in _REPLY))


def review_buttons(exchange: int) -> View:
    """The buttons below an exchange that a moderator is asked to judge."""
    return _row(*(ReviewButton(act, exchange) for act in _REVIEW))


def _row(*items: DynamicItem[Any]) -> View:
    view = View(timeout=None)
    for item in items:
        view.add_item(item)
    return view
