"""Which messages Telegram gives to a bot: privacy mode, administrators, other bots."""

from __future__ import annotations

from typing import Final

from tests.wire.telegram.entities import piece
from tests.wire.telegram.world import PRESENT, RULERS, Message, World

_SERVICE: Final = {
    "new_chat_members",
    "left_chat_member",
    "forum_topic_created",
    "migrate_to_chat_id",
    "migrate_from_chat_id",
    "pinned_message",
}


def hears(world: World, message: Message) -> bool:
    """Whether the bot gets a message that somebody else wrote.

    https://core.telegram.org/bots/features#privacy-mode, and mentions, which reach a bot too.
    """
    chat = message.chat
    if message.sender == world.bot.id:
        return False
    if chat.user is not None:
        return chat.user.started and not chat.user.blocked
    status = world.status(chat, world.bot)
    if chat.type == "channel":
        return status in RULERS
    if status not in PRESENT:
        return False
    if _is_bots(message):
        return world.bots_hear_bots
    if not world.privacy or status in RULERS or _SERVICE & set(message.data):
        return True
    replied = message.reply is not None and message.reply.sender == world.bot.id
    return replied or _names_bot(world, message) or _commands_bot(world, message)


def _names_bot(world: World, message: Message) -> bool:
    name = f"@{world.bot.username}".lower()
    for entity in message.entities:
        if entity["type"] == "mention" and piece(message.text, entity).lower() == name:
            return True
        if entity["type"] == "text_mention" and entity["user"]["id"] == world.bot.id:
            return True
    return False


def _commands_bot(world: World, message: Message) -> bool:
    """A command for this bot; one for nobody counts if no other bot spoke last."""
    first = next((e for e in message.entities if e["type"] == "bot_command"), None)
    if first is None or first["offset"]:
        return False
    _, _, name = piece(message.text, first).partition("@")
    if name:
        return name.lower() == world.bot.username.lower()
    bots = [m.sender for m in message.chat.messages.values() if _is_bots(m)]
    return not bots or bots[-1] == world.bot.id


def _is_bots(message: Message) -> bool:
    """Whether a bot wrote it; channels and hidden administrators only look as if."""
    return bool(message.data.get("from", {}).get("is_bot")) and "sender_chat" not in message.data
