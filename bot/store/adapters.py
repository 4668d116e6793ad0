"""Adapter versions, which of them is live, and the history of what was live."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Row, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain import BASE, Adapter, AdapterState
from bot.errors import AdapterError
from bot.store.tables import adapters, promotions


@dataclass(frozen=True, slots=True)
class Promotion:
    """A version went live; `kind` is "round", "promote" or "rollback"."""

    id: int
    base_model: str
    version: int
    previous: int
    kind: str


async def add(tx: AsyncConnection, adapter: Adapter) -> Adapter:
    """Keep a new adapter; it comes back with its version, which was never used before."""
    values = {
        "base_model": adapter.base_model,
        "parent": adapter.parent,
        "state": adapter.state.value,
        "directory": adapter.directory,
        "sha256": adapter.sha256,
        "metrics": dict(adapter.metrics),
        "reason": adapter.reason,
        "round": adapter.round,
        "created_at": adapter.created_at,
    }
    added = await tx.execute(insert(adapters).values(values).returning(adapters.c.version))
    return replace(adapter, version=added.scalar_one())


async def get(conn: AsyncConnection, version: int) -> Adapter:
    """The adapter with a version. Raises `AdapterError` when there is none."""
    found = await conn.execute(select(adapters).where(adapters.c.version == version))
    row = found.one_or_none()
    if row is None:
        raise AdapterError(f"There is no adapter version {version}.")
    return _adapter(row)


async def every(conn: AsyncConnection, base_model: str | None = None) -> list[Adapter]:
    """All adapters, or those of one base model, oldest first."""
    query = select(adapters).order_by(adapters.c.version)
    if base_model is not None:
        query = query.where(adapters.c.base_model == base_model)
    return [_adapter(row) for row in (await conn.execute(query)).all()]


async def live(conn: AsyncConnection, base_model: str) -> Adapter | None:
    """The live adapter of a base model; None when the base model itself is live."""
    query = select(adapters).where(
        adapters.c.base_model == base_model, adapters.c.state == AdapterState.LIVE.value
    )
    row = (await conn.execute(query)).one_or_none()
    return None if row is None else _adapter(row)


async def describe(
    tx: AsyncConnection,
    version: int,
    *,
    directory: str | None = None,
    sha256: str | None = None,
    metrics: Mapping[str, Any] | None = None,
) -> None:
    """Fill in what was not known when the version was made."""
    values: dict[str, Any] = {
        "directory": directory,
        "sha256": sha256,
        "metrics": metrics and dict(metrics),
    }
    given = {name: value for name, value in values.items() if value is not None}
    if not given:
        return
    await tx.execute(update(adapters).where(adapters.c.version == version).values(given))


async def promote(
    tx: AsyncConnection, version: int, *, base_model: str, actor: str, at: datetime, kind: str
) -> int:
    """Make a version (or `BASE`) live and retire what was; return what was live before.

    `kind` is "round", "promote" or "rollback". Raises `AdapterError` for a version that is
    rejected, failed, unpublished, or of another base model.
    """
    now_live = await live(tx, base_model)
    previous = now_live.version if now_live else BASE
    if version == previous:
        raise AdapterError(f"{name(version)} is live already.")
    if version != BASE:
        adapter = await get(tx, version)
        if adapter.base_model != base_model:
            raise AdapterError(f"{name(version)} was made for another base model.")
        if adapter.state in (AdapterState.REJECTED, AdapterState.FAILED):
            why = f": {adapter.reason}" if adapter.reason else "."
            raise AdapterError(f"{name(version)} cannot go live, it is {adapter.state.value}{why}")
        if not adapter.directory:
            raise AdapterError(f"{name(version)} cannot go live, its files are not published yet.")
    if now_live is not None:
        await _set_state(tx, previous, AdapterState.RETIRED)
    if version != BASE:
        await _set_state(tx, version, AdapterState.LIVE)
    await tx.execute(
        insert(promotions).values(
            base_model=base_model,
            version=version,
            previous=previous,
            kind=kind,
            actor=actor,
            created_at=at,
        )
    )
    return previous


async def promotions_after(conn: AsyncConnection, after: int) -> list[Promotion]:
    """The promotions with a row id above `after`, oldest first."""
    query = select(promotions).where(promotions.c.id > after).order_by(promotions.c.id)
    return [
        Promotion(row.id, row.base_model, row.version, row.previous, row.kind)
        for row in (await conn.execute(query)).all()
    ]


async def reject(tx: AsyncConnection, version: int, reason: str) -> None:
    """Mark a candidate as one that did not pass the gate.

    Raises `AdapterError` for a version that is or was live: to take that back is a rollback.
    """
    state = (await get(tx, version)).state
    if state not in (AdapterState.CANDIDATE, AdapterState.REJECTED):
        raise AdapterError(f"{name(version)} cannot be rejected, it is {state.value}.")
    await _set_state(tx, version, AdapterState.REJECTED, reason)


async def fail(
    tx: AsyncConnection, version: int, reason: str, *, base_model: str, at: datetime
) -> int:
    """Mark a version that cannot be used as failed; return the version that is live after that.

    When it was live, what was live before it (and has not failed itself) becomes live again.
    """
    adapter = await get(tx, version)
    if adapter.state is AdapterState.LIVE:
        mine = adapter.base_model
        target = await rollback_target(tx, mine)
        await promote(tx, target, base_model=mine, actor="bot", at=at, kind="rollback")
    await _set_state(tx, version, AdapterState.FAILED, reason)
    now_live = await live(tx, base_model)
    return now_live.version if now_live else BASE


async def rollback_target(conn: AsyncConnection, base_model: str) -> int:
    """What a rollback would make live: what was live when the live version was promoted.

    A second rollback goes further back, it does not undo the first. Versions that have since
    failed are passed over. Raises `AdapterError` when the base model is live.
    """
    now_live = await live(conn, base_model)
    if now_live is None:
        raise AdapterError("Nothing to roll back: the base model is live without an adapter.")
    usable = {
        adapter.version
        for adapter in await every(conn, base_model)
        if adapter.state is AdapterState.RETIRED
    }
    for version in reversed((await _line(conn, base_model))[:-1]):
        if version == BASE or version in usable:
            return version
    return BASE


async def _line(conn: AsyncConnection, base_model: str) -> list[int]:
    """The versions that led to the live one, which is last: what a rollback walks back along.

    A promotion adds to the line; a rollback cuts it after the version that it went back to.
    """
    query = (
        select(promotions.c.version, promotions.c.kind)
        .where(promotions.c.base_model == base_model)
        .order_by(promotions.c.id)
    )
    line = [BASE]
    for version, kind in (await conn.execute(query)).all():
        if kind == "rollback":
            line.pop()
            while line and line[-1] != version:
                line.pop()
        if kind != "rollback" or not line:
            line.append(version)
    return line


def name(version: int) -> str:
    """How people read a version."""
    return "The base model" if version == BASE else f"Version {version}"


async def _set_state(
    tx: AsyncConnection, version: int, state: AdapterState, reason: str = ""
) -> None:
    values = {"state": state.value} | ({"reason": reason} if reason else {})
    await tx.execute(update(adapters).where(adapters.c.version == version).values(values))


def _adapter(row: Row[Any]) -> Adapter:
    return Adapter(
        version=row.version,
        base_model=row.base_model,
        parent=row.parent,
        state=AdapterState(row.state),
        directory=row.directory,
        sha256=row.sha256,
        metrics=row.metrics,
        created_at=row.created_at,
        round=row.round,
        reason=row.reason,
    )
