"""What the tables themselves refuse, whoever writes to them."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain import (
    AdapterState,
    ChannelKind,
    ChannelMode,
    FeedbackKind,
    Finish,
    Part,
    RequestKind,
    Role,
    RoundState,
    Ruling,
)
from bot.store import rounds
from bot.store.database import Database
from bot.store.tables import metadata
from tests.store.rows import MODEL, NOW, answered, enter, meet


async def seed(tx: AsyncConnection) -> None:
    """One community, channel, member, exchange and round, each with the id 1."""
    ana, channel = await meet(tx), await enter(tx)
    await answered(tx, channel.id, ana)
    await rounds.create(tx, trigger="request", seed=1, base_model=MODEL, at=NOW)


GOOD: dict[str, dict[str, Any]] = {
    "communities": {"platform": "p", "external_id": "e", "created_at": NOW},
    "channels": {
        "community_id": 1,
        "external_id": "e",
        "kind": "group",
        "mode": "on",
        "created_at": NOW,
    },
    "deliveries": {"channel_id": 1, "external_id": "e", "exchange_id": 1},
    "memos": {"name": "n", "value": {}, "written_at": NOW},
    "members": {"platform": "p", "external_id": "e", "role": "member", "created_at": NOW},
    "exchanges": {
        "channel_id": 1,
        "asker_id": 1,
        "prompt": {},
        "reply": "",
        "adapter": 0,
        "base_model": MODEL,
        "sampling": {},
        "seed": 1,
        "finish": "stop",
        "prompt_tokens": 0,
        "reply_tokens": 0,
        "latency_ms": 0,
        "first_token_ms": 0,
        "origin": "chat",
        "created_at": NOW,
    },
    "messages": {
        "channel_id": 1,
        "position": 1,
        "external_id": "m1",
        "member_id": 1,
        "exchange_id": 1,
        "text": "Hi",
        "created_at": NOW,
    },
    "feedback": {"exchange_id": 1, "member_id": 1, "kind": "like", "created_at": NOW},
    "decisions": {"exchange_id": 1, "moderator_id": 1, "ruling": "skip", "created_at": NOW},
    "rounds": {
        "state": "queued",
        "trigger": "request",
        "requested_by": 1,
        "base_model": MODEL,
        "seed": 1,
        "progress": {},
        "report": {},
        "created_at": NOW,
    },
    "adapters": {
        "base_model": MODEL,
        "parent": 0,
        "state": "live",
        "directory": "v",
        "sha256": "0",
        "metrics": {},
        "created_at": NOW,
    },
    "promotions": {
        "base_model": MODEL,
        "version": 1,
        "previous": 0,
        "kind": "round",
        "actor": "learner",
        "created_at": NOW,
    },
    "round_examples": {"round_id": 1, "exchange_id": 1, "part": "new", "weight": 1.0},
    "requests": {"kind": "train", "member_id": 1, "created_at": NOW},
    "audit": {"actor": "bot", "action": "test", "detail": {}, "created_at": NOW},
    "presence": {
        "process": "bot",
        "pid": 1,
        "detail": {},
        "started_at": NOW,
        "seen_at": NOW,
    },
}


async def test_a_good_row_fits_in_every_table(database: Database) -> None:
    assert set(GOOD) == set(metadata.tables)
    async with database.write() as tx:
        await seed(tx)
        for name, values in GOOD.items():
            await tx.execute(insert(metadata.tables[name]).values(values))


CHOICES = [
    ("channels", "kind", ChannelKind),
    ("channels", "mode", ChannelMode),
    ("members", "role", Role),
    ("exchanges", "finish", Finish),
    ("feedback", "kind", FeedbackKind),
    ("decisions", "ruling", Ruling),
    ("rounds", "state", RoundState),
    ("adapters", "state", AdapterState),
    ("round_examples", "part", Part),
    ("requests", "kind", RequestKind),
]


@pytest.mark.parametrize(("table", "column", "choices"), CHOICES)
async def test_a_choice_takes_its_values_and_no_other(
    database: Database, table: str, column: str, choices: Any
) -> None:
    for choice in choices:
        with pytest.raises(ZeroDivisionError):
            async with database.write() as tx:
                await seed(tx)
                good = GOOD[table] | {column: choice.value}
                await tx.execute(insert(metadata.tables[table]).values(good))
                raise ZeroDivisionError
    with pytest.raises(IntegrityError, match=f"ck_{table}_{column}"):
        async with database.write() as tx:
            await seed(tx)
            bad = GOOD[table] | {column: "else"}
            await tx.execute(insert(metadata.tables[table]).values(bad))


LINKS = [
    (table.name, column.name)
    for table in metadata.tables.values()
    for column in table.columns
    if column.foreign_keys
]


@pytest.mark.parametrize(("table", "column"), LINKS)
async def test_a_link_must_lead_somewhere(database: Database, table: str, column: str) -> None:
    with pytest.raises(IntegrityError, match="FOREIGN KEY"):
        async with database.write() as tx:
            await seed(tx)
            bad = GOOD[table] | {column: 999}
            await tx.execute(insert(metadata.tables[table]).values(bad))


ONCE = [
    ("communities", {}, "external_id"),
    ("channels", {}, "external_id"),
    ("members", {}, "external_id"),
    ("messages", {"external_id": "m2"}, "position"),
    ("messages", {"position": 2}, "external_id"),
    ("adapters", {}, "base_model"),
    ("round_examples", {}, "exchange_id"),
    ("presence", {}, "process"),
]


@pytest.mark.parametrize(("table", "other", "column"), ONCE)
async def test_what_exists_once_cannot_exist_twice(
    database: Database, table: str, other: dict[str, Any], column: str
) -> None:
    into = insert(metadata.tables[table])
    async with database.write() as tx:
        await seed(tx)
        await tx.execute(into.values(GOOD[table]))
    with pytest.raises(IntegrityError, match=f"UNIQUE.*{column}"):
        async with database.write() as tx:
            await tx.execute(into.values(GOOD[table] | other))


async def test_one_adapter_of_each_base_model_may_be_live_and_many_not(database: Database) -> None:
    into = insert(metadata.tables["adapters"])
    async with database.write() as tx:
        for state in AdapterState:
            for model in ("one", "other"):
                row = GOOD["adapters"] | {"state": state.value, "base_model": model}
                copies = 1 if state is AdapterState.LIVE else 3
                await tx.execute(into.values([row] * copies))


@pytest.mark.parametrize("trust", [-0.01, 1.01])
async def test_trust_lies_between_nothing_and_all(database: Database, trust: float) -> None:
    with pytest.raises(IntegrityError, match="ck_members_trust"):
        async with database.write() as tx:
            await tx.execute(
                insert(metadata.tables["members"]).values(GOOD["members"] | {"trust": trust})
            )


async def test_an_id_is_never_used_again(database: Database) -> None:
    """Lineage, audit and file names speak of ids long after a row is gone."""
    for name in ("feedback", "decisions", "adapters", "promotions", "requests", "audit"):
        table = metadata.tables[name]
        [key] = table.primary_key.columns
        async with database.write() as tx:
            if name == "feedback":
                await seed(tx)
            added = await tx.execute(insert(table).values(GOOD[name]).returning(key))
            first = added.scalar_one()
        async with database.write() as tx:
            await tx.execute(table.delete())
            added = await tx.execute(insert(table).values(GOOD[name]).returning(key))
            assert added.scalar_one() > first, name
