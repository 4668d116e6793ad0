"""Members talk with the bot: where it answers, whom, with what, and how it looks."""

from __future__ import annotations

import pytest

from tests.wire.telegram import town
from tests.wire.telegram.house import House, actions, heard
from tests.wire.telegram.people import Human
from tests.wire.telegram.server import BotApi
from tests.wire.telegram.town import group, replies, said, spoken


@pytest.mark.usefixtures("house")
async def test_a_private_chat_is_answered(api: BotApi, ana: Human) -> None:
    ana.say(ana.private, "hello there")
    (reply,) = await replies(api, ana.private)
    assert reply.text == "You said: hello there"
    assert [label[0] for label in reply.labels] == ["👍", "👎", "🔁", "✏"]
    assert "typing" in actions(ana.private)


@pytest.mark.parametrize("privacy", [True, False])
async def test_a_group_is_answered_when_the_bot_is_meant(
    api: BotApi, house: House, ana: Human, bo: Human, privacy: bool
) -> None:
    api.world.privacy = privacy
    hall = group(api, ana, bo)
    ana.say(hall, "just talk among people")
    first = ana.say(hall, "@Thumbwise_Bot what is up?")
    (answer,) = await replies(api, hall)
    assert answer.reply is first
    assert "what is up?" in answer.text
    bo.say(hall, "tell me more", reply=answer)
    await replies(api, hall, 2)
    bo.say(hall, "/chat@thumbwise_bot by command")
    found = await replies(api, hall, 3)
    assert "tell me more" in found[1].text
    assert found[2].text == "You said: by command"
    known = "just talk among people" in str(house.voice.prompts[-1].turns)
    assert known is not privacy  # what privacy mode hides is no context


async def test_answers_keep_the_order_of_a_chat(api: BotApi, house: House, ana: Human) -> None:
    house.voice.pause = 0.3
    asked = [ana.say(ana.private, f"number {number}") for number in range(4)]
    found = await replies(api, ana.private, 4)
    assert [p.turns[-1].text for p in house.voice.prompts] == [m.text for m in asked]
    for reply in found:  # those that said that they wait stand before those that came first
        if any(version.startswith("⏳") for version in reply.versions):
            assert reply.reply is not None
            assert reply.text == f"You said: {reply.reply.text}"
    others = [m.text for m in found if m.reply is None]
    assert others == sorted(others) != []


async def test_each_topic_is_a_conversation_of_its_own(
    api: BotApi, house: House, ana: Human
) -> None:
    hall = group(api, ana, forum=True, bot="administrator")
    cats, dogs = (town.open_topic(api, hall, ana, name) for name in ("Cats", "Dogs"))
    ana.say(hall, "@thumbwise_bot about cats", topic=cats)
    await replies(api, hall)
    ana.say(hall, "@thumbwise_bot about dogs", topic=dogs)
    await replies(api, hall, 2)
    assert heard(house.voice) == ["about dogs"]
    ana.say(hall, "@thumbwise_bot in general")
    found = await replies(api, hall, 3)
    assert [m.topic for m in found] == [cats.id, dogs.id, None]
    assert heard(house.voice) == ["in general"]


async def test_a_thread_of_replies_is_no_topic(api: BotApi, house: House, ana: Human) -> None:
    hall = group(api, ana)
    first = ana.say(hall, "/chat one")
    await replies(api, hall)
    ana.say(hall, "@thumbwise_bot two", reply=first)
    await replies(api, hall, 2)
    assert "one" in heard(house.voice)


@pytest.mark.usefixtures("house")
async def test_bots_are_never_answered(api: BotApi, ana: Human) -> None:
    api.world.bots_hear_bots = True
    other = Human(api, "Other", is_bot=True)
    hall = group(api, ana, other, bot="administrator")
    other.say(hall, "@thumbwise_bot are you there?")
    other.say(hall, "/help@thumbwise_bot")
    ana.say(hall, "@thumbwise_bot and me?")
    (answer,) = await replies(api, hall)
    assert answer.text == "You said: and me?"
    assert len(spoken(api, hall)) == 1


async def test_a_members_edit_changes_the_context(api: BotApi, house: House, ana: Human) -> None:
    first = ana.say(ana.private, "I like cats")
    await replies(api, ana.private)
    ana.edit(first, "I like dogs")
    ana.say(ana.private, "what do I like?")
    await replies(api, ana.private, 2)
    assert "I like dogs" in heard(house.voice)
    assert "I like cats" not in heard(house.voice)


async def test_what_is_replied_to_and_quoted_is_read(
    api: BotApi, house: House, ana: Human, bo: Human
) -> None:
    hall = group(api, ana, bo)
    long = bo.say(hall, "The sky is blue, the grass is green.")
    ana.say(hall, "@thumbwise_bot is it true?", reply=long, quote="the grass is green")
    await replies(api, hall)
    assert "the grass is green" in str(house.voice.prompts[-1])
    assert "The sky is blue" not in str(house.voice.prompts[-1])


async def test_the_quoted_part_of_a_known_message_is_pointed_at(
    api: BotApi, house: House, ana: Human
) -> None:
    house.voice.words = "The sky is blue, the grass is green."
    ana.say(ana.private, "tell me")
    (reply,) = await replies(api, ana.private)
    ana.say(ana.private, "is it true?", reply=reply, quote="the grass is green")
    await replies(api, ana.private, 2)
    assert heard(house.voice) == [
        "tell me",
        "The sky is blue, the grass is green.",
        "> the grass is green\nis it true?",
    ]
    kept = await house.rows("SELECT text FROM messages WHERE speaker = 'Ana'")
    assert kept == [("tell me",), ("is it true?",)]


async def test_what_is_quoted_from_another_chat_is_read(
    api: BotApi, house: House, ana: Human
) -> None:
    ana.quote(ana.private, "is it true?", "the grass is green")
    await replies(api, ana.private)
    assert heard(house.voice) == ["> the grass is green\nis it true?"]
    assert await house.rows("SELECT text FROM messages WHERE speaker = 'Ana'") == [("is it true?",)]


async def test_what_is_forwarded_is_read_with_its_author(
    api: BotApi, house: House, ana: Human
) -> None:
    ana.forward(ana.private, "The moon is a cheese", author="Galileo")
    await replies(api, ana.private)
    assert "The moon is a cheese" in heard(house.voice)[-1]
    assert "Galileo" in heard(house.voice)[-1]


async def test_text_files_are_read_with_their_caption(
    api: BotApi, house: House, ana: Human
) -> None:
    ana.document(ana.private, "notes.txt", b"buy milk", caption="what is in it?")
    await replies(api, ana.private)
    assert "what is in it?" in heard(house.voice)[-1]
    assert "buy milk" in heard(house.voice)[-1]


async def test_a_changed_caption_does_not_drop_the_file(
    api: BotApi, house: House, ana: Human
) -> None:
    sent = ana.document(ana.private, "notes.txt", b"buy milk", caption="what is in it?")
    await replies(api, ana.private)
    ana.edit(sent, "what shall I buy?")
    ana.say(ana.private, "well?")
    await replies(api, ana.private, 2)
    assert "what shall I buy?" in heard(house.voice)[0]
    assert "buy milk" in heard(house.voice)[0]


async def test_only_the_beginning_of_a_long_file_is_read(
    api: BotApi, quiet_house: House, ana: Human
) -> None:
    quiet_house.options["attachment_chars"] = 10
    await quiet_house.start()
    ana.document(ana.private, "long.md", b"0123456789abcdef", "text/markdown", caption="look")
    await replies(api, ana.private)
    assert "0123456789" in heard(quiet_house.voice)[-1]
    assert "abc" not in heard(quiet_house.voice)[-1]


@pytest.mark.parametrize("kind", ["sticker", "photo", "voice", "film"])
async def test_what_cannot_be_read_is_said_honestly(
    api: BotApi, house: House, ana: Human, kind: str
) -> None:
    if kind == "film":
        ana.document(ana.private, "film.mp4", b"\0\0", "video/mp4", size=30 * 2**20)
    else:
        getattr(ana, kind)(ana.private)
    await said(api, ana.private, "only read text")
    assert not house.voice.jobs


async def test_a_caption_is_read_though_the_picture_is_not(
    api: BotApi, house: House, ana: Human
) -> None:
    ana.photo(ana.private, "is this a cat?")
    await replies(api, ana.private)
    ana.voice(ana.private, "and this?")
    await replies(api, ana.private, 2)
    ana.document(ana.private, "cat.pdf", b"%PDF", "application/pdf", caption="or this?")
    await replies(api, ana.private, 3)
    ana.document(ana.private, "cat.txt", b"meow", caption="this?", size=30 * 2**20)
    await replies(api, ana.private, 4)
    assert heard(house.voice)[::2] == [
        "[photo] is this a cat?",
        "[voice] and this?",
        "[file: cat.pdf, not read] or this?",
        "[file: cat.txt, not read] this?",
    ]


async def test_a_caption_can_be_a_command(api: BotApi, house: House, ana: Human) -> None:
    hall = group(api, ana)
    ana.photo(hall, "/chat@thumbwise_bot is this a cat?")
    await replies(api, hall)
    assert heard(house.voice) == ["[photo] is this a cat?"]


@pytest.mark.usefixtures("house")
async def test_a_group_hears_nothing_of_its_own_stickers(api: BotApi, ana: Human) -> None:
    api.world.privacy = False
    hall = group(api, ana)
    ana.sticker(hall)
    ana.photo(hall, "our holiday")
    ana.say(hall, "@thumbwise_bot hi")
    await replies(api, hall)
    assert len(spoken(api, hall)) == 1


async def test_a_private_reply_grows_as_a_draft(api: BotApi, house: House, ana: Human) -> None:
    house.voice.words, house.voice.pause = " ".join(f"word{n}" for n in range(30)), 0.3
    ana.say(ana.private, "tell me")
    await api.until(lambda: api.made("sendMessageDraft"), "a draft")
    (reply,) = await replies(api, ana.private)
    assert reply.versions == [house.voice.words]
    drafts = [str(call.values["text"]) for call in api.made("sendMessageDraft")]
    assert len(drafts) > 2
    assert all(house.voice.words.startswith(text.removesuffix(" ▌")) for text in drafts)


async def test_without_drafts_a_private_reply_grows_by_edits(
    api: BotApi, house: House, ana: Human
) -> None:
    api.faults.fail("sendMessageDraft", 404, "Not Found: method not found")
    house.voice.words, house.voice.pause = " ".join(f"word{n}" for n in range(30)), 0.3
    ana.say(ana.private, "tell me")
    (reply,) = await replies(api, ana.private)
    assert reply.versions[-1] == house.voice.words
    assert 3 <= len(reply.versions) <= 15
    assert len(api.made("sendMessageDraft")) == 1


async def test_a_reply_in_a_group_grows_within_its_limits(
    api: BotApi, house: House, ana: Human, bo: Human
) -> None:
    """A minute and a half of words in two chats; the server counts them."""
    hall, hut = group(api, ana), group(api, bo)
    house.voice.words, house.voice.pause = " ".join(f"word{n}" for n in range(90)), 1.0
    ana.say(hall, "/chat tell me")
    bo.say(hut, "/chat tell me")
    for chat in (hall, hut):
        (reply,) = await replies(api, chat)
        assert reply.versions[-1] == house.voice.words
        assert len(reply.versions) > 10


async def test_markdown_becomes_entities(api: BotApi, house: House, ana: Human) -> None:
    house.voice.words = (
        "**Bold** and *slanted* 🙂 `x < 1`, see [the docs](https://example.org/a_b).\n\n"
        "- one\n- two\n\n```python\nprint('*not bold*')\n```\n"
    )
    ana.say(ana.private, "format it")
    (reply,) = await replies(api, ana.private)
    assert reply.marked("bold") == ["Bold"]
    assert reply.marked("italic") == ["slanted"]
    assert reply.marked("code") == ["x < 1"]
    assert [text.strip() for text in reply.marked("pre")] == ["print('*not bold*')"]
    assert reply.marked("text_link") == ["the docs"]
    assert "**" not in reply.text
    assert "one\n" in reply.text


async def test_what_telegram_does_not_format_goes_out_plain(
    api: BotApi, house: House, ana: Human
) -> None:
    house.voice.words = "**Bold** and 1.5 - 2 = (x)!"
    api.faults.fail("sendMessage", 400, "Bad Request: can't parse entities: unsupported")
    ana.say(ana.private, "format it")
    (reply,) = await replies(api, ana.private)
    assert reply.text == "Bold and 1.5 - 2 = (x)!"
    assert not reply.entities


async def test_nobody_is_pinged_and_no_command_is_run(
    api: BotApi, house: House, ana: Human
) -> None:
    house.voice.words = "ask @bo_tg and **@mod_tg**"
    hall = group(api, ana)
    ana.say(hall, "/chat ping them")
    (reply,) = await replies(api, hall)
    assert not reply.marked("mention")
    assert "bo_tg" in reply.text


@pytest.mark.parametrize(
    "words",
    [
        " ".join(f"word{n} 🙂" for n in range(1200)),
        "👩‍👩‍👧‍👦" * 900,
        "```python\n" + "\n".join(f"print({n})  # 🙂" for n in range(500)) + "\n```\nand **done**",
    ],
    ids=["words", "families", "code"],
)
async def test_a_long_reply_comes_in_parts(
    api: BotApi, house: House, ana: Human, words: str
) -> None:
    house.voice.words = words
    ana.say(ana.private, "at length")
    await replies(api, ana.private)
    parts = spoken(api, ana.private)
    assert len(parts) >= 2
    assert [bool(part.labels) for part in parts] == [False] * (len(parts) - 1) + [True]
    for part in parts[:-1]:
        assert not part.text.endswith("\u200d")
        assert not part.text.startswith("\u200d")
    if words.startswith("```"):
        assert all(part.marked("pre") for part in parts)
        assert "done" in parts[-1].marked("bold")
        assert all("```" not in part.text for part in parts)
    else:
        joined = "".join("".join(part.text.split()) for part in parts)
        assert joined == "".join(words.split())


async def test_again_gives_another_reply(api: BotApi, house: House, ana: Human) -> None:
    ana.say(ana.private, "hello")
    (first,) = await replies(api, ana.private)
    house.voice.words = "Something else"
    ana.press(first, "🔁")
    _, second = await replies(api, ana.private, 2)
    assert second.text == "Something else"
    found = await house.rows("SELECT id, retry_of FROM exchanges ORDER BY id")
    assert found[1][1] == found[0][0]
