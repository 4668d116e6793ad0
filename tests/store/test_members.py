"""People are met once, and what they choose stays chosen."""

from __future__ import annotations

import asyncio

import pytest

from bot.domain import Consent, Person, Role
from bot.errors import StoreError
from bot.store import members
from bot.store.database import Database
from tests.store.rows import NOW, meet

ANA = Person("discord", "1", "Ana")


async def test_a_person_is_met_once_and_followed(database: Database) -> None:
    async with database.write() as tx:
        first = await members.meet(tx, ANA, NOW)
        assert (first.name, first.role, first.consent) == ("Ana", Role.MEMBER, Consent())
        assert first.trust == 1.0
        again = await members.meet(tx, Person("discord", "1", "Anna", Role.ADMIN), NOW)
        assert (again.id, again.name, again.role) == (first.id, "Anna", Role.ADMIN)
        assert await members.get(tx, first.id) == again
        assert (await members.meet(tx, ANA, NOW)).role is Role.MEMBER  # rights can be taken away
        assert (await members.meet(tx, Person("telegram", "1", "Ana"), NOW)).id != first.id


async def test_somebody_met_twice_at_once_is_one_member(url: str) -> None:
    handles = [await Database.open(url) for _ in range(2)]

    async def come(number: int) -> int:
        async with handles[number % 2].write() as tx:
            return (await members.meet(tx, ANA, NOW)).id

    assert len(set(await asyncio.gather(*(come(n) for n in range(8))))) == 1
    for handle in handles:
        await handle.close()


@pytest.mark.parametrize("answered", [True, False])
@pytest.mark.parametrize("remembered", [True, False])
@pytest.mark.parametrize("trained", [True, False, None])
async def test_consent_stays_as_it_was_given(
    database: Database, answered: bool, remembered: bool, trained: bool | None
) -> None:
    consent = Consent(answered, remembered, trained)
    async with database.write() as tx:
        ana, bob = await meet(tx, "Ana"), await meet(tx, "Bob")
        await members.set_consent(tx, ana.id, consent)
        await members.set_trust(tx, ana.id, 0.5)
    async with database.write() as tx:
        ana = await meet(tx, "Ana")
        assert (ana.consent, ana.trust) == (consent, 0.5)
        assert await members.get(tx, bob.id) == bob


async def test_who_is_not_known(database: Database) -> None:
    async with database.read() as conn:
        assert await members.by_key(conn, "discord", "1") is None
        with pytest.raises(StoreError, match="no member 7"):
            await members.get(conn, 7)
