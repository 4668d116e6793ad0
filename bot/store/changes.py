"""What happens to messages after they were sent: delivered, edited, deleted, moved elsewhere."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace

from sqlalchemy import Row, Select, delete, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain import Place, Prompt, Turn
from bot.store.forgetting import clear, without
from bot.store.tables import channels, communities, deliveries, exchanges, messages


async def deliver(
    tx: AsyncConnection, channel: int, exchange: int, external_ids: Iterable[str]
) -> None:
    """Keep under which of a platform's ids a reply is shown, so that it can be judged there."""
    values = [
        {"channel_id": channel, "external_id": external_id, "exchange_id": exchange}
        for external_id in dict.fromkeys(external_ids)
    ]
    if values:
        ids = [value["external_id"] for value in values]
        await tx.execute(
            delete(deliveries).where(
                deliveries.c.channel_id == channel, deliveries.c.external_id.in_(ids)
            )
        )
        await tx.execute(insert(deliveries), values)


async def exchange_of(conn: AsyncConnection, channel: int, external_id: str) -> int | None:
    """The exchange that a message of the bot's shows."""
    query = select(deliveries.c.exchange_id).where(
        deliveries.c.channel_id == channel, deliveries.c.external_id == external_id
    )
    return (await conn.execute(query)).scalar_one_or_none()


async def place_of(conn: AsyncConnection, place: Place, external_id: str) -> Place | None:
    """The channel of a place's community in which a message of the bot's is shown."""
    query = (
        select(channels.c.external_id)
        .join(communities, communities.c.id == channels.c.community_id)
        .join(deliveries, deliveries.c.channel_id == channels.c.id)
        .where(
            communities.c.platform == place.platform,
            communities.c.external_id == place.community,
            deliveries.c.external_id == external_id,
        )
    )
    channel = (await conn.execute(query)).scalars().first()
    return None if channel is None else replace(place, channel=channel)


async def was_delivered(conn: AsyncConnection, exchange: int) -> bool:
    """Whether a reply is shown anywhere on its platform."""
    query = select(deliveries.c.exchange_id).where(deliveries.c.exchange_id == exchange)
    return (await conn.execute(query)).first() is not None


async def edit(tx: AsyncConnection, channel: int, external_id: str, text: str) -> None:
    """Let a member's message say something else from now on, here and in the prompts that hold it.

    One that is not kept stays so.
    """
    query = select(messages).where(
        messages.c.channel_id == channel,
        messages.c.external_id == external_id,
        messages.c.exchange_id.is_(None),
        messages.c.text != "",
    )
    row = (await tx.execute(query)).one_or_none()
    if row is not None and row.text != text:
        await tx.execute(update(messages).where(messages.c.id == row.id).values(text=text))
        for exchange, prompt in await _prompts_since(tx, channel, row):
            turns = tuple(replace(t, text=text) if _is(t, row) else t for t in prompt.turns)
            if turns != prompt.turns:
                await _reword(tx, exchange, replace(prompt, turns=turns))


async def remove(tx: AsyncConnection, channel: int, external_ids: Collection[str]) -> None:
    """Follow the deletion of messages.

    A member's message is emptied, here and in the prompts that hold it; replies to it are cleared
    with all that was said of them. A reply of the bot's that was deleted is no longer context.
    """
    here = messages.c.channel_id == channel
    rows = (
        await tx.execute(select(messages).where(here, messages.c.external_id.in_(external_ids)))
    ).all()
    for row in rows:
        gone = update(messages).where(messages.c.id == row.id)
        await tx.execute(gone.values(text="", speaker="", member_id=None))
        if row.text:
            await _withdraw(tx, channel, row)
    shown = select(deliveries.c.exchange_id).where(
        deliveries.c.channel_id == channel, deliveries.c.external_id.in_(external_ids)
    )
    await tx.execute(delete(messages).where(here, messages.c.exchange_id.in_(shown)))


async def _withdraw(tx: AsyncConnection, channel: int, message: Row[tuple[object, ...]]) -> None:
    """Take a message out of the prompts that it was read in, and clear what answers it.

    Replies may repeat its words: those that are cleared leave later prompts as well.
    """
    prompts = await _prompts_since(tx, channel, message)
    answers = await _answers_to(tx, channel, message.external_id)
    answers.update(id_ for id_, prompt in prompts if _is(prompt.turns[-1], message))
    said = select(exchanges.c.reply).where(exchanges.c.id.in_(answers), exchanges.c.reply != "")
    replies = set((await tx.execute(said)).scalars())
    for exchange, prompt in prompts:
        kept = tuple(turn for turn in prompt.turns if not _is(turn, message))
        thinner = without(replace(prompt, turns=kept), replies)
        if exchange not in answers and thinner != prompt:
            await _reword(tx, exchange, thinner)
    await clear(tx, answers)


async def _answers_to(tx: AsyncConnection, channel: int, external_id: str) -> set[int]:
    """The replies to a message, with all the tries: their prompts may hold more than its text."""
    query = select(messages.c.exchange_id).where(
        messages.c.channel_id == channel,
        messages.c.reply_to == external_id,
        messages.c.exchange_id.is_not(None),
    )
    found: set[int] = set()
    new = set((await tx.execute(query)).scalars())
    while new:
        found |= new
        tries = select(exchanges.c.id, exchanges.c.retry_of).where(
            or_(exchanges.c.retry_of.in_(new), exchanges.c.id.in_(new))
        )
        rows = (await tx.execute(tries)).all()
        new = {one for row in rows for one in (row.id, row.retry_of) if one is not None} - found
    return found


async def _prompts_since(
    tx: AsyncConnection, channel: int, message: Row[tuple[object, ...]]
) -> list[tuple[int, Prompt]]:
    """The exchanges that may hold a message, with their prompts; without those that are cleared."""
    query = select(exchanges.c.id, exchanges.c.prompt).where(
        exchanges.c.channel_id == channel, exchanges.c.created_at >= message.created_at
    )
    prompts = [(row.id, Prompt.from_json(row.prompt)) for row in (await tx.execute(query)).all()]
    return [(exchange, prompt) for exchange, prompt in prompts if prompt.turns]


async def _reword(tx: AsyncConnection, exchange: int, prompt: Prompt) -> None:
    change = update(exchanges).where(exchanges.c.id == exchange)
    await tx.execute(change.values(prompt=prompt.to_json()))


def _is(turn: Turn, message: Row[tuple[object, ...]]) -> bool:
    return bool(turn.member == message.member_id and turn.text == message.text)


async def move(tx: AsyncConnection, before: Place, after: Place) -> None:
    """Give a community and its channels the ids that they have on their platform from now on.

    What was said at the new place already comes after what was said at the old one. The platform
    counts messages anew there, so the ids of the old ones are given up.
    """
    old, new = await _community(tx, before), await _community(tx, after)
    if old is None or old == new:
        return
    for row in (await tx.execute(_channels(old))).all():
        suffix = row.external_id.removeprefix(before.channel)
        if suffix == row.external_id:
            continue
        nameless = update(messages).where(messages.c.channel_id == row.id)
        await tx.execute(nameless.values(external_id=None, reply_to=None))
        await tx.execute(delete(deliveries).where(deliveries.c.channel_id == row.id))
        wanted = after.channel + suffix
        if new is not None:
            there = _channels(new).where(channels.c.external_id == wanted)
            newer = (await tx.execute(there)).one_or_none()
            if newer is not None:
                await _append(tx, row.id, newer.id)
        await tx.execute(update(channels).where(channels.c.id == row.id).values(external_id=wanted))
    if new is None:
        renamed = update(communities).where(communities.c.id == old)
        await tx.execute(renamed.values(external_id=after.community))
    else:
        moved = update(channels).where(channels.c.community_id == old)
        await tx.execute(moved.values(community_id=new))
        await tx.execute(delete(communities).where(communities.c.id == old))


async def _append(tx: AsyncConnection, channel: int, newer: int) -> None:
    """Put all of a newer channel behind what a channel holds, and drop the newer one."""
    last = select(func.coalesce(func.max(messages.c.position), 0)).where(
        messages.c.channel_id == channel
    )
    after = (await tx.execute(last)).scalar_one()
    await tx.execute(
        update(messages)
        .where(messages.c.channel_id == newer)
        .values(channel_id=channel, position=messages.c.position + after)
    )
    for table in (exchanges, deliveries):
        moved = update(table).where(table.c.channel_id == newer)
        await tx.execute(moved.values(channel_id=channel))
    await tx.execute(delete(channels).where(channels.c.id == newer))


def _channels(community: int) -> Select[tuple[int, str]]:
    return select(channels.c.id, channels.c.external_id).where(channels.c.community_id == community)


async def _community(conn: AsyncConnection, place: Place) -> int | None:
    query = select(communities.c.id).where(
        communities.c.platform == place.platform, communities.c.external_id == place.community
    )
    return (await conn.execute(query)).scalar_one_or_none()
