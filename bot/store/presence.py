"""Which processes live, and whether the chat is busy: how the learner knows when to yield."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.store.tables import presence


@dataclass(frozen=True, slots=True)
class Presence:
    """A process as it last showed itself. `busy_until` is a promise that it is busy until then."""

    process: str
    pid: int
    detail: Mapping[str, Any]
    started_at: datetime
    seen_at: datetime
    busy_until: datetime | None


async def show(
    tx: AsyncConnection,
    process: str,
    pid: int,
    at: datetime,
    *,
    busy_until: datetime | None = None,
    **detail: Any,
) -> None:
    """Say that a process ("bot", "learner") lives, and what it is about."""
    now = {"seen_at": at, "busy_until": busy_until, "detail": detail}
    same = (presence.c.process == process) & (presence.c.pid == pid)
    if (await tx.execute(update(presence).where(same).values(now))).rowcount == 0:
        await tx.execute(delete(presence).where(presence.c.process == process))
        new = {"process": process, "pid": pid, "started_at": at, **now}
        await tx.execute(insert(presence).values(new))


async def leave(tx: AsyncConnection, process: str, pid: int) -> None:
    """Say that a process ends."""
    same = (presence.c.process == process) & (presence.c.pid == pid)
    await tx.execute(delete(presence).where(same))


async def every(conn: AsyncConnection) -> dict[str, Presence]:
    """All processes that have shown themselves and not left, by name."""
    return {
        row.process: Presence(
            row.process, row.pid, row.detail, row.started_at, row.seen_at, row.busy_until
        )
        for row in (await conn.execute(select(presence))).all()
    }
