"""The methods that keep the lists of commands, and what a member's menu shows of them.

https://core.telegram.org/bots/api#determining-list-of-commands
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from tests.wire.telegram.parameters import Parameters
from tests.wire.telegram.refusals import Json, blunder
from tests.wire.telegram.world import RULERS, Chat, User

if TYPE_CHECKING:
    from tests.wire.telegram.server import BotApi

_FIELDS: Final[dict[str, tuple[str, ...]]] = {
    "default": (),
    "all_private_chats": (),
    "all_group_chats": (),
    "all_chat_administrators": (),
    "chat": ("chat_id",),
    "chat_administrators": ("chat_id",),
    "chat_member": ("chat_id", "user_id"),
}
Key = tuple[str, ...]


class Menus:
    """The lists by scope and language."""

    def __init__(self) -> None:
        """No list is set."""
        self.lists: dict[tuple[Key, str], list[Json]] = {}

    def shown(self, chat: Chat, user: User, status: str) -> list[str]:
        """The commands that a user sees in a chat: the first list that is set counts."""
        here, who = str(chat.id), str(user.id)
        scopes: list[Key]
        if chat.user is not None:
            scopes = [("chat", here), ("all_private_chats",)]
        elif status in RULERS:
            scopes = [
                ("chat_member", here, who),
                ("chat_administrators", here),
                ("chat", here),
                ("all_chat_administrators",),
                ("all_group_chats",),
            ]
        else:
            scopes = [("chat_member", here, who), ("chat", here), ("all_group_chats",)]
        for scope in [*scopes, ("default",)]:
            for language in (user.language_code, ""):
                if found := self.lists.get((scope, language)):
                    return [command["command"] for command in found]
        return []


def set_commands(api: BotApi, parameters: Parameters) -> bool:
    """setMyCommands."""
    key = _key(parameters)
    commands = parameters.things("commands")
    if not commands or len(commands) > 100:
        raise blunder("one to a hundred commands, please")
    for command in commands:
        if not isinstance(command, dict) or set(command) - {"command", "description"}:
            raise blunder("can't parse BotCommand")
        if not re.fullmatch(r"[a-z0-9_]{1,32}", str(command.get("command"))):
            raise blunder("BOT_COMMAND_INVALID")
        if not 1 <= len(str(command.get("description", "")).strip()) <= 256:
            raise blunder("BOT_COMMAND_DESCRIPTION_INVALID")
    api.menus.lists[key] = commands
    return True


def get_commands(api: BotApi, parameters: Parameters) -> list[Json]:
    """getMyCommands."""
    return api.menus.lists.get(_key(parameters), [])


def delete_commands(api: BotApi, parameters: Parameters) -> bool:
    """deleteMyCommands."""
    api.menus.lists.pop(_key(parameters), None)
    return True


def _key(parameters: Parameters) -> tuple[Key, str]:
    scope = parameters.thing("scope") or {"type": "default"}
    fields = _FIELDS.get(str(scope.get("type")))
    if fields is None or set(scope) != {"type", *fields}:
        raise blunder(f"can't parse BotCommandScope {scope}")
    language = parameters.text("language_code") or ""
    if language and not re.fullmatch(r"[a-z]{2}", language):
        raise blunder("BOT_COMMAND_LANGUAGE_INVALID")
    return (scope["type"], *(str(scope[field]) for field in fields)), language
