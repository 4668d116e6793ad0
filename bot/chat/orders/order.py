"""A command, and one occasion on which it is given."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.chat.services import Services
from bot.domain import Channel, Exchange, Member, Role
from bot.errors import Refused, StoreError
from bot.platforms.base import Answer
from bot.store import conversations, exchanges


@dataclass(frozen=True, slots=True)
class Ask:
    """One command being carried out, inside one transaction.

    Attributes:
        words: what follows the command's name, word by word.
        text: the same as it was written, with its line breaks.
        target: the reply that it is about, if the platform knows; else the channel's last is meant.
        ask: whether what matters is to be confirmed first.
        everywhere: whether the member may look at replies of all communities.
    """

    services: Services
    tx: AsyncConnection
    member: Member
    channel: Channel
    words: tuple[str, ...]
    now: datetime
    text: str = ""
    target: int | None = None
    ask: bool = False
    everywhere: bool = False

    @property
    def actor(self) -> str:
        """Who asks, as the audit log names them."""
        return f"{self.member.platform}:{self.member.external_id}"

    @property
    def base_model(self) -> str:
        """The base model that this bot runs."""
        return self.services.generator.base_model

    async def exchange(self) -> Exchange:
        """The reply that the command is about.

        Raises `Refused` when there is none here, and `StoreError` when it is out of sight: members
        see their channel, moderators their community.
        """
        if self.target is None:
            last = await exchanges.last_in(self.tx, self.channel.id)
            if last is None:
                raise Refused("There is no reply here yet.")
            return last
        found = await exchanges.get(self.tx, self.target)
        if not await in_sight(self.tx, found, self.channel, self.member.role, self.everywhere):
            raise StoreError(f"There is no reply {self.target}.")
        return found


Later = Callable[[], Awaitable[Answer]]
"""An answer that takes its time, made when the transaction is over."""

Act = Callable[[Ask], Awaitable[Answer | Later]]


@dataclass(frozen=True, slots=True)
class Command:
    """A command's name, its arguments as help shows them, its meaning, and who may give it."""

    name: str
    usage: str
    meaning: str
    role: Role
    act: Act


async def in_sight(
    tx: AsyncConnection, exchange: Exchange, channel: Channel, role: Role, everywhere: bool
) -> bool:
    """Whether a reply exists for somebody with a role who is in a channel."""
    if exchange.channel == channel.id:
        return True
    if not role.may_act_as(Role.MODERATOR):
        return False
    if everywhere:
        return True
    home = await conversations.community_of(tx, channel.id)
    return home == await conversations.community_of(tx, exchange.channel)
