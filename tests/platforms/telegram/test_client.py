"""What reaches Telegram's server and what comes back, at the edge of the library."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest
import structlog
import telegram
from telegram.error import BadRequest, NetworkError

from bot.domain import Role
from bot.errors import ThumbwiseError
from bot.platforms.telegram.bounds import Bounds
from bot.platforms.telegram.client import Client, Unwelcome, UpdatesRequest, backoff
from bot.platforms.telegram.roles import roles_of
from tests.platforms.test_posting import Time

TOKEN = "123456:a-secret-that-nobody-may-read"  # noqa: S105 - made up


def client(time: Time | None = None) -> Client:
    time = time or Time()
    return Client(TOKEN, "http://127.0.0.1:9", Bounds(time.sleep, time))


def test_a_token_of_another_form_is_refused_without_being_shown() -> None:
    with pytest.raises(ThumbwiseError, match="TELEGRAM_TOKEN") as refused:
        Client("", "", Bounds())
    assert refused.value.__cause__ is None


async def test_the_token_is_in_no_log_line_however_much_is_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    for name in ("telegram", "httpx", "httpcore"):
        logging.getLogger(name).setLevel(logging.DEBUG)
    one = client()
    with structlog.testing.capture_logs() as lines, pytest.raises(NetworkError):
        await one.call(None, lambda _: one.bot.get_me(), tries=3)
    assert len(lines) == 2
    assert TOKEN not in caplog.text
    assert TOKEN not in str(lines)


def test_an_update_that_cannot_be_read_does_not_take_others_with_it() -> None:
    chat = {"id": 5, "type": "private", "first_name": "Ana"}
    good = {"update_id": 2, "message": {"message_id": 1, "date": 1, "chat": chat, "text": "hi"}}
    bad = {"update_id": 1, "message": {"message_id": {}, "chat": "nonsense"}}
    payload = json.dumps({"ok": True, "result": [bad, good]}).encode()
    found: Any = UpdatesRequest.parse_json_payload(payload)["result"]
    updates = telegram.Update.de_list(found, None)
    assert [update.update_id for update in updates] == [1, 2]
    assert updates[0].message is None
    assert updates[1].message is not None


async def test_no_right_to_write_is_one_plain_sentence() -> None:
    one = client()

    async def refuse(_chat: int) -> None:
        raise BadRequest("Not enough rights to send text messages to the chat")

    with pytest.raises(Unwelcome, match="chat -100"):
        await one.call(-100, refuse)


async def test_other_refusals_are_left_to_the_caller_and_not_tried_again() -> None:
    one = client()
    calls = []

    async def refuse(chat: int) -> None:
        calls.append(chat)
        raise BadRequest("Message is not modified")

    with pytest.raises(BadRequest):
        await one.call(5, refuse)
    assert calls == [5]


async def test_a_group_that_moves_is_told_of_once_and_calls_follow_it() -> None:
    one = client()
    moves, calls = [], []

    async def moved(before: int, after: int) -> None:
        moves.append((before, after))

    async def send(chat: int) -> int:
        calls.append(chat)
        if chat == -7:
            raise telegram.error.ChatMigrated(-100)
        return chat

    one.moved = moved
    assert await one.call(-7, send) == -100
    await one.follow(-7, -100)
    assert await one.call(-7, send) == -100
    assert moves == [(-7, -100)]
    assert calls == [-7, -100, -100]


def test_the_wait_grows_up_to_half_a_minute() -> None:
    assert [backoff(failures) for failures in (1, 2, 3, 6, 60)] == [1, 2, 4, 30, 30]


def test_who_runs_a_group_is_admin_and_who_keeps_order_is_moderator() -> None:
    def user(number: int, *, is_bot: bool = False) -> telegram.User:
        return telegram.User(number, "X", is_bot=is_bot)

    def administrator(number: int, **rights: bool) -> telegram.ChatMember:
        none: dict[str, Any] = dict.fromkeys(
            (
                "can_be_edited",
                "is_anonymous",
                "can_manage_chat",
                "can_delete_messages",
                "can_manage_video_chats",
                "can_restrict_members",
                "can_promote_members",
                "can_change_info",
                "can_invite_users",
                "can_post_stories",
                "can_edit_stories",
                "can_delete_stories",
            ),
            False,
        )
        return telegram.ChatMemberAdministrator(user(number), **(none | rights))

    found = roles_of(
        [
            telegram.ChatMemberOwner(user(1), is_anonymous=False),
            administrator(2, can_change_info=True),
            administrator(3, can_promote_members=True),
            administrator(4, can_delete_messages=True),
            telegram.ChatMemberOwner(user(5, is_bot=True), is_anonymous=False),
        ]
    )
    assert found == {"1": Role.ADMIN, "2": Role.ADMIN, "3": Role.ADMIN, "4": Role.MODERATOR}
