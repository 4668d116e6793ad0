"""What platforms with ids, replies and deletions bring: doubles, quotes, edits, another try."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import pytest

from bot.domain import ChannelKind, FeedbackKind, Message, Place, Quote, Role
from bot.store import conversations, exchanges
from tests.chat.conftest import House
from tests.fakes import Outbox, message, person, place

GROUP = place("square", ChannelKind.GROUP)


async def told(house: House, said: Message) -> Outbox:
    """Bring a message in."""
    outbox = Outbox()
    await house.room.message(said, outbox)
    return outbox


def texts(house: House) -> list[str]:
    """What the last prompt held."""
    return [turn.text for turn in house.generator.jobs[-1].prompt.turns]


async def test_a_message_that_comes_twice_is_answered_once(house: House) -> None:
    said = message("Hello", id="7")
    first = await told(house, said)
    second = await told(house, said)
    assert first.finished
    assert not second.finished
    assert len(house.generator.jobs) == 1


async def test_a_message_whose_reply_broke_off_is_answered_when_it_comes_again(
    house: House,
) -> None:
    said = message("Hello", id="7")
    house.generator.fault = RuntimeError("power cut")
    assert not (await told(house, said)).finished
    house.generator.fault = None
    again = await told(house, said)
    assert [text for text, _ in again.finished] == ["You said: Hello"]
    assert texts(house) == ["Hello"]


async def test_a_reply_that_was_kept_but_never_shown_is_shown_when_its_message_comes_again(
    house: House,
) -> None:
    class Broken(Outbox):
        async def finish(self, text: str, exchange: int) -> list[str]:
            raise OSError("no network")

    said = message("Hello", id="7")
    await house.room.message(said, Broken())
    again = await told(house, said)
    assert [text for text, _ in again.finished] == ["You said: Hello"]
    assert len(house.generator.jobs) == 1
    assert not (await told(house, said)).finished


async def test_a_member_who_is_not_remembered_is_answered_once_too(house: House) -> None:
    await house.order("/privacy remembering off")
    said = message("Hello", id="7")
    assert (await told(house, said)).finished
    assert not (await told(house, said)).finished
    assert len(house.generator.jobs) == 1


async def test_typing_begins_only_for_what_is_answered(house: House) -> None:
    assert (await told(house, message("Hello", where=GROUP))).thought == 1
    assert (await told(house, message("to Bob", where=GROUP, addressed=False))).thought == 0


async def test_what_a_message_answers_is_pulled_into_the_prompt(house: House) -> None:
    await told(house, message("The code is 1234.", where=GROUP, id="old", addressed=False))
    for n in range(20):
        await told(house, message(f"chatter {n} " + "x" * 20, where=GROUP, addressed=False))
    await told(house, message("What now?", where=GROUP))
    assert "The code is 1234." not in texts(house)
    await told(house, replace(message("And this?", where=GROUP), reply_to="old"))
    assert texts(house)[0] == "The code is 1234."
    assert texts(house)[-1] == "And this?"
    assert texts(house).count("The code is 1234.") == 1


async def test_a_chain_of_replies_is_followed_through_the_bots_own(house: House) -> None:
    await told(house, message("Tell of fjords", where=GROUP, id="q"))
    for n in range(20):
        await told(house, message(f"chatter {n} " + "x" * 20, where=GROUP, addressed=False))
    await told(house, replace(message("More!", where=GROUP), reply_to="reply-1"))
    assert texts(house)[:2] == ["Tell of fjords", "You said: Tell of fjords"]


async def test_a_quote_of_an_unknown_message_is_read_as_the_platform_shows_it(
    house: House,
) -> None:
    quote = Quote(person("bob"), "Fish is best.")
    said = replace(message("Is it?", where=GROUP), reply_to="unknown", quote=quote)
    await told(house, said)
    assert texts(house) == ["Fish is best.", "Is it?"]
    assert house.generator.jobs[-1].prompt.turns[0].speaker == "bob"


async def test_a_quote_of_somebody_who_is_not_remembered_is_not_read(house: House) -> None:
    await house.order("/privacy remembering off", person("bob"))
    quote = Quote(person("bob"), "Fish is best.")
    await told(house, replace(message("Is it?", where=GROUP), reply_to="gone", quote=quote))
    assert texts(house) == ["Is it?"]


async def test_the_part_that_was_chosen_stands_before_the_words_on_it(house: House) -> None:
    await told(house, message("Fish is best.\nRice too.", where=GROUP, id="1", addressed=False))
    quote = Quote(person("ana"), "Rice too.", manual=True)
    await told(house, replace(message("Is it?", where=GROUP), reply_to="1", quote=quote))
    assert texts(house) == ["Fish is best.\nRice too.", "> Rice too.\nIs it?"]
    await house.say("hello", where=GROUP)
    assert "Is it?" in texts(house), "what is kept is what was said"


async def test_what_is_quoted_from_elsewhere_is_nobodys_here(house: House) -> None:
    quote = Quote(None, "Fish is best.\nRice too.", manual=True, elsewhere=True)
    await told(house, replace(message("Is it?", where=GROUP), quote=quote))
    assert texts(house) == ["> Fish is best.\n> Rice too.\nIs it?"]


@pytest.mark.parametrize("house", [{"message_chars": 100, "context_tokens": 900}], indirect=True)
async def test_a_file_does_not_make_a_message_too_long(house: House) -> None:
    long = message("x" * 400, where=GROUP)
    assert not (await told(house, long)).finished
    assert (await told(house, replace(long, external_id="f", attached=380))).finished


async def test_an_edited_message_is_read_as_it_is_now(house: House) -> None:
    await told(house, message("I like cats", where=GROUP, id="1", addressed=False))
    await house.room.edited(GROUP, "1", "I like dogs")
    await house.room.edited(GROUP, "unknown", "nothing")
    await told(house, message("Do I?", where=GROUP))
    assert texts(house) == ["I like dogs", "Do I?"]


async def test_a_deleted_message_is_gone_from_context_and_from_what_is_learned(
    house: House,
) -> None:
    await told(house, message("My street is Elm Street", where=GROUP, id="1", addressed=False))
    await told(house, message("Where do I live?", where=GROUP, id="2"))
    await told(house, message("And you?", where=GROUP, id="3"))
    await house.room.deleted(GROUP, ["1", "2"])
    async with house.database.read() as conn:
        first, second = await exchanges.get(conn, 1), await exchanges.get(conn, 2)
    assert (first.reply, first.prompt.turns) == ("", ())
    assert [turn.text for turn in second.prompt.turns][-1] == "And you?"
    assert not any("Elm" in turn.text for turn in second.prompt.turns)
    await told(house, message("Say it again", where=GROUP, id="4"))
    assert not any("Elm" in text or "Where do I" in text for text in texts(house))


async def test_a_deleted_reply_is_no_longer_context(house: House) -> None:
    await told(house, message("Hello", where=GROUP))
    await house.room.deleted(GROUP, ["reply-1"])
    await told(house, message("Next", where=GROUP))
    assert texts(house) == ["Hello", "Next"]


async def test_a_message_of_the_bots_leads_to_its_exchange(house: House) -> None:
    await told(house, message("Hello", where=GROUP))
    assert await house.room.exchange_of(GROUP, "reply-1") == 1
    assert await house.room.exchange_of(GROUP, "reply-2") is None
    assert await house.room.exchange_of(place("elsewhere"), "reply-1") is None


async def test_a_message_of_the_bots_is_found_anywhere_in_its_community_and_nowhere_else(
    house: House,
) -> None:
    topic = Place("telegram", "-100", "-100/7", ChannelKind.GROUP)
    await told(house, message("Hello", where=topic))
    forum = Place("telegram", "-100", "-100", ChannelKind.GROUP)
    assert await house.room.place_of(forum, "reply-1") == topic
    assert await house.room.place_of(topic, "reply-1") == topic
    assert await house.room.place_of(forum, "reply-2") is None
    for stranger in (Place("telegram", "-200", "-200"), Place("discord", "-100", "-100")):
        assert await house.room.place_of(stranger, "reply-1") is None


async def test_a_place_is_one_channel_even_if_it_has_the_communitys_id(house: House) -> None:
    """On Discord the first channel of an old server has it, and sees no more than others."""
    await told(house, message("Hello", where=Place("discord", "1", "2")))
    lobby = Place("discord", "1", "1")
    assert await house.room.exchange_of(lobby, "reply-1") is None
    assert "no reply 1" in await house.rate(FeedbackKind.LIKE, where=lobby, exchange=1)
    assert await house.room.votes(1) == (0, 0)


async def test_small_facts_are_remembered(house: House) -> None:
    assert await house.room.note("moves") is None
    await house.room.keep_note("moves", "one")
    await house.room.keep_note("moves", "two")
    assert await house.room.note("moves") == "two"
    assert await house.room.note("menu") is None


async def test_a_reply_that_is_just_being_sent_is_waited_for(house: House) -> None:
    """People react to a message while its end, and what it shows, is not on disk yet."""
    sent, kept = asyncio.Event(), asyncio.Event()

    class Slow(Outbox):
        async def finish(self, text: str, exchange: int) -> Sequence[str]:
            sent.set()
            await kept.wait()
            return await super().finish(text, exchange)

    walk = asyncio.create_task(house.room.message(message("Hello", where=GROUP), Slow()))
    await sent.wait()
    assert await house.room.exchange_of(GROUP, "reply-1") is None
    asked = asyncio.create_task(house.room.exchange_of(GROUP, "reply-1", wait=True))
    for _ in range(5):  # it has looked once, and waits now
        await house.room.votes(1)
    kept.set()
    assert await asked == 1
    await walk
    assert await house.room.exchange_of(GROUP, "nothing", wait=True) is None


async def test_the_direct_channels_that_were_talked_in_last_come_first(house: House) -> None:
    for channel in ("1", "2", "1", "3"):
        await told(house, message("Hello", where=place(channel)))
    await told(house, message("Hello", where=GROUP))
    await house.room.command(person(), place("4"), "/help")
    assert await house.room.direct_channels("terminal", 10) == ["3", "1", "2", "4"]
    assert await house.room.direct_channels("terminal", 2) == ["3", "1"]
    assert not await house.room.direct_channels("discord", 10)


async def test_another_try_makes_a_pair_and_takes_the_place_of_the_first(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    await told(house, message("Hello", where=GROUP))
    monkeypatch.setattr(house.generator, "write", lambda _: "Something else")
    outbox = Outbox()
    await house.room.again(person("bob"), GROUP, 1, outbox)
    assert outbox.finished == [("Something else", 2)]
    async with house.database.read() as conn:
        pair = await exchanges.get(conn, 2)
        said = [one.turn.text for one in await conversations.history(conn, pair.channel)]
    assert pair.retry_of == 1
    assert said == ["Hello", "Something else"]
    assert house.generator.jobs[0].prompt == house.generator.jobs[1].prompt
    assert house.generator.jobs[0].seed != house.generator.jobs[1].seed


async def test_another_try_is_refused_elsewhere_and_for_what_was_not_kept(house: House) -> None:
    await told(house, message("Hello", where=GROUP))
    outbox = Outbox()
    await house.room.again(person(), place("elsewhere"), 1, outbox)
    await house.room.again(person(), GROUP, 99, outbox)
    await house.order("/forget yes", where=GROUP)
    await house.room.again(person("bob"), GROUP, 1, outbox)
    assert not outbox.finished
    assert len(outbox.notices) == 3


async def test_a_second_click_takes_a_vote_back(house: House) -> None:
    await told(house, message("Hello", where=GROUP))
    for who, kind, votes in (
        ("ana", FeedbackKind.LIKE, (1, 0)),
        ("bob", FeedbackKind.DISLIKE, (1, 1)),
        ("ana", FeedbackKind.LIKE, (0, 1)),
        ("bob", FeedbackKind.LIKE, (1, 0)),
    ):
        await house.rate(kind, who=person(who), where=GROUP, exchange=1, toggle=True)
        assert await house.room.votes(1) == votes


async def test_a_channel_that_moves_takes_everything_along(house: House) -> None:
    before = Place("telegram", "-5", "-5", ChannelKind.GROUP, "Lobby")
    after = replace(before, community="-100", channel="-100")
    await told(house, message("Hello", where=before, id="1"))
    await house.order("/persona A pirate", replace(person(), role=Role.ADMIN), before)
    await house.room.moved(before, after)
    assert (await told(house, message("Still there?", where=after, id="1"))).finished
    prompt = house.generator.jobs[-1].prompt
    assert prompt.persona == "A pirate"
    assert texts(house) == ["Hello", "You said: Hello", "Still there?"]
    assert await house.rate(FeedbackKind.LIKE, where=after, exchange=1) == "👍 Thank you, noted."


async def test_a_channel_that_spoke_at_its_new_place_first_is_joined(house: House) -> None:
    before = Place("telegram", "-5", "-5", ChannelKind.GROUP, "Lobby")
    after = replace(before, community="-100", channel="-100")
    await told(house, message("Old", where=before, id="1"))
    await told(house, message("New", where=after, id="1"))
    await house.room.moved(before, after)
    await told(house, message("Now", where=after, id="2"))
    assert texts(house) == ["Old", "You said: Old", "New", "You said: New", "Now"]


async def test_how_far_updates_were_read_is_remembered(house: House) -> None:
    assert await house.room.cursor("telegram") is None
    await house.room.keep_cursor("telegram", 41)
    await house.room.keep_cursor("telegram", 42)
    assert await house.room.cursor("telegram") == 42
    assert await house.room.cursor("discord") is None


async def test_a_thread_follows_its_channel_until_something_else_is_set_in_it(house: House) -> None:
    boss, thread = person("boss", Role.ADMIN), replace(place("thread"), parent="square")
    thread = replace(thread, kind=ChannelKind.GROUP)
    await house.order("/persona A pirate.", boss, GROUP)
    assert (await house.say("ahoy?", where=thread)).finished
    assert house.generator.jobs[-1].prompt.persona == "A pirate."
    await house.order("/channel off", boss, GROUP)
    assert not (await house.say("still there?", where=thread)).finished
    await house.order("/channel on", boss, thread)
    assert (await house.say("and now?", where=thread, addressed=False)).finished
    assert not (await house.say("and here?", where=GROUP)).finished


async def prompts(house: House) -> list[str]:
    """All that is kept of what replies were made from, and of the replies."""
    async with house.database.read() as conn:
        every = [await exchanges.get(conn, n + 1) for n in range(len(house.generator.jobs))]
    return [turn.text for one in every for turn in one.prompt.turns] + [e.reply for e in every]


@pytest.mark.parametrize(
    "said",
    [
        message("my PIN is 1234", where=GROUP, id="7"),
        replace(
            message("my PIN is 1234", where=GROUP, id="7"),
            quote=Quote(None, "what is it?", manual=True),
        ),
        message("my PIN is 1234 " * 60, where=GROUP, id="7"),
    ],
    ids=["plain", "with a quoted part", "shortened"],
)
@pytest.mark.parametrize("edits", [False, True])
async def test_what_is_deleted_is_in_no_prompt_any_more(
    house: House, said: Message, edits: bool
) -> None:
    assert (await told(house, said)).finished
    await house.room.again(person(), GROUP, 1, Outbox())
    await told(house, message("and what did I say?", where=GROUP))
    assert any("1234" in text for text in await prompts(house))
    if edits:
        await house.room.edited(GROUP, "7", "my number is secret")
    await house.room.deleted(GROUP, ["7"])
    kept = await prompts(house)
    assert not [t for t in kept if "1234" in t or "secret" in t]
    assert "and what did I say?" in kept


async def test_an_edit_reaches_the_prompts_that_hold_the_message(house: House) -> None:
    await told(house, message("I live in Rome", where=GROUP, id="7"))
    await told(house, message("where do I live?", where=GROUP))
    await house.room.edited(GROUP, "7", "I live in a town")
    assert "Rome" not in " ".join(t for t in await prompts(house) if "You said" not in t)


async def test_thumbs_that_wait_for_a_reply_are_no_replies(house: House) -> None:
    house.generator.go.clear()
    asking = asyncio.create_task(told(house, message("one", where=GROUP)))
    await house.generator.submitted.wait()
    thumbs = [
        asyncio.create_task(house.room.exchange_of(GROUP, f"9{n}", wait=True)) for n in range(3)
    ]
    next_ = Outbox()
    then = asyncio.create_task(house.room.message(message("two", where=GROUP), next_))
    await asyncio.sleep(0.05)
    house.generator.go.set()
    await asyncio.gather(asking, then, *thumbs)
    assert next_.finished
    assert not next_.ahead
