"""Feedback is only ever added to, and the latest word is the one in force."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain import Decision, FeedbackKind, Ruling
from bot.store import feedback
from bot.store.database import Database
from tests.store.rows import NOW, answered, enter, later, meet, say

LIKE, DISLIKE, RETRACTION = feedback.VOTES
CORRECTION, FLAG = FeedbackKind.CORRECTION, FeedbackKind.FLAG


@pytest.mark.parametrize(
    ("said", "in_force"),
    [
        ([], None),
        ([LIKE], LIKE),
        ([DISLIKE], DISLIKE),
        ([RETRACTION], None),
        ([LIKE, DISLIKE], DISLIKE),
        ([DISLIKE, LIKE], LIKE),
        ([LIKE, RETRACTION], None),
        ([LIKE, RETRACTION, DISLIKE], DISLIKE),
        ([LIKE, CORRECTION], LIKE),
        ([DISLIKE, FLAG], DISLIKE),
        ([CORRECTION, FLAG], None),
        ([LIKE, LIKE, RETRACTION], None),
    ],
)
async def test_the_vote_in_force(
    database: Database, said: list[FeedbackKind], in_force: FeedbackKind | None
) -> None:
    async with database.write() as tx:
        ana, bob, channel = await meet(tx, "Ana"), await meet(tx, "Bob"), await enter(tx)
        about, other = [await answered(tx, channel.id, ana) for _ in range(2)]
        for kind in said:
            await say(tx, about, ana, kind)
            await say(tx, about, bob, LIKE)  # of no concern to Ana's vote
            await say(tx, other, ana, DISLIKE)
    async with database.read() as conn:
        assert await feedback.vote(conn, about.id, ana.id) is in_force
        assert [event.kind for event in await feedback.events(conn, about.id)][::2] == said


async def test_events_come_back_as_they_were_said_oldest_first(database: Database) -> None:
    async with database.write() as tx:
        ana, channel = await meet(tx), await enter(tx)
        about = await answered(tx, channel.id, ana)
        first = await say(tx, about, ana, CORRECTION, "Better: 🙂\nso", later(5))
        second = await say(tx, about, ana, LIKE, at=later(1))
    async with database.read() as conn:
        assert await feedback.events(conn) == [first, second]
        assert await feedback.events(conn, about.id + 1) == []
        assert await feedback.tally(conn) == {CORRECTION: 1, LIKE: 1}
    assert second.id > first.id > 0


async def test_rulings_come_back_as_they_were_made(database: Database) -> None:
    async with database.write() as tx:
        ana, channel = await meet(tx), await enter(tx)
        about = await answered(tx, channel.id, ana)
        made = [
            await feedback.decide(tx, Decision(about.id, ana.id, ruling, NOW, ruling.value))
            for ruling in Ruling
        ]
    async with database.read() as conn:
        assert await feedback.rulings(conn) == made
        assert await feedback.rulings(conn, about.id) == made
        assert await feedback.rulings(conn, about.id + 1) == []


@pytest.mark.parametrize(
    ("votes", "rulings", "since", "count"),
    [
        ([], [], None, 0),
        ([(0, LIKE, 1)], [], None, 1),
        ([(0, LIKE, 1), (0, DISLIKE, 2), (0, CORRECTION, 3)], [], None, 1),
        ([(0, LIKE, 1), (1, DISLIKE, 1)], [], None, 2),
        ([(0, FLAG, 1)], [], None, 0),
        ([(0, LIKE, 1)], [(0, Ruling.APPROVE, 1)], None, 1),
        ([(0, LIKE, 1)], [(1, Ruling.REJECT, 1)], None, 2),
        ([], [(0, Ruling.SKIP, 1)], None, 0),
        ([(0, LIKE, 1), (1, LIKE, 3)], [], 2, 1),
        ([(0, LIKE, 2)], [], 2, 0),
        ([(0, LIKE, 1), (0, DISLIKE, 3)], [], 2, 1),
        ([(0, LIKE, 1)], [(0, Ruling.CORRECT, 3), (1, Ruling.APPROVE, 1)], 2, 1),
    ],
)
async def test_how_many_exchanges_have_new_verdicts(
    database: Database,
    votes: list[tuple[int, FeedbackKind, int]],
    rulings: list[tuple[int, Ruling, int]],
    since: int | None,
    count: int,
) -> None:
    async with database.write() as tx:
        ana, channel = await meet(tx), await enter(tx)
        about = [await answered(tx, channel.id, ana) for _ in range(2)]
        for which, kind, at in votes:
            await say(tx, about[which], ana, kind, at=later(at))
        for which, ruling, at in rulings:
            await feedback.decide(tx, Decision(about[which].id, ana.id, ruling, later(at)))
    async with database.read() as conn:
        after = None if since is None else later(since)
        assert await feedback.count_since(conn, after) == count


@given(st.lists(st.sampled_from(list(FeedbackKind))))
def test_the_latest_vote_is_the_last_of_the_votes(said: list[FeedbackKind]) -> None:
    """The rule itself, in other words than the code's."""
    votes = [kind for kind in said if kind not in (CORRECTION, FLAG)]
    wanted = votes[-1] if votes and votes[-1] is not RETRACTION else None
    assert feedback.in_force(said) is wanted
