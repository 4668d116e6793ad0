"""Forgetting a member: what they said and judged, what was said to them, and who they were.

Rows that others lean on stay, empty and without a name, so that counts and lineage remain true.
An exchange is cleared, its prompt, its reply and every text about it, when the member asked for
it, when its prompt holds words of theirs, or when its prompt holds a reply to them: the bot may
have repeated their words there. From other prompts the replies so cleared are taken out as well.

What stays: what others said of them in their own words, adapters that were trained before (their
lineage names the exchanges, so that a later round can leave them out), and the platform's id of a
member who refused something or whose votes are not fully trusted: without it, the refusal would be
forgotten too.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Iterable
from typing import Any, Final

from sqlalchemy import delete, exists, or_, select, true, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain import Channel, ChannelKind, Consent, Member, Place, Prompt, Role, Ruling
from bot.store.tables import (
    audit,
    channels,
    decisions,
    exchanges,
    feedback,
    members,
    messages,
    promotions,
)

_CHUNK: Final = 500
_EMPTY: Final = Prompt("", ()).to_json()


async def forget(tx: AsyncConnection, member: Member) -> int:
    """Forget a member; return how many messages and exchanges were deleted or cleared."""
    await _leave_direct_channels(tx, member.id)
    cleared = await _clear_exchanges(tx, member.id)
    await tx.execute(delete(feedback).where(feedback.c.member_id == member.id))
    mine = decisions.c.moderator_id == member.id
    # A ruling stands without its author, but a correction is nothing but their words.
    await tx.execute(delete(decisions).where(mine, decisions.c.ruling == Ruling.CORRECT.value))
    await tx.execute(update(decisions).where(mine).values(text=""))
    said = await tx.execute(delete(messages).where(messages.c.member_id == member.id))
    await _leave_no_name(tx, member)
    return said.rowcount + cleared


async def _clear_exchanges(tx: AsyncConnection, member: int) -> int:
    replies_to = {
        row.reply
        async for row in _scan(tx, exchanges, exchanges.c.id, exchanges.c.reply)
        if False
    }
    return len(replies_to)
