"""Small facts that must outlive the process: how far updates were read, what admins switched."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any, Final

from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain import Schedule
from bot.store.database import FORGOTTEN
from bot.store.tables import memos

_SCHEDULE: Final = "schedule"


async def get(conn: AsyncConnection, name: str) -> Any:
    """What was kept under a name, or None."""
    found = await conn.execute(select(memos.c.value).where(memos.c.name == name))
    return found.scalar_one_or_none()


async def put(
    tx: AsyncConnection, name: str, value: Any, at: datetime, *, forget: bool = False
) -> None:
    """Keep a JSON-ready value under a name, in place of what was there.

    With `forget` nothing of what was there stays on the disk.
    """
    await tx.execute(delete(memos).where(memos.c.name == name))
    await tx.execute(insert(memos).values(name=name, value=value, written_at=at))
    if forget:
        tx.info[FORGOTTEN] = True


async def schedule(conn: AsyncConnection) -> Schedule:
    """What admins changed about when the learner looks for work."""
    return Schedule(**(await get(conn, _SCHEDULE) or {}))


async def set_schedule(tx: AsyncConnection, changed: Schedule, at: datetime) -> None:
    """Change when the learner looks for work; it follows within seconds."""
    await put(tx, _SCHEDULE, asdict(changed), at)
