"""The methods by which a bot writes: messages, drafts, edits, deletions, actions, answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tests.wire.telegram import entities, html_mode, keyboards
from tests.wire.telegram.parameters import Parameters
from tests.wire.telegram.refusals import Json, bad, blunder
from tests.wire.telegram.world import RULERS, Chat, Message

if TYPE_CHECKING:
    from tests.wire.telegram.server import BotApi

ACTIONS: Final = {
    "typing",
    "upload_photo",
    "record_video",
    "upload_video",
    "record_voice",
    "upload_voice",
    "upload_document",
    "choose_sticker",
    "find_location",
    "record_video_note",
    "upload_video_note",
}
_NO_DIFFERENCE: Final = (
    "disable_notification",
    "protect_content",
    "link_preview_options",
    "allow_paid_broadcast",
)


def send_message(api: BotApi, parameters: Parameters) -> Json:
    """sendMessage."""
    chat = api.world.writable(parameters.needed_number("chat_id"))
    text, marks = written(parameters, "text", "entities", longest=entities.LONGEST)
    if not text:
        raise blunder("message text is empty")
    message = deliver(api, chat, parameters, {"text": text, "entities": marks})
    chat.drafts.clear()
    return message.to_json()


def deliver(api: BotApi, chat: Chat, parameters: Parameters, content: Json) -> Message:
    """Put what the bot sends into a chat, within its limits."""
    markup = keyboards.check(parameters.thing("reply_markup"))
    parameters.ignore(*_NO_DIFFERENCE)
    reply = _replied(chat, parameters.thing("reply_parameters"))
    topic = _topic(chat, parameters.number("message_thread_id"), reply)
    api.limits.take(api.method, chat.id, group=chat.type != "private")
    content = {key: value for key, value in content.items() if value not in ([], "")}
    data: Json = {"from": api.world.bot.to_json()} | topic | content
    message = api.world.place(chat, data, reply=reply, markup=markup)
    api.ring()
    return message


def written(
    parameters: Parameters, field: str, marks_field: str, *, longest: int
) -> tuple[str, list[Json]]:
    """A text and its entities as Telegram keeps them: checked, trimmed, and detected."""
    text = parameters.text(field) or ""
    mode = parameters.text("parse_mode")
    marks = parameters.things(marks_field) or []
    if "\x00" in text:
        raise blunder("strings must be encoded in UTF-8")
    if mode:
        text, marks = html_mode.parse(text, mode)
    entities.check(text, marks)
    if entities.units(text) > longest:
        raise blunder("message is too long" if field == "text" else "message caption is too long")
    text, marks = entities.trimmed(text, marks)
    return text, marks + entities.detected(text, marks)


def send_draft(api: BotApi, parameters: Parameters) -> bool:
    """sendMessageDraft."""
    chat = api.world.reach(parameters.needed_number("chat_id"))
    draft = parameters.needed_number("draft_id")
    text, _ = written(parameters, "text", "entities", longest=entities.LONGEST)
    if parameters.number("message_thread_id") is not None:
        raise blunder("message thread not found")
    if chat.type != "private":
        raise blunder("TEXTDRAFT_PEER_INVALID")
    if draft == 0:
        raise blunder("draft_id must be non-zero")
    api.limits.take(api.method, chat.id, group=False, draft=True)
    chat.drafts.setdefault(draft, []).append(text)
    api.ring()
    return True


def edit_text(api: BotApi, parameters: Parameters) -> Json:
    """editMessageText. Without `reply_markup` the keyboard goes, as it really does."""
    message = _editable(api, parameters)
    text, marks = written(parameters, "text", "entities", longest=entities.LONGEST)
    parameters.ignore("link_preview_options")
    if not text:
        raise blunder("message text is empty")
    if "text" not in message.data:
        raise bad("there is no text in the message to edit")
    _change(api, message, {"text": text, "entities": marks}, parameters)
    return message.to_json()


def edit_markup(api: BotApi, parameters: Parameters) -> Json:
    """editMessageReplyMarkup."""
    message = _editable(api, parameters)
    _change(api, message, {}, parameters)
    return message.to_json()


def delete_message(api: BotApi, parameters: Parameters) -> bool:
    """deleteMessage."""
    chat = api.world.reach(parameters.needed_number("chat_id"))
    message = chat.messages.get(parameters.needed_number("message_id"))
    if message is None or message.deleted:
        raise bad("message to delete not found")
    own = message.sender == api.world.bot.id
    if not own and chat.type != "private" and api.world.status(chat, api.world.bot) not in RULERS:
        raise bad("message can't be deleted")
    message.deleted = True
    api.ring()
    return True


def chat_action(api: BotApi, parameters: Parameters) -> bool:
    """sendChatAction."""
    chat = api.world.writable(parameters.needed_number("chat_id"))
    action = parameters.needed_text("action")
    topic = parameters.number("message_thread_id")
    if action not in ACTIONS:
        raise blunder("wrong parameter action in request")
    _topic(chat, topic, None)
    chat.actions.append((action, topic))
    api.ring()
    return True


def answer_callback(api: BotApi, parameters: Parameters) -> bool:
    """answerCallbackQuery."""
    press = api.presses.get(parameters.needed_text("callback_query_id"))
    text = parameters.text("text") or ""
    alert = parameters.truth("show_alert")
    parameters.ignore("cache_time")
    if entities.units(text) > 200:
        raise blunder("MESSAGE_TOO_LONG")
    if press is None or press.stale or press.answered:
        raise bad("query is too old and response timeout expired or query ID is invalid")
    press.answered, press.said, press.alert = True, text, alert
    api.ring()
    return True


def _editable(api: BotApi, parameters: Parameters) -> Message:
    chat = api.world.writable(parameters.needed_number("chat_id"))
    message = chat.messages.get(parameters.needed_number("message_id"))
    if message is None or message.deleted:
        raise bad("message to edit not found")
    if message.sender != api.world.bot.id or message.asks:
        raise bad("message can't be edited")
    return message


def _change(api: BotApi, message: Message, content: Json, parameters: Parameters) -> None:
    markup = keyboards.check(parameters.thing("reply_markup"), edited=True)
    chat = message.chat
    api.limits.take(api.method, chat.id, group=chat.type != "private")
    same = all(message.data.get(key, []) == value for key, value in content.items())
    if same and markup == message.markup:
        raise bad(
            "message is not modified: specified new message content and reply markup are exactly "
            "the same as a current content and reply markup of the message"
        )
    message.data.update(content, edit_date=api.world.now())
    message.markup = markup
    if content:
        message.versions.append(message.text)
    api.ring()


def _replied(chat: Chat, reply: Json | None) -> Message | None:
    if reply is None:
        return None
    known = {"message_id", "chat_id", "allow_sending_without_reply"}
    if set(reply) - known or type(reply.get("message_id")) is not int:
        raise blunder(f"can't parse reply parameters {sorted(reply)}")
    if reply.get("chat_id", chat.id) != chat.id:
        raise blunder("this server replies within one chat only")
    found = chat.messages.get(reply["message_id"])
    if found is not None and not found.deleted:
        return found
    if reply.get("allow_sending_without_reply"):
        return None
    raise bad("message to be replied not found")


def _topic(chat: Chat, topic: int | None, reply: Message | None) -> Json:
    """Where in a forum, or in a thread of a discussion group, a message stands."""
    if topic is None:
        if reply is None or chat.type != "supergroup":
            return {}
        if chat.forum:
            return {k: v for k, v in reply.data.items() if k in _IN_TOPIC}
        return {"message_thread_id": reply.topic or reply.id}
    if not chat.forum or topic not in chat.topics:
        raise blunder("message thread not found")
    return {"message_thread_id": topic, "is_topic_message": True}


_IN_TOPIC: Final = ("message_thread_id", "is_topic_message")
