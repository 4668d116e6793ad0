"""Forgetting a member: what they said and judged, what was said to them, and who they were.

Rows that others lean on stay, empty and without a name, so that counts and lineage remain true.
An exchange is cleared, its prompt, its reply and every text about it, when the member asked for
it, when its prompt holds words of theirs, or when its prompt holds a reply to them: the bot may
have repeated their words there. From later prompts the replies so cleared are taken out as well.

What stays: what others said of them in their own words, adapters that were trained before (their
lineage names the exchanges; later rounds cannot learn from them), and the platform's id of a
member who refused something or whose votes are not fully trusted: without it, the refusal would be
forgotten too.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Collection, Iterable
from dataclasses import replace
from typing import Any, Final

from sqlalchemy import Row, Table, delete, exists, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain import ChannelKind, Member, Prompt, Role, Ruling
from bot.store.database import FORGOTTEN
from bot.store.tables import (
    audit,
    channels,
    communities,
    decisions,
    deliveries,
    exchanges,
    feedback,
    members,
    messages,
    promotions,
)

_CHUNK: Final = 500
_EMPTY: Final = Prompt("", ()).to_json()


async def forget(tx: AsyncConnection, member: Member) -> int:
    """Forget a member; return how many replies to them were cleared."""
    await _leave_direct_channels(tx, member.id)
    cleared = await _clear_exchanges(tx, member.id)
    await tx.execute(delete(feedback).where(feedback.c.member_id == member.id))
    mine = decisions.c.moderator_id == member.id
    # A ruling stands without its author, but a correction is nothing but their words.
    await tx.execute(delete(decisions).where(mine, decisions.c.ruling == Ruling.CORRECT.value))
    await tx.execute(update(decisions).where(mine).values(text=""))
    await tx.execute(delete(messages).where(messages.c.member_id == member.id))
    await _leave_no_name(tx, member)
    tx.info[FORGOTTEN] = True
    return cleared


async def _clear_exchanges(tx: AsyncConnection, member: int) -> int:
    own: set[int] = set()
    replied = 0
    to_member: dict[int, set[str]] = defaultdict(set)  # by channel: replies to the member
    repeating: dict[int, set[str]] = defaultdict(set)  # replies that may repeat their words
    tainted: set[int] = set()
    thinner: dict[int, Prompt] = {}
    c = exchanges.c
    # In the order of ids: a prompt holds only replies that were made before it.
    async for row in _scan(tx, exchanges, c.channel_id, c.asker_id, c.prompt, c.reply):
        if row.asker_id == member:
            own.add(row.id)
            replied += bool(row.reply)
            to_member[row.channel_id].add(row.reply)
            continue
        prompt = Prompt.from_json(row.prompt)
        said = {turn.text for turn in prompt.turns if turn.role == "assistant"}
        theirs = any(turn.member == member for turn in prompt.turns)
        if theirs or said & to_member[row.channel_id]:
            tainted.add(row.id)
            repeating[row.channel_id].add(row.reply)
        elif said & repeating[row.channel_id]:
            thinner[row.id] = without(prompt, repeating[row.channel_id])
    await clear(tx, own | tainted)
    for exchange, prompt in thinner.items():
        change = update(exchanges).where(exchanges.c.id == exchange)
        await tx.execute(change.values(prompt=prompt.to_json()))
    return replied


async def clear(tx: AsyncConnection, ids: Iterable[int]) -> None:
    """Empty exchanges: nothing can be learned from them, shown or judged any more."""
    for some in _batches(sorted(ids)):
        change = update(exchanges).where(exchanges.c.id.in_(some))
        await tx.execute(change.values(prompt=_EMPTY, reply=""))
        for said in (feedback, decisions):
            await tx.execute(update(said).where(said.c.exchange_id.in_(some)).values(text=""))
        await tx.execute(delete(deliveries).where(deliveries.c.exchange_id.in_(some)))


def without(prompt: Prompt, replies: Collection[str]) -> Prompt:
    """The prompt without the turns of the bot that are among some replies."""
    kept = (t for t in prompt.turns if t.role != "assistant" or t.text not in replies)
    return replace(prompt, turns=tuple(kept))


async def _leave_direct_channels(tx: AsyncConnection, member: int) -> None:
    """Direct channels of the member alone lose the platform's ids, which may be the person's."""
    here = messages.c.channel_id == channels.c.id, exchanges.c.channel_id == channels.c.id
    said, asked = messages.c.member_id, exchanges.c.asker_id
    alone = (
        select(channels.c.id, channels.c.community_id)
        .where(channels.c.kind == ChannelKind.DIRECT.value)
        .where(
            exists().where(here[0], said == member) | exists().where(here[1], asked == member),
            ~exists().where(here[0], said != member),
            ~exists().where(here[1], asked != member),
        )
    )
    for row in (await tx.execute(alone)).all():
        change = update(channels).where(channels.c.id == row.id)
        await tx.execute(change.values(external_id=f"forgotten-{row.id}", name="", persona=""))
        others = exists().where(
            channels.c.community_id == row.community_id, channels.c.id != row.id
        )
        home = update(communities).where(communities.c.id == row.community_id, ~others)
        await tx.execute(home.values(external_id=f"forgotten-{row.community_id}", name=""))


async def _leave_no_name(tx: AsyncConnection, member: Member) -> None:
    consent = member.consent
    refused = not consent.answered or not consent.remembered or consent.trained is False
    nameless: dict[str, Any] = {"name": "", "role": Role.MEMBER.value}
    if not refused and member.trust == 1:
        nameless["external_id"] = f"forgotten-{member.id}"
    await tx.execute(update(members).where(members.c.id == member.id).values(nameless))
    key, stand_in = f"{member.platform}:{member.external_id}", f"forgotten:{member.id}"
    promoted = update(promotions).where(promotions.c.actor == key)
    await tx.execute(promoted.values(actor=stand_in))
    async for row in _scan(tx, audit, audit.c.actor, audit.c.subject, audit.c.detail):
        actor = stand_in if row.actor == key else row.actor
        subject = row.subject.replace(key, stand_in)
        detail = _scrubbed(row.detail, key, everything=row.actor == key)
        if (actor, subject, detail) != (row.actor, row.subject, row.detail):
            change = update(audit).where(audit.c.id == row.id)
            await tx.execute(change.values(actor=actor, subject=subject, detail=detail))


def _scrubbed(value: Any, key: str, *, everything: bool) -> Any:
    """A JSON value in which strings that name `key`, or all strings, are empty."""
    if isinstance(value, str):
        return "" if everything or key in value else value
    if isinstance(value, dict):
        return {k: _scrubbed(v, key, everything=everything) for k, v in value.items()}
    if isinstance(value, list):
        return [_scrubbed(v, key, everything=everything) for v in value]
    return value


async def _scan(tx: AsyncConnection, table: Table, *columns: Any) -> AsyncIterator[Row[Any]]:
    """Every row of a table by id, a chunk at a time, so that a big table needs little memory."""
    after = 0
    while True:
        query = select(table.c.id, *columns).where(table.c.id > after).order_by(table.c.id)
        rows = (await tx.execute(query.limit(_CHUNK))).all()
        for row in rows:
            yield row
        if len(rows) < _CHUNK:
            return
        after = rows[-1].id


def _batches(ids: list[int]) -> Iterable[list[int]]:
    return (ids[start : start + _CHUNK] for start in range(0, len(ids), _CHUNK))
