"""An exchange comes back as it was saved, and judged ones with all that was said of them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.domain import Consent, Decision, FeedbackKind, Ruling
from bot.errors import StoreError
from bot.store import exchanges, feedback, members
from bot.store.database import Database
from tests.store.rows import NOW, answered, enter, exchange, meet, reply, say, turn


async def test_an_exchange_comes_back_as_it_was_saved(database: Database) -> None:
    async with database.write() as tx:
        ana, channel = await meet(tx), await enter(tx)
        made = exchange(channel.id, ana, turn(ana, "Hi"), reply("Oh"), turn(ana, "Né? 🙂\n\t"))
        saved = await exchanges.save(tx, made)
    assert saved == replace(made, id=saved.id)
    async with database.read() as conn:
        assert await exchanges.get(conn, saved.id) == saved
        assert await exchanges.of_member(conn, ana.id) == [saved]
        with pytest.raises(StoreError, match="no reply 99"):
            await exchanges.get(conn, 99)


async def test_the_last_of_a_channel(database: Database) -> None:
    async with database.write() as tx:
        ana, channel, other = await meet(tx), await enter(tx), await enter(tx, "other")
        assert await exchanges.last_in(tx, channel.id) is None
        await answered(tx, channel.id, ana)
        last = await answered(tx, channel.id, ana)
        await answered(tx, other.id, ana)
        assert await exchanges.last_in(tx, channel.id) == last


async def test_judged_ones_come_with_all_that_was_said_of_them(database: Database) -> None:
    async with database.write() as tx:
        ana, bob, channel = await meet(tx, "Ana"), await meet(tx, "Bob"), await enter(tx)
        await members.set_trust(tx, bob.id, 0.25)
        voted = await answered(tx, channel.id, ana)
        await answered(tx, channel.id, ana)  # nobody says a word of it
        ruled = await answered(tx, channel.id, ana)
        cleared = await answered(tx, channel.id, ana, reply="")
        events = [
            await say(tx, voted, ana, FeedbackKind.LIKE),
            await say(tx, voted, bob, FeedbackKind.CORRECTION, "better"),
        ]
        await say(tx, cleared, bob, FeedbackKind.LIKE)
        decision = await feedback.decide(tx, Decision(ruled.id, bob.id, Ruling.APPROVE, NOW))
    async with database.read() as conn:
        first, second = await exchanges.judged(conn, trained_by_default=True)
    assert first.exchange == voted
    assert first.feedback == tuple(events)
    assert first.decisions == ()
    assert first.trust == {ana.id: 1.0, bob.id: 0.25}
    assert second.exchange == ruled
    assert second.feedback == ()
    assert second.decisions == (decision,)


@pytest.mark.parametrize(
    ("asker", "other", "default", "consented"),
    [
        (Consent(), Consent(), True, True),
        (Consent(), Consent(), False, False),
        (Consent(trained=True), Consent(trained=True), False, True),
        (Consent(trained=True), Consent(), False, False),
        (Consent(), Consent(trained=False), True, False),
        (Consent(trained=False), Consent(), True, False),
        (Consent(remembered=False, trained=True), Consent(), True, False),
        (Consent(), Consent(remembered=False), True, False),
        (Consent(answered=False), Consent(), True, True),
    ],
)
async def test_everybody_in_the_prompt_must_agree_to_training(
    database: Database, asker: Consent, other: Consent, default: bool, consented: bool
) -> None:
    async with database.write() as tx:
        ana, bob, channel = await meet(tx, "Ana"), await meet(tx, "Bob"), await enter(tx)
        await members.set_consent(tx, ana.id, asker)
        await members.set_consent(tx, bob.id, other)
        about = await answered(tx, channel.id, ana, turn(bob, "Me"), reply("Oh"), turn(ana, "I"))
        carl = await meet(tx, "Carl")  # who only rates has no words in it
        await members.set_consent(tx, carl.id, Consent(trained=False))
        await say(tx, about, carl, FeedbackKind.LIKE)
    async with database.read() as conn:
        [judged] = await exchanges.judged(conn, trained_by_default=default)
        allowed = await exchanges.consented(conn, [about.id, 77], trained_by_default=default)
    assert judged.consented is consented
    assert allowed == ({judged.exchange.id} if consented else set())


async def test_an_asker_who_is_not_in_the_turns_must_agree_too(database: Database) -> None:
    async with database.write() as tx:
        ana, bob, channel = await meet(tx, "Ana"), await meet(tx, "Bob"), await enter(tx)
        await members.set_consent(tx, ana.id, Consent(trained=False))
        about = await answered(tx, channel.id, ana, turn(bob, "Me"))
        await say(tx, about, bob, FeedbackKind.LIKE)
    async with database.read() as conn:
        [judged] = await exchanges.judged(conn, trained_by_default=True)
    assert not judged.consented


@pytest.mark.parametrize("count", [0, 1, 2, 1200])
async def test_many_are_saved_in_their_order(database: Database, count: int) -> None:
    async with database.write() as tx:
        ana, channel = await meet(tx), await enter(tx)
        await answered(tx, channel.id, ana)
        made = [exchange(channel.id, ana, reply=f"{number}") for number in range(count)]
        ids = await exchanges.save_all(tx, made)
        assert len(ids) == count
        for key, one in list(zip(ids, made, strict=True))[:: max(1, count // 10)]:
            assert await exchanges.get(tx, key) == replace(one, id=key)
