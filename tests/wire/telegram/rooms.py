"""The methods that tell of chats and their members, and that leave a chat."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.wire.telegram.parameters import Parameters
from tests.wire.telegram.refusals import Json, bad
from tests.wire.telegram.world import RULERS, Chat, Membership

if TYPE_CHECKING:
    from tests.wire.telegram.server import BotApi


def get_me(api: BotApi, _parameters: Parameters) -> Json:
    """getMe."""
    return api.world.bot.to_json() | {
        "can_join_groups": True,
        "can_read_all_group_messages": not api.world.privacy,
        "supports_inline_queries": False,
        "can_connect_to_business": False,
        "has_main_web_app": False,
        "has_topics_enabled": False,
    }


def get_chat(api: BotApi, parameters: Parameters) -> Json:
    """getChat."""
    chat = _chat(api, parameters)
    found = chat.to_json() | {
        "accent_color_id": 0,
        "max_reaction_count": 11,
        "accepted_gift_types": dict.fromkeys(
            (
                "unlimited_gifts",
                "limited_gifts",
                "unique_gifts",
                "premium_subscription",
                "gifts_from_channels",
            ),
            False,
        ),
    }
    return found | ({"linked_chat_id": chat.linked.id} if chat.linked else {})


def get_member(api: BotApi, parameters: Parameters) -> Json:
    """getChatMember."""
    chat = _chat(api, parameters)
    user = api.world.users.get(parameters.needed_number("user_id"))
    if user is None:
        raise bad("invalid user_id specified")
    own = chat.user is not None and user in (chat.user, api.world.bot)
    member = chat.members.get(user.id) or Membership(user, "member" if own else "left")
    return member.to_json()


def get_administrators(api: BotApi, parameters: Parameters) -> list[Json]:
    """getChatAdministrators: without other bots, unless asked for."""
    chat = _chat(api, parameters)
    bots = parameters.truth("return_bots")
    if chat.user is not None:
        raise bad("there are no administrators in the private chat")
    return [
        member.to_json()
        for member in chat.members.values()
        if member.status in RULERS
        and (bots or not member.user.is_bot or member.user is api.world.bot)
    ]


def leave(api: BotApi, parameters: Parameters) -> bool:
    """leaveChat."""
    chat = _chat(api, parameters)
    if chat.user is not None:
        raise bad("chat member status can't be changed in private chats")
    chat.members[api.world.bot.id].status = "left"
    api.ring()
    return True


def _chat(api: BotApi, parameters: Parameters) -> Chat:
    return api.world.reach(parameters.needed_number("chat_id"))
