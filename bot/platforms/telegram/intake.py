"""Telegram's updates as events of the house. Pure: nothing is asked of Telegram or of the chat."""

from __future__ import annotations

import re
from typing import Final

import telegram
from telegram.constants import ChatMemberStatus, ChatType, MessageEntityType

from bot.domain import ChannelKind, FeedbackKind, Message, Person, Place, Quote, Role
from bot.platforms.telegram.entities import BETTER_LINK
from bot.platforms.telegram.events import (
    Amended,
    Ask,
    Belonging,
    Bettered,
    Event,
    Me,
    Migrated,
    Ordered,
    Pressed,
    Reacted,
    Spoken,
)
from bot.platforms.telegram.words import file_of, labelled, text_of

ALLOWED: Final = (
    "message",
    "edited_message",
    "callback_query",
    "message_reaction",
    "my_chat_member",
)
"""The kinds of updates that are asked for."""

PENCIL: Final = "✏️"
"""Begins a request for a better answer, and carries the link that names the exchange."""

OPINION: Final = "What do you think of that?"
"""What somebody says who answers another one's message with nothing but /chat."""

_ORDER: Final = re.compile(r"/([A-Za-z0-9_]{1,32})(?:@([A-Za-z0-9_]{1,64}))?(?:\s+|$)")
_ASK: Final = re.compile(rf"\?{BETTER_LINK}([0-9]{{1,18}})(r?)$")
_THUMBS: Final = {"👍": FeedbackKind.LIKE, "👎": FeedbackKind.DISLIKE}
_OUT: Final = (ChatMemberStatus.LEFT, ChatMemberStatus.BANNED)


def read(update: telegram.Update, me: Me) -> Event | None:
    """What an update means; None for what is none of the bot's business, such as other bots."""
    if update.message is not None:
        return _message(update.message, me)
    if update.edited_message is not None:
        return _edited(update.edited_message, me)
    if update.callback_query is not None:
        return _press(update.callback_query)
    if update.message_reaction is not None:
        return _reaction(update.message_reaction)
    change = update.my_chat_member
    if change is not None:
        status = change.new_chat_member.status
        return Belonging(place_of(change.chat), inside=status not in _OUT)
    return None


def place_of(chat: telegram.Chat, thread: int | None = None) -> Place:
    """The place that a chat, or a topic in it, is."""
    private = chat.type == ChatType.PRIVATE
    name = chat.full_name if private else chat.title
    return Place(
        "telegram",
        str(chat.id),
        str(chat.id) if thread is None else f"{chat.id}/{thread}",
        ChannelKind.DIRECT if private else ChannelKind.GROUP,
        name or "",
    )


def _message(message: telegram.Message, me: Me) -> Event | None:
    place = _place(message)
    if message.migrate_to_chat_id is not None:
        new = str(message.migrate_to_chat_id)
        return Migrated(place, Place("telegram", new, new, ChannelKind.GROUP, place.name))
    person = _author(message)
    if person is None or person.is_bot:
        return None
    answered = _answered(message)
    if answered is not None and _is_mine(answered, me) and message.text:
        ask = _asked(answered)
        if ask is not None and _ORDER.match(message.text) is None:
            return Bettered(
                person,
                place,
                ask.exchange,
                message.text,
                str(message.message_id),
                reviewing=ask.reviewing,
            )
    order = _ORDER.match(message.text or message.caption or "")
    if order is not None:
        return _order(message, me, person, place, order)
    return _spoken(message, me, person, place)


def _order(
    message: telegram.Message, me: Me, person: Person, place: Place, order: re.Match[str]
) -> Event | None:
    name, other = order[1].lower(), order[2]
    if other and other.lower() != me.username.lower():
        return None
    words = order.string[order.end() :].strip()
    file, quote = file_of(message), _quote(message, me)
    others = quote is not None and (quote.elsewhere or quote.author is not None)
    if name == "chat" and (words or file or others):
        text = labelled(message, words or ("" if file else OPINION))
        return Spoken(_said(message, me, person, place, text, addressed=True), file)
    target = _target(message, me)
    explicit = bool(other) or place.kind is ChannelKind.DIRECT
    return Ordered(person, place, name, words, str(message.message_id), target, explicit)


def _target(message: telegram.Message, me: Me) -> str | None:
    """See `Ordered.target`."""
    answered = _answered(message)
    if answered is None:
        return None if message.external_reply is None else ""
    return str(answered.message_id) if _is_mine(answered, me) else ""


def _spoken(message: telegram.Message, me: Me, person: Person, place: Place) -> Event | None:
    text = labelled(message, text_of(message, me))
    addressed = place.kind is ChannelKind.DIRECT or _speaks_to(message, me)
    if message.is_automatic_forward:
        addressed = False
    file = file_of(message)
    mute = not text and file is None
    if mute and message.effective_attachment is None:
        return None  # joins, pins, new titles and the like are nobody's words
    return Spoken(_said(message, me, person, place, text, addressed=addressed), file, mute)


def _said(
    message: telegram.Message, me: Me, person: Person, place: Place, text: str, *, addressed: bool
) -> Message:
    answered = _answered(message)
    return Message(
        place,
        person,
        text,
        str(message.message_id),
        message.date,
        addressed=addressed,
        reply_to=str(answered.message_id) if answered else None,
        quote=_quote(message, me),
    )


def _edited(message: telegram.Message, me: Me) -> Event | None:
    person = _author(message)
    text = text_of(message, me)
    order = _ORDER.match(text)
    if order is not None and order[1].lower() == "chat":
        text = text[order.end() :].strip()
    elif order is not None:
        return None
    file = file_of(message)
    if person is None or person.is_bot or not (text or file):
        return None
    return Amended(_place(message), str(message.message_id), labelled(message, text), file)


def _press(query: telegram.CallbackQuery) -> Event | None:
    message = query.message
    if message is None or query.data is None:
        return None
    place = _place(message) if isinstance(message, telegram.Message) else place_of(message.chat)
    person = _person(query.from_user)
    return Pressed(query.id, person, place, str(message.message_id), query.data, message.date)


def _reaction(reaction: telegram.MessageReactionUpdated) -> Event | None:
    if reaction.user is not None:
        person = _person(reaction.user)
    elif reaction.actor_chat is not None and reaction.actor_chat.id == reaction.chat.id:
        person = anonymous(place_of(reaction.chat))
    else:
        return None
    before, after = _thumbs(reaction.old_reaction), _thumbs(reaction.new_reaction)
    if person.is_bot or before == after:
        return None
    new = [thumb for thumb in after if thumb not in before] or after
    vote = _THUMBS[new[-1]] if new else None
    removed = _THUMBS[before[-1]] if before else None
    return Reacted(person, place_of(reaction.chat), str(reaction.message_id), vote, removed)


def _thumbs(reactions: tuple[telegram.ReactionType, ...]) -> list[str]:
    emoji = [one.emoji for one in reactions if isinstance(one, telegram.ReactionTypeEmoji)]
    return [one for one in emoji if one in _THUMBS]


def _place(message: telegram.Message) -> Place:
    return place_of(message.chat, message.message_thread_id if message.is_topic_message else None)


def _author(message: telegram.Message) -> Person | None:
    """Who wrote a message: a user, an anonymous administrator, or a channel."""
    sender = message.sender_chat
    if sender is not None and sender.id == message.chat.id:
        return anonymous(place_of(sender))
    if sender is not None:
        return Person("telegram", f"channel-{sender.id}", sender.title or "a channel")
    return _person(message.from_user) if message.from_user else None


def anonymous(group: Place) -> Person:
    """An administrator who writes in the name of the group.

    Telegram does not say who, so what all administrators may do is all that they may do.
    """
    name = group.name or "an administrator"
    return Person("telegram", f"anonymous-{group.community}", name, Role.MODERATOR)


def _person(user: telegram.User) -> Person:
    return Person("telegram", str(user.id), user.full_name, is_bot=user.is_bot)


def _answered(message: telegram.Message) -> telegram.Message | None:
    """The message that this one answers. In a topic everything else answers its beginning."""
    answered = message.reply_to_message
    if answered is None or answered.forum_topic_created is not None:
        return None
    if message.is_topic_message and answered.message_id == message.message_thread_id:
        return None
    return answered


def _is_mine(message: telegram.Message, me: Me) -> bool:
    return message.from_user is not None and message.from_user.id == me.id


def _asked(message: telegram.Message) -> Ask | None:
    """The request for a better answer that a message of the bot's is."""
    if not (message.text or "").startswith(PENCIL):
        return None
    first = message.entities[0] if message.entities else None
    if first is None or first.offset != 0 or first.type != MessageEntityType.TEXT_LINK:
        return None
    found = _ASK.search(first.url or "")
    return Ask(int(found[1]), reviewing=bool(found[2])) if found else None


def ask_link(username: str, ask: Ask) -> str:
    """The link that makes a message a request for a better answer."""
    return f"https://t.me/{username}?{BETTER_LINK}{ask.exchange}{'r' if ask.reviewing else ''}"


def _quote(message: telegram.Message, me: Me) -> Quote | None:
    answered, quote = _answered(message), message.quote
    if answered is None:
        if message.external_reply is None or quote is None:
            return None
        author = _origin(message.external_reply, me)
        return Quote(author, quote.text, manual=True, elsewhere=True)
    manual = quote is not None and bool(quote.is_manual)
    text = quote.text if quote is not None and manual else ""
    text = text or labelled(answered, answered.text or answered.caption or "")
    if not text:
        return None
    return Quote(None if _is_mine(answered, me) else _author(answered), text, manual)


def _origin(external: telegram.ExternalReplyInfo, me: Me) -> Person | None:
    """Who wrote what is answered from another chat, where Telegram names a person."""
    origin = external.origin
    if not isinstance(origin, telegram.MessageOriginUser) or origin.sender_user.id == me.id:
        return None
    return _person(origin.sender_user)


def _speaks_to(message: telegram.Message, me: Me) -> bool:
    """Whether a message in a group mentions the bot or answers it."""
    answered = _answered(message)
    if answered is not None and _is_mine(answered, me):
        return True
    found = {**message.parse_entities(), **message.parse_caption_entities()}
    return any(_is_mention(entity, text, me) for entity, text in found.items())


def _is_mention(entity: telegram.MessageEntity, text: str, me: Me) -> bool:
    if entity.type == MessageEntityType.TEXT_MENTION:
        return entity.user is not None and entity.user.id == me.id
    return entity.type == MessageEntityType.MENTION and text.lower() == f"@{me.username}".lower()
