"""The server itself: what it takes from a bot, and what it refuses."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator

import pytest
from telegram import (
    Bot,
    BotCommand,
    BotCommandScopeAllGroupChats,
    ForceReply,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    MessageEntity,
    ReplyParameters,
)
from telegram.error import BadRequest, ChatMigrated, Forbidden, InvalidToken, NetworkError

from tests.wire.telegram import entities, town
from tests.wire.telegram.people import Human
from tests.wire.telegram.server import BotApi
from tests.wire.telegram.town import group

KEYS = InlineKeyboardMarkup([[InlineKeyboardButton("👍", callback_data="up:1")]])


@pytest.fixture
async def bot(api: BotApi) -> AsyncIterator[Bot]:
    """A bot of python-telegram-bot on the server."""
    async with Bot(
        api.token, base_url=f"{api.base}/bot", base_file_url=f"{api.base}/file/bot"
    ) as it:
        yield it


async def test_a_message_arrives_with_its_keyboard(api: BotApi, bot: Bot, ana: Human) -> None:
    asked = ana.say(ana.private, "hello")
    sent = await bot.send_message(
        ana.user.id,
        "hi *there* \n",
        entities=[MessageEntity("bold", 3, 9)],
        reply_markup=KEYS,
        reply_parameters=ReplyParameters(asked.id),
    )
    shown = town.spoken(api, ana.private)[0]
    assert (shown.text, shown.labels, shown.marked("bold")) == ("hi *there*", ["👍"], ["*there*"])
    assert shown.reply is asked
    assert sent.message_id == shown.id
    assert sent.reply_to_message is not None
    assert bot.username == "thumbwise_bot"


@pytest.mark.parametrize(
    ("text", "marks", "fine"),
    [
        ("🙂 bold", [("bold", 3, 4)], True),
        ("🙂 bold", [("bold", 1, 2)], False),  # within a surrogate pair
        ("bold", [("bold", 0, 5)], False),  # past the end
        ("bold", [("bold", 0, 0)], False),
        ("bold", [("loud", 0, 4)], False),
        ("bold", [("text_link", 0, 4)], False),  # leads nowhere
        ("bold and italic", [("bold", 0, 15), ("italic", 9, 6)], True),
        ("bold and italic", [("bold", 0, 8), ("italic", 5, 10)], False),  # crossing
        ("bold code", [("bold", 0, 9), ("code", 5, 4)], False),
        ("quoted code", [("blockquote", 0, 11), ("code", 7, 4)], True),
        ("quoted quote", [("blockquote", 0, 12), ("blockquote", 7, 5)], False),
        ("pre code", [("pre", 0, 8), ("code", 4, 4)], False),
    ],
)
def test_entities_are_checked(text: str, marks: list[tuple[str, int, int]], fine: bool) -> None:
    given = [{"type": kind, "offset": at, "length": length} for kind, at, length in marks]
    try:
        entities.check(text, given)
    except Exception:
        if fine:
            raise
    else:
        assert fine


async def test_a_text_holds_4096_units(api: BotApi, bot: Bot, ana: Human) -> None:
    assert ana.private
    await bot.send_message(ana.user.id, "🙂" * 2048)
    for text in ("🙂" * 2048 + "x", "  \n "):
        with pytest.raises(BadRequest, match=r"(?i)too long|empty"):
            await bot.send_message(ana.user.id, text)
    assert len(api.complaints) == 2
    api.complaints.clear()


async def test_html_becomes_entities_and_other_modes_are_refused(
    api: BotApi, bot: Bot, ana: Human
) -> None:
    assert ana.private
    await bot.send_message(ana.user.id, "<b>🙂</b> 1 &lt; 2 <code>x</code>", parse_mode="HTML")
    shown = town.spoken(api, ana.private)[0]
    assert (shown.text, shown.marked("bold"), shown.marked("code")) == ("🙂 1 < 2 x", ["🙂"], ["x"])
    for text, mode in (("<b>x", "HTML"), ("*x*", "MarkdownV2")):
        with pytest.raises(BadRequest):
            await bot.send_message(ana.user.id, text, parse_mode=mode)
    api.complaints.clear()


async def test_what_the_bot_says_may_call_somebody_by_name(
    api: BotApi, bot: Bot, ana: Human
) -> None:
    assert ana.private
    await bot.send_message(ana.user.id, "ask @bo_tg, or `@mod_tg`", entities=[_code(12, 9)])
    assert town.spoken(api, ana.private)[0].marked("mention") == ["@bo_tg"]


def _code(at: int, length: int) -> MessageEntity:
    return MessageEntity("code", at, length)


@pytest.mark.parametrize("data", ["", "x" * 65, "é" * 33])
async def test_a_button_carries_64_bytes(api: BotApi, bot: Bot, ana: Human, data: str) -> None:
    assert ana.private
    keys = InlineKeyboardMarkup([[InlineKeyboardButton("👍", callback_data=data)]])
    with pytest.raises(BadRequest):
        await bot.send_message(ana.user.id, "x", reply_markup=keys)
    api.complaints.clear()


async def test_edits(api: BotApi, bot: Bot, ana: Human) -> None:
    assert ana.private
    seconds = itertools.count()
    api.clock = lambda: next(seconds)  # each look at the clock is a second later
    sent = await bot.send_message(ana.user.id, "one", reply_markup=KEYS)
    with pytest.raises(BadRequest, match=r"(?i)message is not modified"):
        await sent.edit_text("one ", reply_markup=KEYS)
    await sent.edit_text("two")
    shown = town.spoken(api, ana.private)[0]
    assert (shown.versions, shown.labels) == (["one", "two"], [])  # the keyboard went with the text
    asked = await bot.send_message(ana.user.id, "better?", reply_markup=ForceReply())
    for message, why in ((asked.message_id, "can't be edited"), (999, "to edit not found")):
        with pytest.raises(BadRequest, match=why):
            await bot.edit_message_text("x", ana.user.id, message)
    await sent.delete()
    with pytest.raises(BadRequest, match=r"(?i)to delete not found"):
        await sent.delete()
    with pytest.raises(BadRequest, match=r"(?i)replied not found"):
        await bot.send_message(ana.user.id, "x", reply_parameters=ReplyParameters(sent.message_id))


async def test_drafts_stream_in_private_only(api: BotApi, bot: Bot, ana: Human) -> None:
    hall = group(api, ana)
    assert ana.private
    await bot.send_message_draft(ana.user.id, 7, "so f")
    await bot.send_message_draft(ana.user.id, 7, "so far")
    assert ana.private.drafts == {7: ["so f", "so far"]}
    await bot.send_message(ana.user.id, "so far so good")
    assert not ana.private.drafts
    with pytest.raises(BadRequest, match=r"(?i)TEXTDRAFT"):
        await bot.send_message_draft(hall.id, 7, "so")
    api.complaints.clear()


async def test_who_may_be_written_to(api: BotApi, bot: Bot, ana: Human, bo: Human) -> None:
    hall = group(api, bo, kind="group")
    assert api.world.private(ana.user)
    with pytest.raises(Forbidden, match=r"(?i)can't initiate"):
        await bot.send_message(ana.user.id, "x")
    ana.block()
    with pytest.raises(Forbidden, match=r"(?i)blocked"):
        await bot.send_message(ana.user.id, "x")
    bo.kick_bot(hall)
    with pytest.raises(Forbidden, match=r"(?i)kicked from the group chat"):
        await bot.send_chat_action(hall.id, "typing")
    with pytest.raises(BadRequest, match=r"(?i)chat not found"):
        await bot.send_message(12, "x")
    new = town.upgrade(api, group(api, bo, kind="group"), bo)
    with pytest.raises(ChatMigrated) as moved:
        await bot.send_message(next(c.id for c in api.world.chats.values() if c.migrated_to), "x")
    assert moved.value.new_chat_id == new.id


async def test_topics(api: BotApi, bot: Bot, ana: Human) -> None:
    hall = group(api, ana, forum=True)
    topic = town.open_topic(api, hall, ana, "Cats")
    asked = ana.say(hall, "/help", topic=topic)
    assert asked.to_json()["reply_to_message"]["forum_topic_created"]["name"] == "Cats"
    await bot.send_message(hall.id, "here", message_thread_id=topic.id)
    await bot.send_message(hall.id, "too", reply_parameters=ReplyParameters(asked.id))
    assert [message.topic for message in town.spoken(api, hall)] == [topic.id, topic.id]
    plain = group(api, ana)
    for chat, thread in ((hall, 99), (plain, 1)):
        with pytest.raises(BadRequest, match=r"(?i)thread not found"):
            await bot.send_message(chat.id, "x", message_thread_id=thread)
    api.complaints.clear()


async def test_buttons_are_answered_once_and_in_time(api: BotApi, bot: Bot, ana: Human) -> None:
    assert ana.private
    await bot.send_message(ana.user.id, "x", reply_markup=KEYS)
    shown = town.spoken(api, ana.private)[0]
    press, late = ana.press(shown, "👍"), ana.press(shown, "👍", stale=True, gone=True)
    first, second = await bot.get_updates()
    assert first.callback_query is not None
    assert second.callback_query is not None
    assert first.callback_query.data == "up:1"
    await first.callback_query.answer("Thanks")
    assert (press.said, late.said) == ("Thanks", "")
    for query in (first.callback_query, second.callback_query):
        with pytest.raises(BadRequest, match=r"(?i)query is too old"):
            await query.answer()


async def test_a_press_that_nobody_answers_is_seen(api: BotApi, bot: Bot, ana: Human) -> None:
    assert ana.private
    await bot.send_message(ana.user.id, "x", reply_markup=KEYS)
    ana.press(town.spoken(api, ana.private)[0], "👍")
    assert len(api.verdict()) == 1
    api.presses.clear()


async def test_files(api: BotApi, bot: Bot, ana: Human) -> None:
    ana.document(ana.private, "notes.txt", b"words", caption="read this")
    ana.document(ana.private, "film.bin", b"", size=21 * 2**20)
    small, large = (update.message for update in await bot.get_updates())
    assert small is not None
    assert large is not None
    assert small.document is not None
    assert large.document is not None
    file = await small.document.get_file()
    assert bytes(await file.download_as_bytearray()) == b"words"
    with pytest.raises(BadRequest, match=r"(?i)too big"):
        await large.document.get_file()
    await bot.send_photo(ana.user.id, b"\x89PNG...", caption="a curve")
    await bot.send_document(ana.user.id, b"{}", filename="mine.json")
    photo, document = town.spoken(api, ana.private)
    assert photo.text == "a curve"
    assert document.data["document"]["file_name"] == "mine.json"
    assert api.files.kept[document.data["document"]["file_id"]].data == b"{}"


async def test_menus_by_scope_language_and_role(
    api: BotApi, bot: Bot, ana: Human, mod: Human
) -> None:
    hall = group(api, ana, admins=(mod,))
    await bot.set_my_commands([BotCommand("help", "what I can do")])
    await bot.set_my_commands(
        [("chat", "talk")], scope=BotCommandScopeAllGroupChats(), language_code="en"
    )
    assert api.menus.shown(ana.private, ana.user, "member") == ["help"]
    assert api.menus.shown(hall, ana.user, "member") == ["chat"]
    assert [c.command for c in await bot.get_my_commands()] == ["help"]
    with pytest.raises(BadRequest, match=r"(?i)BOT_COMMAND_INVALID"):
        await bot.set_my_commands([("Help", "x")])
    api.complaints.clear()


async def test_members_and_administrators(api: BotApi, bot: Bot, ana: Human, mod: Human) -> None:
    hall = group(api, ana, admins=(mod,))
    assert [m.user.id for m in await bot.get_chat_administrators(hall.id)] == [mod.user.id]
    assert (await bot.get_chat_member(hall.id, ana.user.id)).status == "member"
    assert (await bot.get_chat(hall.id)).title == "Hall"
    await bot.leave_chat(hall.id)
    with pytest.raises(Forbidden, match=r"(?i)not a member"):
        await bot.get_chat(hall.id)


async def test_wrong_tokens_and_unknown_parameters(api: BotApi, bot: Bot) -> None:
    for token in ("12:wrong", "wrong"):
        with pytest.raises(InvalidToken):
            async with Bot(token, base_url=f"{api.base}/bot"):
                pass
    with pytest.raises(BadRequest, match=r"(?i)unknown parameters"):
        await bot.get_me(api_kwargs={"nonsense": 1})
    assert len(api.complaints) == 1
    api.complaints.clear()


async def test_faults_happen_as_often_as_told(api: BotApi, bot: Bot, ana: Human) -> None:
    assert ana.private
    api.faults.fail("sendMessage", 500, "Internal Server Error")
    api.faults.drop("sendMessage", carried_out=True)
    for _ in range(2):
        with pytest.raises(NetworkError):
            await bot.send_message(ana.user.id, "x")
    await bot.send_message(ana.user.id, "x")
    assert [call.code for call in api.made("sendMessage")] == [500, 0, 200]
    assert len(town.spoken(api, ana.private)) == 2
    assert api.faults.left() == []
