"""What admins ask of the learner: kept as rows, so that neither process waits for the other."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain import Request, RequestKind
from bot.store.tables import requests


async def ask(
    tx: AsyncConnection, kind: RequestKind, at: datetime, member: int | None = None
) -> Request:
    """Keep a request; a second one of its kind before the first is answered is the same one."""
    for waiting in await pending(tx):
        if waiting.kind is kind:
            return waiting
    values = {"kind": kind.value, "member_id": member, "created_at": at}
    added = await tx.execute(insert(requests).values(values).returning(requests.c.id))
    return Request(added.scalar_one(), kind, member, at)


async def pending(conn: AsyncConnection) -> list[Request]:
    """Requests that have no answer yet, oldest first."""
    query = select(requests).where(requests.c.answered_at.is_(None)).order_by(requests.c.id)
    return [
        Request(row.id, RequestKind(row.kind), row.member_id, row.created_at)
        for row in (await conn.execute(query)).all()
    ]


async def answer(tx: AsyncConnection, request: int, text: str, at: datetime) -> None:
    """Close a request with what came of it."""
    change = update(requests).where(requests.c.id == request)
    await tx.execute(change.values(answered_at=at, answer=text))
