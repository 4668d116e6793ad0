"""What a message says: its text or caption, and what came with it that is no text."""

from __future__ import annotations

import re

import telegram

from bot.platforms.telegram.events import File, Me


def text_of(message: telegram.Message, me: Me) -> str:
    """What a message says, without the bot's name at its beginning or end."""
    text = (message.text or message.caption or "").strip()
    name = rf"@{re.escape(me.username)}\b"
    bare = re.sub(rf"^(?:{name}[\s,:]*)+|(?:\s*{name})+$", "", text, flags=re.IGNORECASE).strip()
    text = bare or text
    origin = message.forward_origin
    if text and origin is not None and not message.is_automatic_forward:
        return f"[forwarded from {_origin(origin)}] {text}"
    return text


def _origin(origin: telegram.MessageOrigin) -> str:
    if isinstance(origin, telegram.MessageOriginUser):
        return origin.sender_user.full_name
    if isinstance(origin, telegram.MessageOriginHiddenUser):
        return origin.sender_user_name
    if isinstance(origin, telegram.MessageOriginChat):
        return origin.sender_chat.title or "a group"
    if isinstance(origin, telegram.MessageOriginChannel):
        return origin.chat.title or "a channel"
    return "elsewhere"


def labelled(message: telegram.Message, text: str) -> str:
    """A text that says what came with it and cannot be read; of files nothing is known yet."""
    kinds = ("photo", "voice", "video", "audio", "animation")
    kind = next((kind for kind in kinds if getattr(message, kind)), "")
    return f"[{kind}] {text}" if kind and text else text


def file_of(message: telegram.Message) -> File | None:
    """A document; an animation is one only in name."""
    if (sent := message.document) is None or message.animation is not None:
        return None
    return File(sent.file_id, sent.file_name or "", sent.mime_type or "", sent.file_size or 0)
