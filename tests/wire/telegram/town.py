"""Chats as a test needs them: who is in, which topics there are, what a group becomes."""

from __future__ import annotations

from tests.wire.telegram.people import Human, hand_over
from tests.wire.telegram.server import BotApi, Press
from tests.wire.telegram.world import Chat, Membership, Message


def group(
    api: BotApi,
    *people: Human,
    kind: str = "supergroup",
    forum: bool = False,
    admins: tuple[Human, ...] = (),
    bot: str = "member",
) -> Chat:
    """A group of people, the first of the admins its creator, with the bot in it."""
    chat = api.world.add_chat(kind, "Hall", forum=forum)
    for human in people:
        chat.members[human.user.id] = Membership(human.user, "member")
    for at, human in enumerate(admins):
        status = "administrator" if at else "creator"
        chat.members[human.user.id] = Membership(human.user, status)
    chat.members[api.world.bot.id] = Membership(api.world.bot, bot)
    return chat


def channel(api: BotApi, discussion: Chat | None = None, bot: str = "administrator") -> Chat:
    """A channel, with its discussion group if it has one."""
    chat = api.world.add_chat("channel", "News")
    chat.members[api.world.bot.id] = Membership(api.world.bot, bot)
    chat.linked = discussion
    if discussion is not None:
        discussion.linked = chat
    return chat


def open_topic(api: BotApi, chat: Chat, human: Human, name: str) -> Message:
    """A new topic in a forum."""
    opened = {"name": name, "icon_color": 7322096}
    data = {"from": human.user.to_json(), "forum_topic_created": opened, "is_topic_message": True}
    message = hand_over(api, chat, data)
    message.data["message_thread_id"] = message.id
    chat.topics[message.id] = message
    return message


def upgrade(api: BotApi, chat: Chat, human: Human) -> Chat:
    """A small group becomes a supergroup: a new id, and messages that begin anew."""
    after = api.world.add_chat("supergroup", chat.title)
    after.members = {
        key: Membership(member.user, member.status) for key, member in chat.members.items()
    }
    chat.migrated_to = after.id
    by = {"from": human.user.to_json()}
    hand_over(api, chat, by | {"migrate_to_chat_id": after.id})
    hand_over(api, after, by | {"migrate_from_chat_id": chat.id})
    return after


def spoken(api: BotApi, chat: Chat) -> list[Message]:
    """What the bot has said in a chat and not taken back, oldest first."""
    return [
        message
        for message in chat.messages.values()
        if message.sender == api.world.bot.id and not message.deleted
    ]


def rated(api: BotApi, chat: Chat) -> list[Message]:
    """The bot's messages that can be rated: complete replies."""
    return [message for message in spoken(api, chat) if any("👍" in one for one in message.labels)]


async def replies(api: BotApi, chat: Chat, count: int = 1) -> list[Message]:
    """Wait for that many complete replies in a chat."""

    def enough() -> list[Message]:
        found = rated(api, chat)
        return found if len(found) >= count else []

    found: list[Message] = await api.until(enough, f"{count} replies in {chat.id}")
    assert len(found) == count, [message.text for message in found]
    return found


async def said(api: BotApi, chat: Chat, words: str) -> Message:
    """Wait until the bot has said something with these words in it, in any case of letters."""

    def found() -> Message | None:
        matching = [m for m in spoken(api, chat) if words.lower() in m.text.lower()]
        return matching[-1] if matching else None

    message: Message = await api.until(found, f"{words!r} in {chat.id}")
    return message


async def answered(api: BotApi, press: Press) -> str:
    """Wait for the answer to a press; the little text that the member sees."""
    await api.until(lambda: press.answered, "the press is answered")
    return press.said
