"""Users, chats, members and messages: what Telegram would know."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from tests.wire.telegram.entities import piece
from tests.wire.telegram.keyboards import buttons
from tests.wire.telegram.refusals import Json, Refusal, bad, forbidden

PRESENT: Final = {"creator", "administrator", "member", "restricted"}
RULERS: Final = {"creator", "administrator"}


@dataclass(eq=False)
class User:
    """An account. `blocked` and `started` tell how its private chat with the bot stands."""

    id: int
    first_name: str
    username: str = ""
    is_bot: bool = False
    language_code: str = "en"
    started: bool = False
    blocked: bool = False

    def to_json(self) -> Json:
        """As the API shows it; bots have no language."""
        found: Json = {"id": self.id, "is_bot": self.is_bot, "first_name": self.first_name}
        if self.username:
            found["username"] = self.username
        if not self.is_bot:
            found["language_code"] = self.language_code
        return found


@dataclass
class Membership:
    """What a user is in a chat."""

    user: User
    status: str
    anonymous: bool = False
    rights: bool = True

    def to_json(self) -> Json:
        """As `ChatMember`."""
        found: Json = {"user": self.user.to_json(), "status": self.status}
        if self.status == "administrator":
            found |= dict.fromkeys(_RIGHTS, self.rights) | {"can_be_edited": False}
        if self.status == "restricted":
            found |= dict.fromkeys(_PERMISSIONS, False) | {"is_member": True, "until_date": 0}
        if self.status == "kicked":
            found["until_date"] = 0
        if self.status in RULERS:
            found["is_anonymous"] = self.anonymous
        return found


_RIGHTS: Final = (
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
    "can_manage_tags",
)
_PERMISSIONS: Final = (
    "can_send_messages",
    "can_send_audios",
    "can_send_documents",
    "can_send_photos",
    "can_send_videos",
    "can_send_video_notes",
    "can_send_voice_notes",
    "can_send_polls",
    "can_send_other_messages",
    "can_add_web_page_previews",
    "can_change_info",
    "can_invite_users",
    "can_pin_messages",
    "can_manage_topics",
    "can_react_to_messages",
    "can_edit_tag",
)


@dataclass(eq=False)
class Chat:
    """A chat of any type. `topics` maps a forum's topic ids to the messages that opened them."""

    id: int
    type: str
    title: str = ""
    forum: bool = False
    user: User | None = None
    linked: Chat | None = None
    migrated_to: int | None = None
    members: dict[int, Membership] = field(default_factory=dict)
    messages: dict[int, Message] = field(default_factory=dict)
    topics: dict[int, Message] = field(default_factory=dict)
    drafts: dict[int, list[str]] = field(default_factory=dict)
    actions: list[tuple[str, int | None]] = field(default_factory=list)
    ids: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    @property
    def is_group(self) -> bool:
        """Whether several people talk here."""
        return self.type in ("group", "supergroup")

    def to_json(self) -> Json:
        """As `Chat`."""
        if self.user:
            named = {"first_name": self.user.first_name, "username": self.user.username}
            return {"id": self.id, "type": "private"} | {k: v for k, v in named.items() if v}
        found: Json = {"id": self.id, "type": self.type, "title": self.title}
        return found | ({"is_forum": True} if self.forum else {})


@dataclass(eq=False)
class Message:
    """A message with its history. `markup` is an inline keyboard, or the wish for a reply."""

    chat: Chat
    data: Json
    reply: Message | None = None
    markup: Json | None = None
    versions: list[str] = field(default_factory=list)
    deleted: bool = False
    reactions: dict[int, list[str]] = field(default_factory=dict)

    @property
    def id(self) -> int:
        """Its id in its chat."""
        return int(self.data["message_id"])

    @property
    def text(self) -> str:
        """The text or the caption."""
        return str(self.data.get("text", self.data.get("caption", "")))

    @property
    def entities(self) -> list[Json]:
        """The marks on the text or the caption."""
        return list(self.data.get("entities") or self.data.get("caption_entities") or [])

    @property
    def sender(self) -> int:
        """The id of the user who wrote it; 0 in a channel."""
        return int(self.data.get("from", {}).get("id", 0))

    @property
    def topic(self) -> int | None:
        """The topic or thread that it stands in."""
        return self.data.get("message_thread_id")

    @property
    def labels(self) -> list[str]:
        """What its inline buttons say."""
        return [button["text"] for button in buttons(self.markup)]

    @property
    def asks(self) -> bool:
        """Whether it asks for a reply."""
        return bool(self.markup and self.markup.get("force_reply"))

    def marked(self, kind: str) -> list[str]:
        """The parts of the text under entities of a type."""
        return [piece(self.text, entity) for entity in self.entities if entity["type"] == kind]

    def to_json(self, *, nested: bool = False) -> Json:
        """As `Message`; a reply shows what it replies to, but not what that replied to."""
        found = copy.deepcopy(self.data)
        if self.markup and "inline_keyboard" in self.markup:
            found["reply_markup"] = copy.deepcopy(self.markup)
        if self.reply and not nested:
            found["reply_to_message"] = self.reply.to_json(nested=True)
        return found


class World:
    """All accounts and chats. `now` gives the time in whole seconds since 1970."""

    def __init__(self, bot: User, now: Callable[[], int]) -> None:
        """A world in which there is only the bot."""
        self.bot = bot
        self.now = now
        self.users: dict[int, User] = {bot.id: bot}
        self.chats: dict[int, Chat] = {}
        self.privacy = True
        self.bots_hear_bots = False
        self._ids = itertools.count(5_000_000_001)  # more than 32 bits, as real ones have
        self._own_ids = itertools.count(1)  # private chats and small groups number together

    def add_user(self, name: str, *, is_bot: bool = False, **options: Any) -> User:
        """A new account; its username is its name in small letters with `_tg`."""
        user = User(next(self._ids), name, f"{name.lower()}_tg", is_bot, **options)
        self.users[user.id] = user
        return user

    def add_chat(self, kind: str, title: str, *, forum: bool = False) -> Chat:
        """A new group, supergroup or channel, without members."""
        number = next(self._ids)
        chat = Chat(-number if kind == "group" else -1_000_000_000_000 - number, kind, title, forum)
        if kind == "group":
            chat.ids = self._own_ids
        self.chats[chat.id] = chat
        return chat

    def private(self, user: User) -> Chat:
        """A user's chat with the bot."""
        if user.id not in self.chats:
            self.chats[user.id] = Chat(user.id, "private", user=user, ids=self._own_ids)
        return self.chats[user.id]

    def place(
        self, chat: Chat, data: Json, *, reply: Message | None = None, markup: Json | None = None
    ) -> Message:
        """Put a message into a chat."""
        stamp = {"message_id": next(chat.ids), "date": self.now(), "chat": chat.to_json()}
        message = Message(chat, stamp | data, reply, markup)
        message.versions.append(message.text)
        chat.messages[message.id] = message
        return message

    def status(self, chat: Chat, user: User) -> str:
        """What a user is in a chat; "left" if never seen there."""
        found = chat.members.get(user.id)
        return found.status if found else "left"

    def reach(self, chat_id: int) -> Chat:
        """The chat, if the bot may act there; else as Telegram refuses it."""
        chat = self.chats.get(chat_id)
        if chat is None:
            raise bad("chat not found")
        if chat.migrated_to is not None:
            raise Refusal(
                400,
                "Bad Request: group chat was upgraded to a supergroup chat",
                migrate_to_chat_id=chat.migrated_to,
            )
        if chat.user is not None:
            if chat.user.blocked:
                raise forbidden("bot was blocked by the user")
            if not chat.user.started:
                raise forbidden("bot can't initiate conversation with a user")
            return chat
        status = self.status(chat, self.bot)
        if status == "kicked":
            raise forbidden(f"bot was kicked from the {chat.type} chat")
        if status == "left":
            raise forbidden(f"bot is not a member of the {chat.type} chat")
        return chat

    def writable(self, chat_id: int) -> Chat:
        """The chat, if the bot may write there."""
        chat = self.reach(chat_id)
        status = self.status(chat, self.bot)
        if chat.type == "channel" and status not in RULERS:
            raise bad("need administrator rights in the channel chat")
        if status == "restricted":
            raise bad("not enough rights to send text messages to the chat")
        return chat
