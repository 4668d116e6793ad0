"""Members, who do in chats what members do with their thumbs."""

from __future__ import annotations

from typing import Any, Final

from tests.wire.telegram import entities
from tests.wire.telegram.hearing import hears
from tests.wire.telegram.keyboards import buttons
from tests.wire.telegram.refusals import Json
from tests.wire.telegram.server import BotApi, Press
from tests.wire.telegram.world import PRESENT, RULERS, Chat, Membership, Message, User

_ANONYMOUS: Final = User(1087968824, "Group", "GroupAnonymousBot", is_bot=True)
_CHANNEL: Final = User(136817688, "Channel", "Channel_Bot", is_bot=True)
_SERVICE: Final = User(777000, "Telegram", "")


class Human:
    """A person with a Telegram account. What they do reaches the bot as far as Telegram lets it."""

    def __init__(self, api: BotApi, name: str, *, is_bot: bool = False, **options: Any) -> None:
        """A new account: of a person, or of another bot."""
        self.api = api
        self.user = api.world.add_user(name, is_bot=is_bot, **options)

    @property
    def private(self) -> Chat:
        """The chat with the bot; to open it is to have started it."""
        self.user.started = True
        return self.api.world.private(self.user)

    def say(
        self,
        chat: Chat,
        text: str,
        *,
        reply: Message | None = None,
        quote: str = "",
        topic: Message | None = None,
        marks: list[Json] | None = None,
        **more: Any,
    ) -> Message:
        """Send a text; mentions and commands in it are marked as the app would."""
        assert 0 < entities.units(text) <= entities.LONGEST, "the app would split this"
        found = (marks or []) + entities.detected(text, marks or [])
        return self._send(
            chat, {"text": text, "entities": found}, reply=reply, quote=quote, topic=topic, **more
        )

    def forward(self, chat: Chat, text: str, author: str = "Somebody Else") -> Message:
        """Forward what somebody else wrote elsewhere."""
        origin = {"type": "hidden_user", "sender_user_name": author, "date": self.api.world.now()}
        return self.say(chat, text, forward_origin=origin)

    def quote(self, chat: Chat, text: str, part: str, by: User | None = None) -> Message:
        """Answer what somebody wrote in another chat; only the quoted part comes along.

        `by`: who wrote it; None is somebody who does not let Telegram tell.
        """
        origin: Json = {"type": "hidden_user", "sender_user_name": "Somebody Else"}
        if by is not None:
            origin = {"type": "user", "sender_user": by.to_json()}
        origin["date"] = self.api.world.now()
        quote = {"text": part, "position": 0, "is_manual": True}
        data = {"text": text, "external_reply": {"origin": origin}, "quote": quote}
        return self._send(chat, data)

    def document(
        self,
        chat: Chat,
        name: str,
        data: bytes,
        media_type: str = "text/plain",
        *,
        caption: str = "",
        size: int | None = None,
        **more: Any,
    ) -> Message:
        """Send a file; `size` in bytes is what Telegram says of it."""
        file = self.api.files.keep(name, data, media_type, size)
        document = file.to_json() | {"file_name": name, "mime_type": media_type}
        return self._media(chat, {"document": document}, caption, **more)

    def photo(self, chat: Chat, caption: str = "", **more: Any) -> Message:
        """Send a picture."""
        file = self.api.files.keep("photo.jpg", b"\xff\xd8\xff picture", "image/jpeg")
        size = file.to_json() | {"width": 90, "height": 60}
        return self._media(chat, {"photo": [size]}, caption, **more)

    def voice(self, chat: Chat, caption: str = "", **more: Any) -> Message:
        """Say something aloud."""
        file = self.api.files.keep("voice.ogg", b"OggS", "audio/ogg")
        return self._media(chat, {"voice": file.to_json() | {"duration": 3}}, caption, **more)

    def sticker(self, chat: Chat, **more: Any) -> Message:
        """Send a sticker."""
        file = self.api.files.keep("sticker.webp", b"RIFF", "image/webp")
        sticker = {
            "type": "regular",
            "width": 512,
            "height": 512,
            "is_animated": False,
            "is_video": False,
            "emoji": "🙂",
        }
        return self._media(chat, {"sticker": file.to_json() | sticker}, "", **more)

    def edit(self, message: Message, text: str) -> None:
        """Change an earlier text or caption."""
        said, marks = ("text", "entities")
        if said not in message.data:
            said, marks = ("caption", "caption_entities")
        message.data.update({said: text, marks: entities.detected(text, [])})
        message.data["edit_date"] = self.api.world.now()
        if hears(self.api.world, message):
            self.api.updates.push("edited_message", message.to_json())

    def remove(self, message: Message) -> None:
        """Delete a message; Telegram tells bots nothing of it."""
        message.deleted = True

    def press(
        self,
        message: Message,
        label: str,
        *,
        data: str | None = None,
        stale: bool = False,
        gone: bool = False,
    ) -> Press:
        """Press the inline button whose label begins so.

        `data`: what an altered app says that the button holds. `stale`: too late to be answered.
        `gone`: the message is too old for Telegram to show it.
        """
        found = [b for b in buttons(message.markup) if b["text"].startswith(label)]
        assert found, f"no button {label} among {message.labels} below {message.text!r}"
        press = Press(f"{len(self.api.presses) + 1}00", stale=stale)
        self.api.presses[press.id] = press
        shown = message.to_json()
        if gone:
            shown = {"chat": message.chat.to_json(), "message_id": message.id, "date": 0}
        query = {
            "id": press.id,
            "from": self.user.to_json(),
            "message": shown,
            "chat_instance": str(message.chat.id),
            "data": found[0]["callback_data"] if data is None else data,
        }
        self.api.updates.push("callback_query", query)
        return press

    def react(self, message: Message, *emoji: str) -> None:
        """Put reactions on a message in place of one's own earlier ones."""
        chat, world = message.chat, self.api.world
        before = message.reactions.get(self.user.id, [])
        message.reactions[self.user.id] = list(emoji)
        if chat.user is None and world.status(chat, world.bot) not in RULERS:
            return
        reaction: Json = {
            "chat": chat.to_json(),
            "message_id": message.id,
            "date": world.now(),
            "old_reaction": [{"type": "emoji", "emoji": one} for one in before],
            "new_reaction": [{"type": "emoji", "emoji": one} for one in emoji],
        }
        member = chat.members.get(self.user.id)
        hidden = member is not None and member.anonymous
        who = {"actor_chat": chat.to_json()} if hidden else {"user": self.user.to_json()}
        self.api.updates.push("message_reaction", reaction | who)

    def block(self) -> None:
        """Block the bot."""
        self._stand(self.private, "member", "kicked")
        self.user.blocked = True

    def unblock(self) -> None:
        """Let the bot write again."""
        self.user.blocked = False
        self._stand(self.private, "kicked", "member")

    def invite_bot(self, chat: Chat, status: str = "member") -> None:
        """Make the bot a member of a chat, or an administrator, or show it the door."""
        before = self.api.world.status(chat, self.api.world.bot)
        chat.members[self.api.world.bot.id] = Membership(self.api.world.bot, status)
        if chat.type != "channel" and before not in PRESENT and status in PRESENT:
            self._send(chat, {"new_chat_members": [self.api.world.bot.to_json()]})
        self._stand(chat, before, status)

    def kick_bot(self, chat: Chat) -> None:
        """Throw the bot out of a group."""
        self.invite_bot(chat, "kicked")

    def _stand(self, chat: Chat, before: str, after: str) -> None:
        bot = self.api.world.bot
        self.api.updates.push(
            "my_chat_member",
            {
                "chat": chat.to_json(),
                "from": self.user.to_json(),
                "date": self.api.world.now(),
                "old_chat_member": Membership(bot, before).to_json(),
                "new_chat_member": Membership(bot, after).to_json(),
            },
        )

    def _media(self, chat: Chat, content: Json, caption: str, **more: Any) -> Message:
        named: Json = {"caption": caption, "caption_entities": entities.detected(caption, [])}
        return self._send(chat, content | (named if caption else {}), **more)

    def _send(
        self,
        chat: Chat,
        content: Json,
        *,
        reply: Message | None = None,
        quote: str = "",
        topic: Message | None = None,
        channel: Chat | None = None,
        **more: Any,
    ) -> Message:
        """Put a message into a chat: in one's own name, hidden as its administrator, as a channel.

        A message in a topic that replies to nothing shows as a reply to the topic's opening, and a
        reply in a supergroup carries its thread's id: so it is on Telegram.
        """
        member = chat.members.get(self.user.id)
        assert chat.user is self.user or (member and member.status in PRESENT), "not in this chat"
        data: Json = {"from": self.user.to_json()}
        if channel is not None:
            data = {"from": _CHANNEL.to_json(), "sender_chat": channel.to_json()}
        elif member is not None and member.anonymous:
            data = {"from": _ANONYMOUS.to_json(), "sender_chat": chat.to_json()}
        if topic is not None:
            data |= {"message_thread_id": topic.id, "is_topic_message": True}
        elif reply is not None and chat.type == "supergroup":
            data["message_thread_id"] = reply.topic or reply.id
            if reply.data.get("is_topic_message"):
                data["is_topic_message"] = True
        if quote:
            assert reply is not None, "a quote is of what is replied to"
            assert quote in reply.text
            at = entities.units(reply.text[: reply.text.index(quote)])
            data["quote"] = {"text": quote, "position": at, "is_manual": True}
        content = {key: value for key, value in content.items() if value != []}
        return hand_over(self.api, chat, data | content | more, reply or topic)


def hand_over(api: BotApi, chat: Chat, data: Json, reply: Message | None = None) -> Message:
    """Put a message into a chat, and give it to the bot if it hears it."""
    message = api.world.place(chat, data, reply=reply)
    if hears(api.world, message):
        kind = "channel_post" if chat.type == "channel" else "message"
        api.updates.push(kind, message.to_json())
    api.ring()
    return message


def post(api: BotApi, channel: Chat, text: str) -> Message:
    """Publish in a channel; its discussion group gets the post too, and that is returned if so."""
    marks = entities.detected(text, [])
    said: Json = {"text": text} | ({"entities": marks} if marks else {})
    first = hand_over(api, channel, {"sender_chat": channel.to_json()} | said)
    if channel.linked is None:
        return first
    origin = {
        "type": "channel",
        "chat": channel.to_json(),
        "message_id": first.id,
        "date": api.world.now(),
    }
    data: Json = {
        "from": _SERVICE.to_json(),
        "sender_chat": channel.to_json(),
        "is_automatic_forward": True,
        "forward_origin": origin,
    }
    return hand_over(api, channel.linked, data | said)
