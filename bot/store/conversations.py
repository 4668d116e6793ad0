"""Channels and what was said in them, in order."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain import Channel, ChannelKind, ChannelMode, Member, Message, Place, Said, Turn
from bot.store.tables import channels, communities, exchanges, messages


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
    query = select(channels).where(
        channels.c.community_id == community, channels.c.external_id == place.channel
    )
    row = (await tx.execute(query)).one_or_none()
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
    return Channel(row.id, place, row.persona, ChannelMode(row.mode))


async def every(conn: AsyncConnection) -> list[Channel]:
    """All channels, oldest first."""
    home = communities.c.id == channels.c.community_id
    query = (
        select(channels, communities.c.platform, communities.c.external_id.label("community"))
        .join(communities, home)
        .order_by(channels.c.id)
    )
    return [
        Channel(
            row.id,
            Place(row.platform, row.community, row.external_id, ChannelKind(row.kind), row.name),
            row.persona,
            ChannelMode(row.mode),
        )
        for row in (await conn.execute(query)).all()
    ]


async def hear(
    tx: AsyncConnection, channel: int, member: Member, message: Message, text: str
) -> bool:
    """Keep a member's message; False when it was kept before (a platform delivered it twice).

    A message without an id of the platform's is always a new one.
    """
    if await was_heard(tx, channel, message.external_id):
        return False
    await tx.execute(
        insert(messages).values(
            channel_id=channel,
            position=await _next_position(tx, channel),
            external_id=message.external_id or None,
            member_id=member.id,
            speaker=member.name,
            text=text,
            created_at=message.at,
        )
    )
    return True


async def was_heard(conn: AsyncConnection, channel: int, external_id: str) -> bool:
    """Whether the channel's message with a platform's id was kept before."""
    seen = select(messages.c.id).where(
        messages.c.channel_id == channel, messages.c.external_id == external_id
    )
    return bool(external_id) and (await conn.execute(seen)).first() is not None


async def still_there(conn: AsyncConnection, channel: int, positions: Collection[int]) -> bool:
    """Whether none of these messages was deleted or cleared in the meantime."""
    query = (
        select(func.count())
        .select_from(messages)
        .outerjoin(exchanges, messages.c.exchange_id == exchanges.c.id)
        .where(
            messages.c.channel_id == channel,
            messages.c.position.in_(positions),
            or_(messages.c.exchange_id.is_(None), exchanges.c.reply != ""),
        )
    )
    return bool((await conn.execute(query)).scalar_one() == len(positions))


async def say(tx: AsyncConnection, channel: int, exchange: int, at: datetime) -> None:
    """Keep the bot's reply as the channel's next message; its text is the exchange's."""
    await tx.execute(
        insert(messages).values(
            channel_id=channel,
            position=await _next_position(tx, channel),
            exchange_id=exchange,
            text="",
            created_at=at,
        )
    )


async def history(conn: AsyncConnection, channel: int, limit: int = 200) -> list[Said]:
    """The channel's last messages since its reset, oldest first; cleared replies are left out."""
    since = select(channels.c.reset_position).where(channels.c.id == channel).scalar_subquery()
    query = (
        select(messages, exchanges.c.reply)
        .outerjoin(exchanges, messages.c.exchange_id == exchanges.c.id)
        .where(messages.c.channel_id == channel, messages.c.position > since)
        .order_by(messages.c.position.desc())
        .limit(limit)
    )
    said = []
    for row in (await conn.execute(query)).all():
        if row.exchange_id is None:
            said.append(Said(row.position, Turn("user", row.text, row.speaker, row.member_id)))
        elif row.reply:
            said.append(Said(row.position, Turn("assistant", row.reply)))
    return said[::-1]


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


async def _next_position(tx: AsyncConnection, channel: int) -> int:
    last = select(func.max(messages.c.position)).where(messages.c.channel_id == channel)
    # A forgotten member's rows are gone; positions past a reset must still grow.
    reset_at = select(channels.c.reset_position).where(channels.c.id == channel)
    highest = (await tx.execute(last)).scalar_one() or 0
    return int(max(highest, (await tx.execute(reset_at)).scalar_one())) + 1
