"""Nothing that a forgotten member said, and nothing that tells who they were, stays anywhere."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain import (
    ChannelKind,
    Consent,
    Decision,
    FeedbackKind,
    Part,
    Person,
    Place,
    Prompt,
    Role,
    Ruling,
)
from bot.store import adapters, audit, conversations, exchanges, feedback, members, rounds
from bot.store.database import Database
from tests.store.rows import (
    MODEL,
    NOW,
    answered,
    enter,
    meet,
    message,
    published,
    reply,
    room,
    say,
    turn,
)

WORD = "sesame-7391"
ANA = Person("telegram", "9948271", f"Ana {WORD}", Role.MODERATOR)
DIRECT = Place("telegram", ANA.id, ANA.id, ChannelKind.DIRECT, ANA.name)


async def live_through(tx: AsyncConnection) -> int:
    """Ana leaves her words everywhere a word can be; her member id."""
    ana, bob, channel = await members.meet(tx, ANA, NOW), await meet(tx, "Bob"), await enter(tx)
    own = await conversations.enter(tx, DIRECT, NOW)
    await conversations.set_persona(tx, own.id, f"You know {WORD}.")
    for where in (channel, own):
        said = message(ana, f"My word is {WORD}", "1", where.place)
        await conversations.hear(tx, where.id, ana, said, said.text)
    to_ana = await answered(tx, channel.id, ana, reply=f"I heard {WORD}")
    await answered(tx, own.id, ana, turn(ana, WORD), reply=f"Yes: {WORD}")
    with_ana = await answered(
        tx, channel.id, bob, turn(ana, WORD), turn(bob, "What?"), reply=f"She said {WORD}"
    )
    quoting = await answered(
        tx, channel.id, bob, reply(to_ana.reply), turn(bob, "And?"), reply=f"So {WORD}"
    )
    later = await answered(
        tx, channel.id, bob, turn(bob, "Hm"), reply(with_ana.reply), turn(bob, "Fine"), reply="Good"
    )
    for about in (to_ana, with_ana, quoting):
        await say(tx, about, bob, FeedbackKind.CORRECTION, f"Do not say {WORD}")
        await feedback.decide(tx, Decision(about.id, bob.id, Ruling.CORRECT, NOW, f"No {WORD}"))
    await say(tx, later, ana, FeedbackKind.CORRECTION, f"Better {WORD}")
    await feedback.decide(tx, Decision(later.id, ana.id, Ruling.CORRECT, NOW, f"Mine {WORD}"))
    await feedback.decide(tx, Decision(later.id, ana.id, Ruling.APPROVE, NOW, f"As {WORD}"))
    version = await published(tx)
    await adapters.promote(tx, version, base_model=MODEL, actor=ANA.key, at=NOW, kind="promote")
    await audit.note(tx, ANA.key, "persona", NOW, "channel 1", to=f"You know {WORD}")
    await audit.note(tx, "terminal:bob", "mute", NOW, ANA.key, whom=[{"key": ANA.key}], why="spam")
    return ana.id


async def test_no_byte_of_it_stays_in_the_files(database: Database, file: Path) -> None:
    """The strongest form: neither in a row, nor in a freed page, nor in the write-ahead log."""
    async with database.write() as tx:
        ana = await live_through(tx)

    def bytes_kept() -> bytes:
        return b"".join(kept.read_bytes() for kept in file.parent.iterdir())

    assert WORD.encode() in bytes_kept()
    async with database.write() as tx:
        await members.forget(tx, ana)
    for trace in (WORD, ANA.id):
        assert trace.encode() not in bytes_kept(), trace
    with closing(sqlite3.connect(file)) as connection:
        assert not [line for line in connection.iterdump() if WORD in line]


async def test_what_others_said_and_got_stays(database: Database) -> None:
    async with database.write() as tx:
        ana = await live_through(tx)
        bob, channel = await meet(tx, "Bob"), await enter(tx)
        alone = await answered(tx, channel.id, bob, turn(bob, "Alone"), reply="With me")
        await say(tx, alone, bob, FeedbackKind.LIKE, "Nice")
        spoken = message(bob, "I am Bob", "2")
        await conversations.hear(tx, channel.id, bob, spoken, spoken.text)
        before = await exchanges.of_member(tx, bob.id)
        assert await members.forget(tx, ana) == 2
        after = await exchanges.of_member(tx, bob.id)
        assert len(after) == len(before)
        *_, with_ana, quoting, later, same = [None, *after]
        assert same == alone
        assert later is not None
        # the words that only passed on what was cleared are gone from the prompt, not the reply
        assert [one.text for one in later.prompt.turns] == ["Hm", "Fine"]
        assert later.reply == "Good"
        for cleared in (with_ana, quoting):
            assert cleared is not None
            assert (cleared.prompt, cleared.reply) == (Prompt("", ()), "")
        said = await conversations.history(tx, channel.id)
        assert [one.turn for one in said] == [turn(bob, "I am Bob")]
        events = await feedback.events(tx, alone.id)
        assert [(event.kind, event.text) for event in events] == [(FeedbackKind.LIKE, "Nice")]
        assert await members.get(tx, bob.id) == bob
        assert (await exchanges.get(tx, alone.id)).id in {
            one.exchange.id for one in await exchanges.judged(tx, trained_by_default=True)
        }


async def test_nothing_can_be_learned_from_it_any_more(database: Database) -> None:
    async with database.write() as tx:
        ana = await live_through(tx)
        await members.forget(tx, ana)
        judged = await exchanges.judged(tx, trained_by_default=True)
        assert [one.exchange.reply for one in judged] == ["Good"]
        # her ruling stands, nameless; her correction, which was her words, does not
        assert [(one.ruling, one.text) for one in judged[0].decisions] == [(Ruling.APPROVE, "")]
        assert judged[0].feedback == ()


async def test_rows_and_lineage_stay(database: Database) -> None:
    async with database.write() as tx:
        ana = await live_through(tx)
        [first, *_] = await exchanges.of_member(tx, ana)
        learned = await rounds.create(tx, trigger="request", seed=1, base_model=MODEL, at=NOW)
        lesson = rounds.Lesson(first.id, Part.NEW, 1.0)
        await rounds.record(tx, learned.id, [lesson])
        await members.forget(tx, ana)
        assert await rounds.lessons(tx, learned.id) == [lesson]
        emptied = await exchanges.get(tx, first.id)
        assert (emptied.prompt.turns, emptied.reply) == ((), "")
        assert (emptied.seed, emptied.adapter) == (first.seed, first.adapter)
        acts = {act.action: act for act in await audit.recent(tx)}
        assert acts["persona"].actor == f"forgotten:{ana}"
        assert acts["persona"].detail == {"to": ""}
        assert acts["mute"].subject == f"forgotten:{ana}"
        assert acts["mute"].detail == {"whom": [{"key": ""}], "why": "spam"}


@pytest.mark.parametrize(
    ("consent", "trust", "kept"),
    [
        (Consent(), 1.0, False),
        (Consent(trained=True), 1.0, False),
        (Consent(trained=False), 1.0, True),
        (Consent(remembered=False), 1.0, True),
        (Consent(answered=False), 1.0, True),
        (Consent(), 0.0, True),
    ],
)
async def test_a_refusal_and_a_lowered_trust_outlast_forgetting(
    database: Database, consent: Consent, trust: float, kept: bool
) -> None:
    async with database.write() as tx:
        ana = await members.meet(tx, ANA, NOW)
        await members.set_consent(tx, ana.id, consent)
        await members.set_trust(tx, ana.id, trust)
        await members.forget(tx, ana.id)
        left = await members.get(tx, ana.id)
        assert (left.name, left.role) == ("", Role.MEMBER)
        back = await members.meet(tx, ANA, NOW)
        assert (back.id == ana.id) is kept
        assert (back.consent, back.trust) == ((consent, trust) if kept else (Consent(), 1.0))


async def test_a_direct_channel_that_others_share_keeps_its_place(database: Database) -> None:
    async with database.write() as tx:
        ana, bob = await meet(tx, "Ana"), await meet(tx, "Bob")
        place = room("desk", ChannelKind.DIRECT)
        shared = await conversations.enter(tx, place, NOW)
        for who in (ana, bob):
            said = message(who, "Hi", who.name, place)
            await conversations.hear(tx, shared.id, who, said, "Hi")
        await members.forget(tx, ana.id)
        assert (await conversations.enter(tx, place, NOW)).id == shared.id


async def test_forgetting_twice_and_forgetting_who_said_nothing(database: Database) -> None:
    async with database.write() as tx:
        ana, bob = await live_through(tx), await meet(tx, "Silent")
        assert await members.forget(tx, bob.id) == 0
        await members.forget(tx, ana)
        assert await members.forget(tx, ana) == 0


async def test_forgetting_that_fails_forgets_nothing(database: Database) -> None:
    async with database.write() as tx:
        ana = await live_through(tx)
        before = await exchanges.of_member(tx, ana)
    with pytest.raises(ZeroDivisionError):
        async with database.write() as tx:
            await members.forget(tx, ana)
            raise ZeroDivisionError
    async with database.read() as conn:
        assert await exchanges.of_member(conn, ana) == before


async def test_a_big_database_is_gone_through_in_chunks(database: Database) -> None:
    """More exchanges than a chunk holds: the first and the last are found."""
    async with database.write() as tx:
        ana, bob, channel = await meet(tx, "Ana"), await meet(tx, "Bob"), await enter(tx)
        for number in range(1203):
            who = ana if number in (0, 499, 500, 501, 1202) else bob
            await answered(tx, channel.id, who, turn(who, "x"), reply=f"reply {number}")
        assert await members.forget(tx, ana.id) == 5
        assert len([1 for one in await exchanges.of_member(tx, bob.id) if one.reply]) == 1198
