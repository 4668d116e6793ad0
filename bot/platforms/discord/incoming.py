"""Discord's people, places and messages as those of the house."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import discord
import structlog

from bot.domain import ChannelKind, Message, Person, Place, Quote, Role
from bot.platforms.discord.formatting import (
    Names,
    embedded,
    plain,
    spoken_to,
)
from bot.platforms.discord.permissions import role_of
from bot.platforms.discord.surface import TROUBLES
from bot.platforms.files import LARGEST_FILE, decoded, is_text_file

log = structlog.get_logger()


def place_of(channel: int, guild: int | None, name: str = "") -> Place:
    """The place that a channel, a thread or a member's direct chat is."""
    if guild is None:
        return Place("discord", "dm", str(channel), ChannelKind.DIRECT, name)
    return Place("discord", str(guild), str(channel), ChannelKind.GROUP, name)


def place_in(channel: object, channel_id: int, guild_id: int | None) -> Place:
    """The place of a channel that may be known only by its ids."""
    if isinstance(channel, discord.DMChannel):
        recipient = channel.recipient
        return place_of(channel_id, None, recipient.display_name if recipient else "")
    place = place_of(channel_id, guild_id, str(getattr(channel, "name", None) or ""))
    if isinstance(channel, discord.Thread):
        return replace(place, parent=str(channel.parent_id))
    return place


def person_of(user: discord.abc.User, *, webhook: bool = False) -> Person:
    """Who somebody is; in a server with the role that their permissions there stand for."""
    role = role_of(user.guild_permissions) if isinstance(user, discord.Member) else Role.MEMBER
    bot = user.bot or webhook or bool(getattr(user, "system", False))
    return Person("discord", str(user.id), user.display_name, role, bot)


async def author_of(message: discord.Message) -> discord.abc.User:
    """The author of a message; of one that was looked up, with what they may do."""
    author, guild = message.author, message.guild
    if guild is None or isinstance(author, discord.Member) or author.bot:
        return author
    try:
        return await guild.fetch_member(author.id)
    except TROUBLES as error:  # they left, or they are a webhook
        log.info("cannot find out who wrote", error=str(error))
        return author


def has_changed(before: discord.Message | None, after: discord.Message) -> bool:
    """Whether an edit changed words or files; that Discord added a link's preview is no change."""
    if before is None:
        return True
    files = [[file.id for file in message.attachments] for message in (before, after)]
    return before.content != after.content or files[0] != files[1]


def is_speech(message: discord.Message) -> bool:
    """Whether somebody said this; joins, pins, boosts and the like are nobody's words."""
    return message.type in (discord.MessageType.default, discord.MessageType.reply)


def answered_id(message: discord.Message) -> int | None:
    """The id of the message that this one replies to; a forwarded one replies to nothing."""
    reference = message.reference
    if message.type is not discord.MessageType.reply or reference is None:
        return None
    return reference.message_id


def is_addressed(message: discord.Message, me: int) -> bool:
    """Whether a message speaks to the bot, as far as can be seen from the message itself."""
    if message.guild is None or me in message.raw_mentions:
        return True
    if any(role.tags and role.tags.bot_id == me for role in message.role_mentions):
        return True  # the role that Discord made for the bot has its name
    resolved = message.reference.resolved if message.reference else None
    replied = answered_id(message) is not None and isinstance(resolved, discord.Message)
    if replied and isinstance(resolved, discord.Message) and resolved.author.id == me:
        return True
    channel = message.channel
    return isinstance(channel, discord.Thread) and (
        channel.owner_id == me or channel.me is not None
    )


def text_of(message: discord.Message, me: int) -> str:
    """What a message says, without the contents of its files."""
    names = _names(message)
    parts = [plain(spoken_to(message.content, me), names)]
    parts += [f"[forwarded] {plain(s.content, names)}" for s in message.message_snapshots]
    parts += [
        embedded(
            plain(embed.title or "", names),
            plain(embed.description or "", names),
            [(field.name or "", plain(field.value or "", names)) for field in embed.fields],
        )
        for embed in message.embeds
        if embed.type == "rich"
    ]
    parts += [f"[sticker: {sticker.name}]" for sticker in message.stickers]
    if message.poll is not None:
        answers = ", ".join(answer.text for answer in message.poll.answers)
        parts.append(f"[poll] {message.poll.question}: {answers}")
    return "\n".join(part for part in parts if part.strip())


async def whole_text_of(message: discord.Message, me: int, attachment_chars: int) -> str:
    """What a message says, with the text files that came with it, up to so many characters."""
    files = await _read(message.attachments, attachment_chars)
    return "\n\n".join(part for part in (text_of(message, me), *files) if part)


def quote_of(message: discord.Message, me: int, *, known: bool) -> Quote | None:
    """What the message that this one replies to says, if Discord sent it along.

    The bot's own messages are quoted only if they are `known` as replies: others, such as the
    question that it shows for /chat, are somebody's words.
    """
    resolved = message.reference.resolved if message.reference else None
    if answered_id(message) is None or not isinstance(resolved, discord.Message):
        return None
    webhook = resolved.webhook_id is not None
    mine = resolved.author.id == me
    if mine and not known:
        return None
    author = None if mine else person_of(resolved.author, webhook=webhook)
    return Quote(author, text_of(resolved, me))


async def message_of(
    message: discord.Message, me: int, *, known: bool, attachment_chars: int
) -> Message:
    """A message of a channel as the house knows messages.

    `known`: what it answers is a reply of the bot's.
    """
    author = person_of(await author_of(message), webhook=message.webhook_id is not None)
    answered = answered_id(message)
    guild = message.guild.id if message.guild else None
    text = await whole_text_of(message, me, attachment_chars)
    return Message(
        place_in(message.channel, message.channel.id, guild),
        author,
        text,
        str(message.id),
        message.created_at,
        addressed=known or is_addressed(message, me),
        reply_to=str(answered) if answered is not None else None,
        quote=quote_of(message, me, known=known),
        attached=len(text) - len(text_of(message, me)),
    )


def _names(message: discord.Message) -> Names:
    return Names(
        {user.id: user.display_name for user in message.mentions},
        {role.id: role.name for role in message.role_mentions},
        {channel.id: channel.name for channel in message.channel_mentions},
    )


async def _read(attachments: Sequence[discord.Attachment], most: int) -> list[str]:
    """Each attachment as text: a text file's beginning, any other file's name."""
    parts = []
    for attachment in attachments:
        name = attachment.filename
        text = None
        if most > 0 and is_text_file(name, attachment.content_type or ""):
            text = await _contents(attachment)
        if text is None:
            parts.append(f"[file: {name}]")
            continue
        parts.append(f"[file: {name}]\n{text[:most]}")
        most -= len(text)
    return parts


async def _contents(attachment: discord.Attachment) -> str | None:
    if attachment.size > LARGEST_FILE:
        return None
    try:
        return decoded(await attachment.read())
    except TROUBLES as error:
        log.warning("cannot read an attachment", attachment=attachment.id, error=str(error))
        return None
