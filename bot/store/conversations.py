"""Channels and what was said in them, in order."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain import Channel, ChannelKind, ChannelMode, Member, Message, Place, Said, Turn
from bot.store.tables import channels, communities, deliveries, exchanges, messages


async def enter(tx: AsyncConnection, place: Place, at: datetime) -> Channel:
    """The channel that a place is, made when new together with its community."""
    home = select(communities.c.id).where(
        communities.c.platform == place.platform, communities.c.external_id == place.community
    )
    community = (await tx.execute(home)).scalar_one_or_none()
    if community is None:
        new = {"platform": place.platform, "external_id": place.community, "created_at": at}
        added = await tx.execute(insert(communities).values(new).returning(communities.c.id))
        community = added.scalar_one()
    row = (await tx.execute(_in_community(community, place.channel))).one_or_none()
    if row is None:
        direct = place.kind is ChannelKind.DIRECT
        values = {
            "community_id": community,
            "external_id": place.channel,
            "name": place.name,
            "kind": place.kind.value,
            "mode": (ChannelMode.ON if direct else ChannelMode.MENTION).value,
            "created_at": at,
        }
        row = (await tx.execute(insert(channels).values(values).returning(channels))).one()
    elif place.name and row.name != place.name:
        renamed = update(channels).where(channels.c.id == row.id)
        await tx.execute(renamed.values(name=place.name))
    persona, mode = row.persona, row.mode
    if place.parent:
        above = (await tx.execute(_in_community(community, place.parent))).one_or_none()
        if above is not None:
            persona = persona or above.persona
            mode = above.mode if mode == ChannelMode.MENTION.value else mode
    return Channel(row.id, place, persona, ChannelMode(mode), bool(row.announce))


def _in_community(community: int, external_id: str) -> Select[Any]:
    return select(channels).where(
        channels.c.community_id == community, channels.c.external_id == external_id
    )


async def find(conn: AsyncConnection, place: Place) -> Channel | None:
    """The channel that a place is, if anything was ever said or asked there."""
    query = _placed().where(
        communities.c.platform == place.platform,
        communities.c.external_id == place.community,
        channels.c.external_id == place.channel,
    )
    row = (await conn.execute(query)).one_or_none()
    return None if row is None else _channel(row)


async def every(conn: AsyncConnection) -> list[Channel]:
    """All channels, oldest first."""
    rows = (await conn.execute(_placed().order_by(channels.c.id))).all()
    return [_channel(row) for row in rows]


async def direct(conn: AsyncConnection, platform: str, most: int) -> list[str]:
    """A platform's ids of its direct channels, the ones that were talked in last, those first."""
    newest = select(func.max(messages.c.id)).where(messages.c.channel_id == channels.c.id)
    query = (
        select(channels.c.external_id)
        .join(communities, communities.c.id == channels.c.community_id)
        .where(communities.c.platform == platform, channels.c.kind == ChannelKind.DIRECT.value)
        .order_by(newest.scalar_subquery().desc().nulls_last(), channels.c.id.desc())
        .limit(most)
    )
    return list((await conn.execute(query)).scalars())


def _placed() -> Select[Any]:
    """Channels with where they are."""
    return select(
        channels, communities.c.platform, communities.c.external_id.label("community")
    ).join(communities, communities.c.id == channels.c.community_id)


def _channel(row: Row[Any]) -> Channel:
    """A row of `_placed`."""
    return Channel(
        row.id,
        Place(row.platform, row.community, row.external_id, ChannelKind(row.kind), row.name),
        row.persona,
        ChannelMode(row.mode),
        bool(row.announce),
    )


async def hear(
    tx: AsyncConnection, channel: int, member: Member, message: Message, text: str
) -> int:
    """Keep a member's message; its position in the channel.

    One that was kept before (a platform delivered it twice) stays as it is. A message without an id
    of the platform's is always a new one.
    """
    known = await heard_at(tx, channel, message.external_id)
    if known is not None:
        return known
    position = await _next_position(tx, channel)
    await tx.execute(
        insert(messages).values(
            channel_id=channel,
            position=position,
            external_id=message.external_id or None,
            reply_to=message.reply_to,
            member_id=member.id,
            speaker=member.name,
            text=text,
            created_at=message.at,
        )
    )
    return position


async def heard_at(conn: AsyncConnection, channel: int, external_id: str) -> int | None:
    """The position of the channel's message with a platform's id, if it was kept."""
    seen = select(messages.c.position).where(
        messages.c.channel_id == channel, messages.c.external_id == external_id
    )
    return (await conn.execute(seen)).scalar_one_or_none() if external_id else None


async def answer_to(conn: AsyncConnection, channel: int, external_id: str) -> int | None:
    """The exchange that answered the message with a platform's id, if one did."""
    query = select(messages.c.exchange_id).where(
        messages.c.channel_id == channel,
        messages.c.reply_to == external_id,
        messages.c.exchange_id.is_not(None),
    )
    return (await conn.execute(query)).scalars().first() if external_id else None


async def still_there(conn: AsyncConnection, channel: int, positions: Collection[int]) -> bool:
    """Whether none of these messages was deleted or cleared in the meantime."""
    query = (
        select(func.count())
        .select_from(messages)
        .outerjoin(exchanges, messages.c.exchange_id == exchanges.c.id)
        .where(
            messages.c.channel_id == channel,
            messages.c.position.in_(positions),
            or_(messages.c.text != "", exchanges.c.reply != ""),
        )
    )
    return bool((await conn.execute(query)).scalar_one() == len(positions))


async def say(
    tx: AsyncConnection, channel: int, exchange: int, at: datetime, *, reply_to: str | None = None
) -> None:
    """Keep the bot's reply as the channel's next message; its text is the exchange's.

    `reply_to` is the platform's id of the message that it answers.
    """
    await tx.execute(
        insert(messages).values(
            channel_id=channel,
            position=await _next_position(tx, channel),
            exchange_id=exchange,
            reply_to=reply_to or None,
            text="",
            created_at=at,
        )
    )


async def say_instead(tx: AsyncConnection, channel: int, exchange: int, *, of: int) -> None:
    """Let another try stand in the conversation where the reply `of` stood, if it stands there."""
    await tx.execute(
        update(messages)
        .where(messages.c.channel_id == channel, messages.c.exchange_id == of)
        .values(exchange_id=exchange)
    )


async def history(conn: AsyncConnection, channel: int, limit: int = 200) -> list[Said]:
    """The channel's last messages since its reset, oldest first; cleared replies are left out."""
    since = select(channels.c.reset_position).where(channels.c.id == channel).scalar_subquery()
    query = (
        _said()
        .where(messages.c.channel_id == channel, messages.c.position > since)
        .order_by(messages.c.position.desc())
        .limit(limit)
    )
    rows = (await conn.execute(query)).all()
    return [said for row in reversed(rows) if (said := _one(row))]


async def chain(conn: AsyncConnection, channel: int, reply_to: str, limit: int = 8) -> list[Said]:
    """The messages that lead, each answering the one before it, to one by its platform's id.

    Oldest first. Ends where a message is unknown or was deleted, and after `limit` messages.
    """
    found: list[Said] = []
    seen: set[str] = set()
    wanted: str | None = reply_to
    while wanted and wanted not in seen and len(found) < limit:
        seen.add(wanted)
        delivered = select(deliveries.c.exchange_id).where(
            deliveries.c.channel_id == channel, deliveries.c.external_id == wanted
        )
        query = _said().where(
            messages.c.channel_id == channel,
            or_(
                messages.c.external_id == wanted,
                messages.c.exchange_id == delivered.scalar_subquery(),
            ),
        )
        row = (await conn.execute(query)).first()
        said = _one(row) if row else None
        if row is None or said is None:
            break
        found.append(said)
        wanted = row.reply_to
    return found[::-1]


def _said() -> Select[Any]:
    return select(messages, exchanges.c.reply).outerjoin(
        exchanges, messages.c.exchange_id == exchanges.c.id
    )


def _one(row: Row[Any]) -> Said | None:
    """A row of `_said`; None for what was deleted or cleared."""
    if row.exchange_id is not None:
        return Said(row.position, Turn("assistant", row.reply)) if row.reply else None
    turn = Turn("user", row.text, row.speaker, row.member_id)
    return Said(row.position, turn) if row.text else None


async def reset(tx: AsyncConnection, channel: int) -> None:
    """Begin the channel's conversation anew: what was said before is no longer context."""
    last = select(func.coalesce(func.max(messages.c.position), 0)).where(
        messages.c.channel_id == channel
    )
    await tx.execute(
        update(channels)
        .where(channels.c.id == channel)
        .values(reset_position=last.scalar_subquery())
    )


async def set_persona(tx: AsyncConnection, channel: int, persona: str) -> None:
    """Give the channel a persona of its own; empty takes the one of the settings again."""
    await tx.execute(update(channels).where(channels.c.id == channel).values(persona=persona))


async def set_mode(tx: AsyncConnection, channel: int, mode: ChannelMode) -> None:
    """Say when the bot answers in the channel."""
    await tx.execute(update(channels).where(channels.c.id == channel).values(mode=mode.value))


async def set_announce(tx: AsyncConnection, channel: int, announce: bool) -> None:
    """Say whether the bot tells in the channel what it has learned."""
    await tx.execute(update(channels).where(channels.c.id == channel).values(announce=announce))


async def community_of(conn: AsyncConnection, channel: int) -> int:
    """The row id of a channel's community."""
    query = select(channels.c.community_id).where(channels.c.id == channel)
    return int((await conn.execute(query)).scalar_one())


async def _next_position(tx: AsyncConnection, channel: int) -> int:
    last = select(func.max(messages.c.position)).where(messages.c.channel_id == channel)
    # A forgotten member's rows are gone; positions past a reset must still grow.
    reset_at = select(channels.c.reset_position).where(channels.c.id == channel)
    highest = (await tx.execute(last)).scalar_one() or 0
    return int(max(highest, (await tx.execute(reset_at)).scalar_one())) + 1


@dataclass(frozen=True, slots=True)
class Own:
    """A message of a member's, for a copy of their data."""

    at: datetime
    channel: str
    text: str


async def of_member(conn: AsyncConnection, member: int) -> list[Own]:
    """All messages that are kept of a member, oldest first."""
    query = (
        select(messages.c.created_at, messages.c.text, channels.c.name)
        .join(channels, channels.c.id == messages.c.channel_id)
        .where(messages.c.member_id == member)
        .order_by(messages.c.id)
    )
    return [Own(row.created_at, row.name, row.text) for row in (await conn.execute(query)).all()]
