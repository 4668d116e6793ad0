"""Moderators at work: the queue, rulings, why, ignored raters; and how far their sight reaches."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.domain import ChannelKind, FeedbackKind, Person, Place, Role, Ruling
from bot.platforms.base import Answer
from bot.store import audit, exchanges, feedback, members
from tests.chat.conftest import House
from tests.fakes import Outbox, message, person

GUILD = Place("discord", "100", "1", ChannelKind.GROUP, "general")
OTHER = Place("discord", "200", "2", ChannelKind.GROUP, "elsewhere")


def someone(name: str, role: Role = Role.MEMBER) -> Person:
    """A person on Discord, with what the platform grants."""
    return Person("discord", name, name, role)


MOD = someone("mod", Role.MODERATOR)


async def ask(
    house: House, line: str, who: Person = MOD, where: Place = GUILD, **about: int
) -> Answer:
    """Give a command, perhaps about a reply."""
    return await house.room.command(who, where, line, exchange=about.get("exchange"))


async def talk(house: House, text: str, where: Place = GUILD, who: str = "ana") -> None:
    """One message and its reply."""
    said = message(text, someone(who), where)
    await house.room.message(said, Outbox())


async def vote(house: House, who: str, exchange: int, kind: FeedbackKind, text: str = "") -> None:
    """One judgement."""
    await house.room.rating(someone(who), GUILD, exchange, kind, text=text, via="button")


async def queue(house: House, who: Person = MOD, where: Place = GUILD) -> list[int]:
    """The whole queue, in order, by skipping."""
    found = []
    while (answer := await ask(house, "/review", who, where)).review is not None:
        found.append(answer.review)
        house.clock.pass_(seconds=1)
        await ask(house, "/skip", who, where, exchange=answer.review)
    return found


async def test_the_queue_begins_with_what_is_most_useful(house: House) -> None:
    for n in range(5):
        await talk(house, f"question {n}")
    await vote(house, "bob", 1, FeedbackKind.LIKE)
    await vote(house, "bob", 2, FeedbackKind.LIKE)
    await vote(house, "cem", 2, FeedbackKind.DISLIKE)
    await vote(house, "bob", 3, FeedbackKind.CORRECTION, "better")
    await vote(house, "bob", 4, FeedbackKind.FLAG, "rude")
    assert await queue(house) == [4, 3, 2, 1, 5]


async def test_a_ruling_settles_a_reply_until_it_is_flagged_anew(house: House) -> None:
    await talk(house, "hello")
    await vote(house, "bob", 1, FeedbackKind.FLAG)
    assert (await ask(house, "/review")).review == 1
    house.clock.pass_(seconds=1)
    assert "Approved" in (await ask(house, "/approve", exchange=1)).text
    assert (await ask(house, "/review")).review is None
    house.clock.pass_(seconds=1)
    await vote(house, "cem", 1, FeedbackKind.FLAG)
    assert (await ask(house, "/review")).review == 1


async def test_what_was_skipped_comes_again_with_news_and_to_others(house: House) -> None:
    await talk(house, "hello")
    assert await queue(house) == [1]
    assert (await ask(house, "/review")).review is None
    assert (await ask(house, "/review", someone("mia", Role.MODERATOR))).review == 1
    house.clock.pass_(seconds=1)
    await vote(house, "bob", 1, FeedbackKind.DISLIKE)
    assert (await ask(house, "/review")).review == 1


async def test_a_card_shows_context_reply_and_judges(house: House) -> None:
    await talk(house, "What is a fjord?")
    await vote(house, "bob", 1, FeedbackKind.FLAG, "@everyone look")
    text = (await ask(house, "/review")).text
    assert "ana: What is a fjord?" in text
    assert "» You said: What is a fjord?" in text
    assert "🚩 bob (#" in text
    assert "@everyone" not in text


@pytest.mark.parametrize(
    ("line", "ruling", "text"),
    [
        ("/approve", Ruling.APPROVE, ""),
        ("/reject", Ruling.REJECT, ""),
        ("/correct A better answer.", Ruling.CORRECT, "A better answer."),
        ("/correct  One line,\n  and another. ", Ruling.CORRECT, "One line,\n  and another."),
        ("/skip", Ruling.SKIP, ""),
    ],
)
async def test_rulings_are_kept(house: House, line: str, ruling: Ruling, text: str) -> None:
    await talk(house, "hello")
    assert not (await ask(house, line, exchange=1)).refused
    async with house.database.read() as conn:
        [kept] = await feedback.rulings(conn, 1)
        acts = [act.action for act in await audit.recent(conn)]
    assert (kept.ruling, kept.text) == (ruling, text)
    assert acts == ([] if ruling is Ruling.SKIP else [ruling.value])


async def test_correct_without_words_takes_the_newest_better_answer(house: House) -> None:
    await talk(house, "hello")
    assert (await ask(house, "/correct", exchange=1)).refused
    await vote(house, "bob", 1, FeedbackKind.CORRECTION, "Good day!")
    await ask(house, "/correct", exchange=1)
    async with house.database.read() as conn:
        assert (await feedback.rulings(conn, 1))[-1].text == "Good day!"


@pytest.mark.parametrize(
    "line", ["/review", "/approve", "/reject", "/correct x", "/skip", "/why", "/ban", "/unban 1"]
)
async def test_members_rule_nothing(house: House, line: str) -> None:
    await talk(house, "hello")
    answer = await ask(house, line, someone("bob"), exchange=1)
    assert answer.refused
    assert "is for" in answer.text
    async with house.database.read() as conn:
        assert not await feedback.rulings(conn)


async def test_a_moderator_sees_their_own_community_only(house: House) -> None:
    await talk(house, "secret of the other server", OTHER)
    assert (await ask(house, "/review")).review is None
    for line in ("/why", "/approve", "/ban"):
        answer = await ask(house, line, exchange=1)
        assert (answer.text, answer.refused) == ("There is no reply 1.", True)
    said = await house.room.rating(MOD, GUILD, 1, FeedbackKind.LIKE, via="button")
    assert said == "There is no reply 1."
    assert (await ask(house, "/review", where=OTHER)).review == 1


async def test_the_words_of_a_reply_are_shown_to_those_who_may_judge_it(house: House) -> None:
    side = replace(GUILD, channel="3")
    await talk(house, "look, @everyone\x1b[2J")
    await talk(house, "hello", side)
    await talk(house, "hello", OTHER)
    shown = "You said: look, @\u200beveryone[2J"
    for who, where, seen in (
        (someone("bob"), GUILD, shown),
        (someone("bob"), side, ""),
        (MOD, side, shown),
        (MOD, OTHER, ""),
        (MOD, replace(GUILD, channel="unknown"), ""),
    ):
        assert await house.room.reply_of(who, where, 1) == seen
    assert await house.room.reply_of(MOD, GUILD, 99) == ""


@pytest.mark.parametrize("house", [{"moderators": "discord:77"}], indirect=True)
async def test_a_moderator_of_the_settings_sees_everything(house: House) -> None:
    await talk(house, "hello", OTHER)
    private = Place("discord", "dm", "77", ChannelKind.DIRECT)
    assert (await ask(house, "/review", someone("77"), private)).review == 1
    assert (await ask(house, "/review", someone("77"))).review is None  # others may read along
    assert await house.room.reply_of(someone("77"), GUILD, 1) == "You said: hello"


@pytest.mark.parametrize("house", [{"communities": "discord:200"}], indirect=True)
async def test_what_a_platform_grants_counts_only_in_the_named_communities(house: House) -> None:
    await talk(house, "hello")
    boss = someone("boss", Role.ADMIN)
    assert (await ask(house, "/train now", boss)).refused
    assert (await ask(house, "/review", boss)).refused
    assert not (await ask(house, "/train now", boss, OTHER)).refused


async def test_why_tells_how_a_reply_came_about(house: House) -> None:
    await talk(house, "hello")
    await vote(house, "bob", 1, FeedbackKind.LIKE)
    text = (await ask(house, "/why", exchange=1)).text
    assert "the base model" in text
    assert "seed 100" in text
    assert "Votes: 1 👍, 0 👎" in text


async def test_ignoring_a_rater_and_taking_it_back(house: House) -> None:
    await talk(house, "hello")
    assert "Nobody has rated" in (await ask(house, "/ban", exchange=1)).text
    await vote(house, "bob", 1, FeedbackKind.LIKE)
    assert "bob count for nothing" in (await ask(house, "/ban", exchange=1)).text
    async with house.database.read() as conn:
        bob = await members.by_key(conn, "discord", "bob")
    assert bob is not None
    assert bob.trust == 0
    assert (await ask(house, f"/unban {bob.id}")).refused
    await ask(house, f"/unban {bob.id}", someone("boss", Role.ADMIN))
    async with house.database.read() as conn:
        assert (await members.get(conn, bob.id)).trust == 1


async def test_of_several_raters_one_must_be_named(house: House) -> None:
    await talk(house, "hello")
    await vote(house, "bob", 1, FeedbackKind.LIKE)
    await vote(house, "cem", 1, FeedbackKind.LIKE)
    answer = await ask(house, "/ban", exchange=1)
    assert answer.refused
    assert "bob (#" in answer.text
    assert "cem count for nothing" in (await ask(house, "/ban CEM", exchange=1)).text


async def test_a_number_means_a_rater_of_any_reply_of_the_community(house: House) -> None:
    await talk(house, "rated")
    await vote(house, "bob", 1, FeedbackKind.LIKE)
    await talk(house, "the last reply, which nobody rated")
    async with house.database.read() as conn:
        bob = await members.by_key(conn, "discord", "bob")
    assert bob is not None
    assert (
        await ask(house, f"/ban {bob.id}", where=OTHER)
    ).text == f"There is no rater #{bob.id} here."
    assert (await ask(house, "/ban 999")).refused
    assert "bob count for nothing" in (await ask(house, f"/ban #{bob.id}")).text


async def test_moderators_are_ignored_by_admins_only_and_nobody_by_themselves(
    house: House,
) -> None:
    await talk(house, "hello")
    await house.room.rating(
        someone("mia", Role.MODERATOR), GUILD, 1, FeedbackKind.LIKE, via="button"
    )
    assert (await ask(house, "/ban", exchange=1)).refused
    assert not (await ask(house, "/ban", someone("boss", Role.ADMIN), exchange=1)).refused
    await house.room.rating(MOD, GUILD, 1, FeedbackKind.LIKE, via="button")
    assert (await ask(house, "/ban mod", exchange=1)).text == "That is you."


async def test_a_flag_on_an_older_reply(house: House) -> None:
    await talk(house, "one")
    await talk(house, "two")
    assert "moderator" in (await ask(house, "/flag rude", someone("bob"), exchange=1)).text
    async with house.database.read() as conn:
        assert [e.exchange for e in await feedback.events(conn)] == [1]
        assert (await exchanges.get(conn, 1)).reply


async def test_the_terminals_own_people_see_everything(house: House) -> None:
    await talk(house, "hello", OTHER)
    boss = replace(person("owner"), role=Role.MEMBER)
    assert (await house.room.command(boss, Place("terminal", "local", "t"), "/review")).review == 1
