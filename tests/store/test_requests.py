"""Requests wait for an answer once, and processes show that they live."""

from __future__ import annotations

from bot.domain import RequestKind
from bot.store import audit, presence, requests
from bot.store.database import Database
from tests.store.rows import NOW, later, meet

TRAIN, CANCEL = RequestKind.TRAIN, RequestKind.CANCEL


async def test_the_same_wish_twice_is_one_until_it_is_answered(database: Database) -> None:
    async with database.write() as tx:
        ana, bob = await meet(tx, "Ana"), await meet(tx, "Bob")
        first = await requests.ask(tx, TRAIN, NOW, ana.id)
        assert await requests.ask(tx, TRAIN, later(5), bob.id) == first
        cancel = await requests.ask(tx, CANCEL, later(6))
        assert await requests.pending(tx) == [first, cancel]
        assert (first.member, first.created_at, cancel.member) == (ana.id, NOW, None)
        await requests.answer(tx, first.id, "round 1 is promoted", later(7))
        assert await requests.pending(tx) == [cancel]
        again = await requests.ask(tx, TRAIN, later(8), bob.id)
        assert again.id > first.id
        assert again.member == bob.id


async def test_a_process_shows_itself_and_leaves(database: Database) -> None:
    async with database.write() as tx:
        await presence.show(tx, "bot", 10, NOW, busy_until=later(5), adapter=3)
        await presence.show(tx, "learner", 11, NOW)
        await presence.show(tx, "bot", 10, later(2), adapter=4)
        found = await presence.every(tx)
        assert set(found) == {"bot", "learner"}
        bot = found["bot"]
        assert (bot.pid, bot.started_at, bot.seen_at) == (10, NOW, later(2))
        assert (bot.busy_until, bot.detail) == (None, {"adapter": 4})


async def test_a_new_process_takes_the_place_of_a_dead_one(database: Database) -> None:
    async with database.write() as tx:
        await presence.show(tx, "bot", 10, NOW)
        await presence.show(tx, "bot", 20, later(9))
        bot = (await presence.every(tx))["bot"]
        assert (bot.pid, bot.started_at) == (20, later(9))
        await presence.leave(tx, "bot", 10)  # the old one's last word comes late
        assert set(await presence.every(tx)) == {"bot"}
        await presence.leave(tx, "bot", 20)
        assert await presence.every(tx) == {}


async def test_the_audit_log_tells_the_newest_first(database: Database) -> None:
    async with database.write() as tx:
        await audit.note(tx, "terminal:ana", "promote", NOW, "version 2", previous=1)
        await audit.note(tx, "bot", "rollback", later(1))
    async with database.read() as conn:
        newest, oldest = await audit.recent(conn)
        assert (newest.actor, newest.subject, newest.detail) == ("bot", "", {})
        assert oldest == audit.Act("terminal:ana", "promote", "version 2", {"previous": 1}, NOW)
        assert await audit.recent(conn, 1) == [newest]
