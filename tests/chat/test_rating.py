"""Votes, corrections and flags."""

from __future__ import annotations

import pytest

from bot.domain import FeedbackKind, Role, Ruling
from bot.store import audit, feedback
from tests.chat.conftest import House
from tests.fakes import person, place

LIKE, DISLIKE = FeedbackKind.LIKE, FeedbackKind.DISLIKE


async def kinds(house: House, exchange: int) -> list[FeedbackKind]:
    async with house.database.read() as conn:
        return [event.kind for event in await feedback.events(conn, exchange)]


async def test_a_vote_is_on_disk_when_thanked(house: House) -> None:
    number = (await house.say("hello")).finished[0][1]
    assert "Thank you" in await house.rate(LIKE)
    assert await kinds(house, number) == [LIKE]


async def test_one_vote_a_member_changeable_and_retractable(house: House) -> None:
    number = (await house.say("hello")).finished[0][1]
    for kind in (LIKE, LIKE, DISLIKE, FeedbackKind.RETRACTION, FeedbackKind.RETRACTION):
        await house.rate(kind, exchange=number)
    await house.rate(LIKE, exchange=number, who=person("bo"))
    assert await kinds(house, number) == [LIKE, DISLIKE, FeedbackKind.RETRACTION, LIKE]
    async with house.database.read() as conn:
        assert await feedback.vote(conn, number, 1) is None
        assert await feedback.vote(conn, number, 2) is LIKE


async def test_a_reaction_that_is_removed_leaves_another_vote_alone(house: House) -> None:
    number = (await house.say("hello")).finished[0][1]
    await house.rate(LIKE)
    await house.rate(DISLIKE)
    assert await house.rate(FeedbackKind.RETRACTION, of=LIKE) == "Your vote stands as it is."
    assert await kinds(house, number) == [LIKE, DISLIKE]
    await house.rate(FeedbackKind.RETRACTION, of=DISLIKE)
    assert await kinds(house, number) == [LIKE, DISLIKE, FeedbackKind.RETRACTION]


async def test_nothing_to_rate(house: House) -> None:
    assert await house.rate(LIKE) == "There is no reply to judge here yet."


async def test_unknown_and_foreign_replies_look_the_same(house: House) -> None:
    number = (await house.say("hello", where=place("elsewhere"))).finished[0][1]
    assert await house.rate(LIKE, exchange=number) == f"There is no reply {number}."
    assert await house.rate(LIKE, exchange=999) == "There is no reply 999."
    moderator = person("mo", Role.MODERATOR)
    assert "Thank you" in await house.rate(LIKE, exchange=number, who=moderator)


@pytest.mark.parametrize(
    ("text", "said"), [("  ", "Write the better answer"), ("x" * 5000, "most")]
)
async def test_bad_corrections_are_refused(house: House, text: str, said: str) -> None:
    number = (await house.say("hello")).finished[0][1]
    assert said in await house.rate(FeedbackKind.CORRECTION, text)
    assert await kinds(house, number) == []


@pytest.mark.parametrize(
    ("role", "rulings"), [(Role.MEMBER, []), (Role.MODERATOR, [Ruling.CORRECT])]
)
async def test_a_moderators_correction_is_a_ruling(
    house: House, role: Role, rulings: list[Ruling]
) -> None:
    number = (await house.say("hello")).finished[0][1]
    await house.rate(FeedbackKind.CORRECTION, "Hello to you.", who=person("mo", role))
    async with house.database.read() as conn:
        found = await feedback.rulings(conn, number)
    assert [decision.ruling for decision in found] == rulings
    assert await kinds(house, number) == [FeedbackKind.CORRECTION]


async def test_a_ruling_is_in_the_audit_log(house: House) -> None:
    number = (await house.say("hello")).finished[0][1]
    await house.rate(FeedbackKind.CORRECTION, "Better.", who=person("mo", Role.MODERATOR))
    async with house.database.read() as conn:
        [act] = await audit.recent(conn)
    assert (act.actor, act.action, act.subject) == ("terminal:mo", "correct", f"exchange {number}")


async def test_who_is_not_remembered_leaves_no_text(house: House) -> None:
    await house.say("hello", person("bo"))
    await house.order("/privacy remembering off")
    assert "not to remember" in await house.rate(FeedbackKind.CORRECTION, "My words.")
    assert "not to remember" in await house.order("/flag my words")
    assert "Thank you" in await house.rate(LIKE)


async def test_a_reply_that_was_not_kept_cannot_be_judged(house: House) -> None:
    await house.order("/privacy remembering off")
    number = (await house.say("hello")).finished[0][1]
    assert "I kept nothing" in await house.rate(LIKE, exchange=number)


async def test_bots_do_not_vote(house: House) -> None:
    await house.say("hello")
    assert await house.rate(LIKE, who=person("robot", is_bot=True)) == "Bots do not vote."
