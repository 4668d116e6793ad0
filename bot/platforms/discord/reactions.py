"""👍 and 👎 as reactions: the same votes as by the buttons."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import discord
import structlog

from bot.domain import FeedbackKind, Person
from bot.platforms.discord.formatting import thumb
from bot.platforms.discord.incoming import person_of
from bot.platforms.discord.surface import TROUBLES

if TYPE_CHECKING:
    from bot.platforms.discord.client import Client

log = structlog.get_logger()

_VOTES: Final = {"👍": FeedbackKind.LIKE, "👎": FeedbackKind.DISLIKE}


def vote_of(emoji: str) -> FeedbackKind | None:
    """The vote that an emoji stands for, if any."""
    return _VOTES.get(thumb(emoji))


async def reacted(client: Client, payload: discord.RawReactionActionEvent, *, added: bool) -> None:
    """The walk of one reaction that somebody added or took back."""
    kind = vote_of(payload.emoji.name or "")
    place = client.place(payload.channel_id, payload.guild_id)
    # People react to replies that still grow, and more quickly than their end is kept.
    exchange = await client.room.exchange_of(place, str(payload.message_id), wait=True)
    if kind is None or exchange is None:
        return
    person = await _reactor(client, payload)
    if person is None or person.is_bot:
        return
    removed = None
    if not added:
        removed, kind = kind, await _left_standing(client, payload) or FeedbackKind.RETRACTION
    await client.room.rating(person, place, exchange, kind, via="reaction", of=removed)


async def missed(client: Client, message: discord.Message) -> None:
    """Count the thumbs on a message of the bot's that were given while nobody listened.

    When they were given nobody tells, so they count only for members who have no vote, and who
    spoke before the reply: that is not so after a /forget.
    """
    guild = message.guild.id if message.guild else None
    place = client.place(message.channel.id, guild)
    thumbs = [(r, kind) for r in message.reactions if (kind := vote_of(str(r.emoji)))]
    exchange = await client.room.exchange_of(place, str(message.id)) if thumbs else None
    if exchange is None:
        return
    for reaction, kind in thumbs:
        most = min(reaction.count, _MOST_MISSED)
        try:
            given = [user async for user in reaction.users(limit=most) if not user.bot]
        except TROUBLES as error:
            log.info("cannot look at a message's reactions", error=str(error))
            return
        for user in given:
            person = await _person(client, guild, user.id)
            if person is not None:
                await client.room.rating(person, place, exchange, kind, via="reaction", first=True)


_MOST_MISSED: Final = 50
"""People whose reaction to one message is looked up; each is one request."""


async def _reactor(client: Client, payload: discord.RawReactionActionEvent) -> Person | None:
    """Who reacted; Discord tells it fully only when a reaction is added in a server."""
    if payload.member is not None:
        return person_of(payload.member)
    return await _person(client, payload.guild_id, payload.user_id)


async def _person(client: Client, guild_id: int | None, user: int) -> Person | None:
    """Somebody by their id, in a server with the role that they have there."""
    guild = client.get_guild(guild_id) if guild_id else None
    try:
        if guild is not None:
            return person_of(await guild.fetch_member(user))
        return person_of(client.get_user(user) or await client.fetch_user(user))
    except TROUBLES as error:
        log.info("cannot find out who reacted", error=str(error))
        return None


async def _left_standing(
    client: Client, payload: discord.RawReactionActionEvent
) -> FeedbackKind | None:
    """The vote of somebody who took one thumb back and left the other one."""
    channel = client.get_channel(payload.channel_id)
    if not isinstance(channel, discord.abc.Messageable):
        channel = None
    known = channel or client.get_partial_messageable(payload.channel_id, guild_id=payload.guild_id)
    try:
        message = await known.fetch_message(payload.message_id)
        for reaction in message.reactions:
            if kind := vote_of(str(reaction.emoji)):
                async for user in reaction.users():
                    if user.id == payload.user_id:
                        return kind
    except TROUBLES as error:
        log.info("cannot look at a message's reactions", error=str(error))
    return None
