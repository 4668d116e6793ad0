"""What Telegram's updates mean: who speaks to the bot, who is heard, whose clicks count."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
import telegram

from bot.domain import ChannelKind, FeedbackKind, Person, Place, Quote, Role
from bot.platforms.telegram.entities import Mark
from bot.platforms.telegram.events import (
    Amended,
    Ask,
    Belonging,
    Bettered,
    Event,
    File,
    Me,
    Migrated,
    Ordered,
    Pressed,
    Reacted,
    Spoken,
)
from bot.platforms.telegram.intake import OPINION, read
from bot.platforms.telegram.presses import request

ME = Me(999, "thumbwise_bot")
ANA = {"id": 5, "is_bot": False, "first_name": "Ana", "last_name": "Bee"}
BOT = {"id": 999, "is_bot": True, "first_name": "Thumbwise", "username": "thumbwise_bot"}
OTHER_BOT = {"id": 6, "is_bot": True, "first_name": "Other"}
ANONYMOUS = {"id": 1087968824, "is_bot": True, "first_name": "Group"}
HALL = {"id": -100, "type": "supergroup", "title": "Hall"}
PRIVATE = {"id": 5, "type": "private", "first_name": "Ana"}
VOICE = {"file_id": "f", "file_unique_id": "u", "duration": 3}
NOTES = {"file_id": "f", "file_unique_id": "u", "file_name": "a.txt", "file_size": 3}
SENT = datetime.fromtimestamp(1800000000, UTC)
IN_HALL = Place("telegram", "-100", "-100", ChannelKind.GROUP, "Hall")
PERSON = Person("telegram", "5", "Ana Bee")


def message(text: str | None = "hi", chat: dict[str, Any] = HALL, **more: Any) -> dict[str, Any]:
    data: dict[str, Any] = {"message_id": 40, "date": 1800000000, "chat": chat, "from": ANA}
    if text is not None:
        data["text"] = text
    return data | more


def heard(data: dict[str, Any], kind: str = "message", me: Me = ME) -> Event | None:
    update = telegram.Update.de_json({"update_id": 1, kind: data}, None)
    return read(update, me)


def spoken(data: dict[str, Any]) -> Spoken:
    event = heard(data)
    assert isinstance(event, Spoken)
    return event


def entity(kind: str, offset: int, length: int, **more: Any) -> list[dict[str, Any]]:
    return [{"type": kind, "offset": offset, "length": length} | more]


def test_a_private_message_speaks_to_the_bot() -> None:
    said = spoken(message("hi", PRIVATE)).message
    assert said.addressed
    assert said.place == Place("telegram", "5", "5", ChannelKind.DIRECT, "Ana")
    assert said.author == PERSON
    assert (said.text, said.external_id) == ("hi", "40")
    assert said.at == SENT


def test_talk_in_a_group_is_heard_and_not_addressed() -> None:
    said = spoken(message("hi all")).message
    assert not said.addressed
    assert said.place == IN_HALL


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (
            message("@Thumbwise_Bot, hi", entities=entity("mention", 0, 14)),
            "hi",
        ),
        (
            message("hi @thumbwise_bot", entities=entity("mention", 3, 14)),
            "hi",
        ),
        (
            message("🙂 you, hi", entities=entity("text_mention", 3, 3, user=BOT)),
            "🙂 you, hi",
        ),
        (message("hi", reply_to_message=message("x", **{"from": BOT})), "hi"),
        (message("/chat  hi there", entities=entity("bot_command", 0, 5)), "hi there"),
        (message("/chat@thumbwise_bot hi"), "hi"),
        (message("@thumbwise_bot", entities=entity("mention", 0, 14)), "@thumbwise_bot"),
        (
            message(
                None,
                photo=[{"file_id": "f", "file_unique_id": "u", "width": 1, "height": 1}],
                caption="look @thumbwise_bot",
                caption_entities=entity("mention", 5, 14),
            ),
            "[photo] look",
        ),
        (message(None, caption="/chat@thumbwise_bot look", voice=VOICE), "[voice] look"),
    ],
)
def test_in_a_group_it_is_spoken_to_by_name_by_reply_and_by_chat(
    data: dict[str, Any], text: str
) -> None:
    said = spoken(data).message
    assert said.addressed
    assert said.text == text


@pytest.mark.parametrize(
    "data",
    [
        message("@thumbwise_botanist hi", entities=entity("mention", 0, 19)),
        message("hi", reply_to_message=message("x")),
        message("hi @thumbwise_bot"),  # in a code block, say: no mention
    ],
)
def test_it_is_not_spoken_to_by_what_only_looks_so(data: dict[str, Any]) -> None:
    assert not spoken(data).message.addressed


def test_each_topic_is_a_place_and_its_opening_is_answered_by_nobody() -> None:
    opening = message(
        None,
        **{"from": BOT},
        message_id=7,
        forum_topic_created={"name": "T", "icon_color": 1},
    )
    event = spoken(
        message("hi", is_topic_message=True, message_thread_id=7, reply_to_message=opening)
    )
    assert event.message.place.channel == "-100/7"
    assert event.message.place.community == "-100"
    assert not event.message.addressed
    assert event.message.reply_to is None


def test_a_thread_of_replies_outside_of_forums_is_no_topic() -> None:
    assert spoken(message("hi", message_thread_id=7)).message.place == IN_HALL


def test_a_reply_brings_what_it_answers_and_the_part_that_was_quoted() -> None:
    other = message("long story", message_id=30, **{"from": ANA | {"id": 8}})
    said = spoken(message("why?", reply_to_message=other)).message
    assert said.reply_to == "30"
    assert said.quote == Quote(Person("telegram", "8", "Ana Bee"), "long story")
    mine = message("long story", message_id=30, **{"from": BOT})
    quote = {"text": "story", "position": 5, "is_manual": True}
    said = spoken(message("why?", reply_to_message=mine, quote=quote)).message
    assert said.quote == Quote(None, "story", manual=True)
    origin = {"type": "hidden_user", "sender_user_name": "Bo", "date": 1800000000}
    far = {"origin": origin, "message_id": 7}
    said = spoken(message("why?", external_reply=far, quote=quote)).message
    assert said.quote == Quote(None, "story", manual=True, elsewhere=True)
    assert spoken(message("why?", external_reply=far)).message.quote is None


@pytest.mark.parametrize(
    ("user", "author"), [(ANA, PERSON), (BOT, None)], ids=["somebody", "the bot itself"]
)
def test_what_is_quoted_from_another_chat_has_an_author_if_telegram_names_one(
    user: dict[str, Any], author: Person | None
) -> None:
    origin = {"type": "user", "sender_user": user, "date": 1800000000}
    far = {"origin": origin, "message_id": 7}
    quote = {"text": "story", "position": 5, "is_manual": True}
    said = spoken(message("why?", external_reply=far, quote=quote)).message
    assert said.quote == Quote(author, "story", manual=True, elsewhere=True)


def test_bots_are_not_heard() -> None:
    assert heard(message("hi", **{"from": OTHER_BOT})) is None
    assert heard(message("/help", **{"from": BOT})) is None


def test_an_anonymous_administrator_is_a_moderator_and_a_channel_is_a_member() -> None:
    boss = spoken(message("hi", sender_chat=HALL, **{"from": ANONYMOUS})).message.author
    assert boss == Person("telegram", "anonymous--100", "Hall", Role.MODERATOR)
    news = {"id": -200, "type": "channel", "title": "News"}
    author = spoken(message("hi", sender_chat=news, **{"from": OTHER_BOT})).message.author
    assert author == Person("telegram", "channel--200", "News")


def test_a_post_of_the_linked_channel_is_context_even_if_it_names_the_bot() -> None:
    news = {"id": -200, "type": "channel", "title": "News"}
    said = spoken(
        message(
            "@thumbwise_bot hi",
            sender_chat=news,
            is_automatic_forward=True,
            entities=entity("mention", 0, 14),
        )
    ).message
    assert not said.addressed


def test_forwarded_words_say_whose_they_are() -> None:
    origin = {"type": "hidden_user", "sender_user_name": "Bo", "date": 1800000000}
    assert spoken(message("hi", forward_origin=origin)).message.text == "[forwarded from Bo] hi"


def test_files_and_what_cannot_be_read() -> None:
    event = spoken(message(None, PRIVATE, document=NOTES, caption="see"))
    assert event.file == File("f", "a.txt", "", 3)
    assert not event.mute
    assert spoken(message(None, PRIVATE, voice=VOICE)).mute
    film = {"file_id": "f", "file_unique_id": "u", "width": 1, "height": 1, "duration": 1}
    event = spoken(message(None, animation=film, document=NOTES, caption="funny"))
    assert (event.message.text, event.file) == ("[animation] funny", None)
    assert heard(message(None, new_chat_title="Hall")) is None


def test_commands_in_a_group_and_in_private() -> None:
    assert heard(message("/flag too rude")) == Ordered(
        PERSON, IN_HALL, "flag", "too rude", "40", None, explicit=False
    )
    order = heard(message("/Flag@Thumbwise_bot", reply_to_message=message("x", **{"from": BOT})))
    assert isinstance(order, Ordered)
    assert (order.name, order.target, order.explicit) == ("flag", "40", True)
    assert heard(message("/flag@other_bot")) is None
    external = {"origin": {"type": "hidden_user", "sender_user_name": "Bo", "date": 1}}
    for answering in ({"reply_to_message": message("x")}, {"external_reply": external}):
        order = heard(message("/flag", **answering))
        assert isinstance(order, Ordered)
        assert order.target == "", "it is about what is no reply of the bot's"
    order = heard(message("/start payload", PRIVATE))
    assert isinstance(order, Ordered)
    assert order.explicit


def test_chat_without_words_quotes_what_it_replies_to_as_another_ones() -> None:
    bo = message("what is up?", message_id=3, **{"from": ANA | {"id": 8}})
    said = spoken(message("/chat", reply_to_message=bo)).message
    assert said.text == OPINION
    assert said.quote == Quote(Person("telegram", "8", "Ana Bee"), "what is up?")
    assert said.addressed
    assert isinstance(heard(message("/chat")), Ordered)


def test_chat_in_a_caption_brings_its_file() -> None:
    event = spoken(message(None, caption="/chat@thumbwise_bot what is it?", document=NOTES))
    assert (event.message.text, event.file) == ("what is it?", File("f", "a.txt", "", 3))
    assert event.message.addressed


def test_an_edit_changes_what_was_said_and_is_no_command() -> None:
    assert heard(message("new @thumbwise_bot"), "edited_message") == Amended(IN_HALL, "40", "new")
    assert heard(message("/chat new"), "edited_message") == Amended(IN_HALL, "40", "new")
    with_file = message(None, caption="new", document=NOTES)
    amended = Amended(IN_HALL, "40", "new", File("f", "a.txt", "", 3))
    assert heard(with_file, "edited_message") == amended
    with_voice = message(None, caption="/chat new", voice=VOICE)
    assert heard(with_voice, "edited_message") == Amended(IN_HALL, "40", "[voice] new")
    assert heard(message("/forget yes"), "edited_message") is None
    assert heard(message("x", **{"from": OTHER_BOT}), "edited_message") is None


def asked(ask: Ask, person: Person | None = None, author: dict[str, Any] = BOT) -> dict[str, Any]:
    """The request for a better answer, as Telegram shows it in a reply to it."""
    body = request(ask, ME.username, person)

    def shown(mark: Mark) -> dict[str, Any]:
        return {"type": mark.kind, "offset": mark.offset, "length": mark.length, "url": mark.url}

    return message(body.text, entities=[shown(m) for m in body.marks], **{"from": author})


@pytest.mark.parametrize("person", [None, PERSON])
@pytest.mark.parametrize("reviewing", [True, False])
def test_a_reply_to_the_request_is_the_better_answer(
    person: Person | None, reviewing: bool
) -> None:
    data = message("This one.", reply_to_message=asked(Ask(12, reviewing), person))
    assert heard(data) == Bettered(PERSON, IN_HALL, 12, "This one.", "40", reviewing)


def test_no_other_reply_is_a_better_answer() -> None:
    forged = asked(Ask(12, reviewing=False), author=ANA)
    assert isinstance(heard(message("This one.", reply_to_message=forged)), Spoken)
    command = heard(message("/help", reply_to_message=asked(Ask(12, reviewing=False))))
    assert isinstance(command, Ordered)


def test_a_press_even_of_a_button_that_is_too_old_to_be_shown() -> None:
    query = {"id": "1", "from": ANA, "chat_instance": "c", "data": "v1:like:7"}
    expected = Pressed("1", PERSON, IN_HALL, "40", "v1:like:7", SENT)
    assert heard(query | {"message": message("x")}, "callback_query") == expected
    gone = {"chat": HALL, "message_id": 40, "date": 0}
    expected = replace(expected, shown_at=datetime.fromtimestamp(0, UTC))
    assert heard(query | {"message": gone}, "callback_query") == expected
    assert heard(query | {"inline_message_id": "x"}, "callback_query") is None


@pytest.mark.parametrize(
    ("before", "after", "vote", "removed"),
    [
        ("", "👍", FeedbackKind.LIKE, None),
        ("👍", "👎", FeedbackKind.DISLIKE, FeedbackKind.LIKE),
        ("👍", "👍👎", FeedbackKind.DISLIKE, FeedbackKind.LIKE),
        ("👍👎", "👎", FeedbackKind.DISLIKE, FeedbackKind.DISLIKE),
        ("👍", "🔥", None, FeedbackKind.LIKE),
    ],
)
def test_a_thumb_is_a_vote_and_taking_it_away_takes_it_back(
    before: str, after: str, vote: FeedbackKind | None, removed: FeedbackKind | None
) -> None:
    def reactions(emoji: str) -> list[dict[str, str]]:
        return [{"type": "emoji", "emoji": one} for one in emoji]

    data = {
        "chat": HALL,
        "message_id": 40,
        "date": 1800000000,
        "user": ANA,
        "old_reaction": reactions(before),
        "new_reaction": reactions(after),
    }
    assert heard(data, "message_reaction") == Reacted(PERSON, IN_HALL, "40", vote, removed)


def test_other_reactions_and_those_of_nobody_in_particular_are_no_votes() -> None:
    data: dict[str, Any] = {"chat": HALL, "message_id": 40, "date": 1, "old_reaction": []}
    fire = data | {"user": ANA, "new_reaction": [{"type": "emoji", "emoji": "🔥"}]}
    assert heard(fire, "message_reaction") is None
    thumb = [{"type": "emoji", "emoji": "👍"}]
    channel = {"id": -200, "type": "channel", "title": "News"}
    news = data | {"actor_chat": channel, "new_reaction": thumb}
    assert heard(news, "message_reaction") is None
    boss = heard(data | {"actor_chat": HALL, "new_reaction": thumb}, "message_reaction")
    assert isinstance(boss, Reacted)
    assert boss.person.role is Role.MODERATOR


def test_a_group_that_moves_and_chats_that_are_entered_and_left() -> None:
    small = {"id": -7, "type": "group", "title": "Hall"}
    before = Place("telegram", "-7", "-7", ChannelKind.GROUP, "Hall")
    assert heard(message(None, small, migrate_to_chat_id=-100)) == Migrated(before, IN_HALL)

    def change(status: str) -> Event | None:
        old = {"user": BOT, "status": "member"}
        new = {"user": BOT, "status": status, "until_date": 0}
        data = {"chat": HALL, "from": ANA, "date": 1, "old_chat_member": old}
        return heard(data | {"new_chat_member": new}, "my_chat_member")

    assert change("kicked") == Belonging(IN_HALL, inside=False)
    assert change("member") == Belonging(IN_HALL, inside=True)
