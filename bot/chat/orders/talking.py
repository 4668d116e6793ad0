"""Orders about the conversation: help, status, a fresh start, who I am and when I answer here."""

from __future__ import annotations

from typing import Final

from bot.chat import status
from bot.chat.orders.order import Ask, Command
from bot.domain import ChannelMode, Role
from bot.errors import Refused
from bot.platforms.base import Answer
from bot.store import audit, conversations

_LONGEST_PERSONA: Final = 1000


async def _reset(ask: Ask) -> Answer:
    await conversations.reset(ask.tx, ask.channel.id)
    return Answer("We start afresh: I no longer read what was said here before.")


async def _status(ask: Ask) -> Answer:
    return Answer("\n".join((await status.gather(ask.tx, ask.now)).lines()))


async def _persona(ask: Ask) -> Answer:
    text = ask.text
    if not text:
        now = ask.channel.persona or ask.services.settings.persona
        return Answer(f"My persona here: {now}\nChange it with /persona TEXT, or /persona reset.")
    if len(text) > _LONGEST_PERSONA:
        raise Refused(f"A persona has at most {_LONGEST_PERSONA} characters.")
    persona = "" if text.lower() == "reset" else text
    await conversations.set_persona(ask.tx, ask.channel.id, persona)
    await audit.note(ask.tx, ask.actor, "persona", ask.now, f"channel {ask.channel.id}", to=persona)
    return Answer(
        "My persona here is changed." if persona else "My persona here is the usual one again."
    )


async def _channel(ask: Ask) -> Answer:
    if len(ask.words) != 1 or ask.words[0] not in list(ChannelMode):
        raise Refused("Say /channel on, /channel mention-only or /channel off.")
    mode = ChannelMode(ask.words[0])
    await conversations.set_mode(ask.tx, ask.channel.id, mode)
    await audit.note(ask.tx, ask.actor, "channel", ask.now, f"channel {ask.channel.id}", to=mode)
    if mode is ChannelMode.MENTION and ask.channel.place.parent:
        return Answer("This thread does as its channel does now.")
    return Answer(
        {
            ChannelMode.ON: "I answer every message here now.",
            ChannelMode.MENTION: "I answer here when I am addressed.",
            ChannelMode.OFF: "I no longer answer here, and read nothing.",
        }[mode]
    )


async def _announce(ask: Ask) -> Answer:
    if len(ask.words) != 1 or ask.words[0].lower() not in ("on", "off"):
        raise Refused("Say /announce on or /announce off.")
    on = ask.words[0].lower() == "on"
    await conversations.set_announce(ask.tx, ask.channel.id, on)
    await audit.note(ask.tx, ask.actor, "announce", ask.now, f"channel {ask.channel.id}", on=on)
    return Answer(
        "I will tell here what I have learned." if on else "I no longer tell here what I learn."
    )


COMMANDS: Final = (
    Command("reset", "", "begin the conversation here anew", Role.MEMBER, _reset),
    Command("status", "", "how I am doing", Role.MEMBER, _status),
)

FOR_ADMINS: Final = (
    Command("persona", "[TEXT]", "who I am in this channel", Role.ADMIN, _persona),
    Command("channel", "on|off|mention-only", "when I answer here", Role.ADMIN, _channel),
    Command("announce", "on|off", "whether I tell here what I learn", Role.ADMIN, _announce),
)
