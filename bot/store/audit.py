"""Who did what that others may ask about: promotions, rollbacks, rulings, forgetting."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.store.tables import audit


@dataclass(frozen=True, slots=True)
class Act:
    """One line of the audit log. `actor` is a person's key, "learner" or "bot"."""

    actor: str
    action: str
    subject: str
    detail: Mapping[str, Any]
    at: datetime


async def note(
    tx: AsyncConnection, actor: str, action: str, at: datetime, subject: str = "", **detail: Any
) -> None:
    """Add a line, in the transaction of the act itself."""
    await tx.execute(
        insert(audit).values(
            actor=actor, action=action, subject=subject, detail=detail, created_at=at
        )
    )


async def recent(conn: AsyncConnection, count: int = 50) -> list[Act]:
    """The newest lines, newest first."""
    query = select(audit).order_by(audit.c.id.desc()).limit(count)
    return [
        Act(row.actor, row.action, row.subject, row.detail, row.created_at)
        for row in (await conn.execute(query)).all()
    ]
