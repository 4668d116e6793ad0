"""People: who they are, what they agree to, how far their votes are trusted."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Row, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain import Consent, Member, Person, Role
from bot.errors import StoreError
from bot.store import forgetting
from bot.store.tables import members, messages


async def meet(tx: AsyncConnection, person: Person, at: datetime) -> Member:
    """The member that a person is, made when new; name and role follow what is known."""
    seen = await by_key(tx, person.platform, person.id)
    if seen is None:
        values = {
            "platform": person.platform,
            "external_id": person.id,
            "name": person.name,
            "role": person.role.value,
            "created_at": at,
        }
        found = await tx.execute(insert(members).values(values).returning(members))
        return _member(found.one())
    if (seen.name, seen.role) == (person.name, person.role):
        return seen
    changed = update(members).where(members.c.id == seen.id).values(name=person.name)
    if person.role_known:
        changed = changed.values(role=person.role.value)
    await tx.execute(changed)
    return replace(seen, name=person.name, role=person.role)


async def by_key(conn: AsyncConnection, platform: str, external_id: str) -> Member | None:
    """The member with a platform's id, if known."""
    query = select(members).where(
        members.c.platform == platform, members.c.external_id == external_id
    )
    row = (await conn.execute(query)).one_or_none()
    return None if row is None else _member(row)


async def get(conn: AsyncConnection, member: int) -> Member:
    """The member with a row id. Raises `StoreError` when there is none."""
    row = (await conn.execute(select(members).where(members.c.id == member))).one_or_none()
    if row is None:
        raise StoreError(f"There is no member {member}.")
    return _member(row)


async def spoke_before(conn: AsyncConnection, member: int, exchange: int) -> bool:
    """Whether anything is kept that a member said, anywhere, before an exchange's reply."""
    reply = select(messages.c.id).where(messages.c.exchange_id == exchange).scalar_subquery()
    said = select(messages.c.id).where(messages.c.member_id == member, messages.c.id < reply)
    return (await conn.execute(said.limit(1))).first() is not None


async def every(conn: AsyncConnection) -> list[Member]:
    """All members, oldest first."""
    rows = (await conn.execute(select(members).order_by(members.c.id))).all()
    return [_member(row) for row in rows]


async def set_consent(tx: AsyncConnection, member: int, consent: Consent) -> None:
    """Keep what a member agrees to."""
    await tx.execute(
        update(members)
        .where(members.c.id == member)
        .values(answered=consent.answered, remembered=consent.remembered, trained=consent.trained)
    )


async def set_trust(tx: AsyncConnection, member: int, trust: float) -> None:
    """Set how much a member's votes weigh, 0 (ignored) to 1."""
    await tx.execute(update(members).where(members.c.id == member).values(trust=trust))


async def forget(tx: AsyncConnection, member: int) -> int:
    """Forget what a member said and judged, what was said to them, and who they were.

    Returns how many replies to them were cleared. Nothing can be learned from these any more; what
    goes and what stays is written in `bot.store.forgetting`. The platform's id of a member who
    refused something stays, so set the consent first, and meet the person anew afterwards.
    """
    return await forgetting.forget(tx, await get(tx, member))


def _member(row: Row[Any]) -> Member:
    return Member(
        id=row.id,
        platform=row.platform,
        external_id=row.external_id,
        name=row.name,
        role=Role(row.role),
        consent=Consent(row.answered, row.remembered, row.trained),
        trust=row.trust,
    )
