"""The commands, the same on every platform: who may give them, and what they do.

A command is a function of `Ask` that returns the answer as text. Rights are checked here, whatever
a platform shows in its own menus; every act of an admin is in the audit log.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.chat import status
from bot.chat.rating import judge
from bot.chat.reply import known_as, wait_a_little
from bot.chat.services import Services
from bot.domain import (
    Channel,
    ChannelMode,
    Consent,
    Feedback,
    FeedbackKind,
    Member,
    Person,
    Place,
    RequestKind,
    Role,
)
from bot.errors import Refused
from bot.platforms.formatting import readable
from bot.store import (
    adapters,
    audit,
    conversations,
    exchanges,
    members,
    requests,
    rounds,
)


@dataclass(frozen=True, slots=True)
class Ask:
    """One command being carried out, inside one transaction."""

    services: Services
    tx: AsyncConnection
    member: Member
    channel: Channel
    words: tuple[str, ...]
    now: datetime

    @property
    def actor(self) -> str:
        """Who asks, as the audit log names them."""
        return f"{self.member.platform}:{self.member.external_id}"

    @property
    def base_model(self) -> str:
        """The base model that this bot runs."""
        return self.services.generator.base_model


@dataclass(frozen=True, slots=True)
class Command:
    """A command's name, its arguments as help shows them, its meaning, and who may give it."""

    name: str
    usage: str
    meaning: str
    role: Role
    act: Callable[[Ask], Awaitable[str]]


async def run(services: Services, person: Person, place: Place, line: str) -> str:
    """Carry out a line such as "/train now". Raises `Refused` for what is not allowed or unknown.

    What the command writes is on disk when this returns.
    """
    if person.is_bot:
        raise Refused("Bots give no commands.")
    words = tuple(readable(line).removeprefix("/").split())
    command = COMMANDS.get(words[0].lower()) if words else None
    if command is None:
        raise Refused(f"I do not know /{words[0] if words else ''}. /help lists what I know.")
    now = services.now()
    async with services.database.write() as tx:
        member = await members.meet(tx, known_as(services, person), now)
        channel = await conversations.enter(tx, place, now)
        if not member.role.may_act_as(command.role):
            raise Refused(f"/{command.name} is for {command.role.value}s.")
        if member.role is Role.MEMBER:
            wait = services.limits.take(member.id, channel.id, now)
            if wait:
                raise Refused(wait_a_little(wait))
        return await command.act(Ask(services, tx, member, channel, words[1:], now))


async def _help(ask: Ask) -> str:
    lines = ["I answer here, and I learn from what you tell me about my answers."]
    lines += [
        f"/{f'{command.name} {command.usage}'.strip()}: {command.meaning}"
        for command in COMMANDS.values()
        if ask.member.role.may_act_as(command.role)
    ]
    return "\n".join(lines)


async def _reset(ask: Ask) -> str:
    await conversations.reset(ask.tx, ask.channel.id)
    return "We start afresh: I no longer read what was said here before."


async def _status(ask: Ask) -> str:
    return "\n".join((await status.gather(ask.tx, ask.now)).lines())


async def _train(ask: Ask) -> str:
    what = ask.words[0].lower() if ask.words else "status"
    running = await rounds.unfinished(ask.tx)
    if what == "status":
        last = await rounds.last(ask.tx)
        waiting = [r for r in await requests.pending(ask.tx) if r.kind is RequestKind.TRAIN]
        note = ["A round was asked for and will begin shortly."] if waiting else []
        return "\n".join([*status.describe(last[0] if last else None), *note])
    if not ask.member.role.may_act_as(Role.ADMIN):
        raise Refused(f"/train {what} is for admins.")
    if what == "now":
        if running:
            raise Refused(f"Round {running[0].id} is running already. /train status shows it.")
        await requests.ask(ask.tx, RequestKind.TRAIN, ask.now, ask.member.id)
        await audit.note(ask.tx, ask.actor, "train now", ask.now)
        alive = (await status.gather(ask.tx, ask.now)).learner
        how = "" if alive else " The learner is not running; it will begin when it is started."
        return f"I asked for a round of learning.{how} /train status shows how it goes."
    if what == "cancel":
        waiting = [r for r in await requests.pending(ask.tx) if r.kind is RequestKind.TRAIN]
        for request in waiting:
            await requests.answer(ask.tx, request.id, "cancelled", ask.now)
        if running:
            await requests.ask(ask.tx, RequestKind.CANCEL, ask.now, ask.member.id)
        elif not waiting:
            raise Refused("No round is running.")
        await audit.note(ask.tx, ask.actor, "train cancel", ask.now)
        return "The round is being cancelled. What is live stays live."
    raise Refused("Say /train now, /train status or /train cancel.")


async def _adapters(ask: Ask) -> str:
    found = await adapters.every(ask.tx, ask.base_model)
    if not found:
        return "No adapter yet: the base model answers as it came."
    return "\n".join(
        f"{row['version']}: {row['state']}, from {row['parent']}, taught by {row['data']}, "
        f"held-out loss {row['held-out loss']}, {row['created']}"
        for row in status.table(found)
    )


async def _promote(ask: Ask) -> str:
    if len(ask.words) != 1 or not _VERSION.fullmatch(ask.words[0]):
        raise Refused("Say which version: /promote 3. /adapters lists them; 0 is the base model.")
    version = int(ask.words[0].lstrip("v"))
    return await switch(
        ask.tx, version, base_model=ask.base_model, actor=ask.actor, at=ask.now, kind="promote"
    )


_VERSION: Final = re.compile(r"v?[0-9]{1,9}")


async def _rollback(ask: Ask) -> str:
    target = await adapters.rollback_target(ask.tx, ask.base_model)
    return await switch(
        ask.tx, target, base_model=ask.base_model, actor=ask.actor, at=ask.now, kind="rollback"
    )


async def switch(
    tx: AsyncConnection, version: int, *, base_model: str, actor: str, at: datetime, kind: str
) -> str:
    """Make a version live in the store, audited; the running bot follows within a second or two."""
    previous = await adapters.promote(
        tx, version, base_model=base_model, actor=actor, at=at, kind=kind
    )
    await audit.note(tx, actor, kind, at, f"version {version}", previous=previous)
    return (
        f"{adapters.name(version)} is live now in place of "
        f"{adapters.name(previous)[0].lower()}{adapters.name(previous)[1:]}. "
        "Replies that are being written finish on the old one."
    )


async def _privacy(ask: Ask) -> str:
    by_default = ask.services.settings.consent == "opt-out"
    consent = _chosen(ask.member.consent, ask.words) if ask.words else ask.member.consent
    if ask.words:
        await members.set_consent(ask.tx, ask.member.id, consent)
    trained = by_default if consent.trained is None else consent.trained
    kept = await exchanges.count_of(ask.tx, ask.member.id)
    return "\n".join(
        [
            "On this machine I keep what you say to me, my replies and your ratings; nothing "
            f"leaves it. There are {kept} replies to you.",
            f"Answering you: {_on(consent.answered)}. Remembering what you say: "
            f"{_on(consent.remembered)}. Learning from replies to you: {_on(trained)}.",
            "Change one with /privacy answering|remembering|learning on|off. "
            "/forget deletes what I have of you.",
        ]
    )


def _chosen(consent: Consent, words: tuple[str, ...]) -> Consent:
    fields = {"answering": "answered", "remembering": "remembered", "learning": "trained"}
    match [word.lower() for word in words]:
        case [what, "on" | "off" as choice] if what in fields:
            return replace(consent, **{fields[what]: choice == "on"})
    raise Refused("Say /privacy answering, remembering or learning, and then on or off.")


def _on(choice: bool) -> str:
    return "on" if choice else "off"


async def _forget(ask: Ask) -> str:
    if ask.words != ("yes",):
        return (
            "This deletes your messages, my replies to you and your ratings, for good, and keeps "
            "them out of all later learning. Say /forget yes to do it."
        )
    cleared = await members.forget(ask.tx, ask.member.id)
    await audit.note(ask.tx, f"member {ask.member.id}", "forget", ask.now, exchanges=cleared)
    return (
        f"Done: your messages, your ratings and {cleared} replies to you are deleted. Later rounds "
        "of learning work without them."
    )


async def _flag(ask: Ask) -> str:
    last = await exchanges.last_in(ask.tx, ask.channel.id)
    if last is None:
        raise Refused("There is no reply to flag here yet.")
    why = " ".join(ask.words)[:500]
    event = Feedback(last.id, ask.member.id, FeedbackKind.FLAG, ask.now, why, via="command")
    return await judge(ask.tx, event, last, ask.member, longest=len(why))


async def _persona(ask: Ask) -> str:
    text = " ".join(ask.words)
    if not text:
        now = ask.channel.persona or ask.services.settings.persona
        return f"My persona here: {now}\nChange it with /persona TEXT, or /persona reset."
    if len(text) > _LONGEST_PERSONA:
        raise Refused(f"A persona has at most {_LONGEST_PERSONA} characters.")
    persona = "" if text.lower() == "reset" else text
    await conversations.set_persona(ask.tx, ask.channel.id, persona)
    await audit.note(ask.tx, ask.actor, "persona", ask.now, f"channel {ask.channel.id}", to=persona)
    return "My persona here is changed." if persona else "My persona here is the usual one again."


async def _channel(ask: Ask) -> str:
    if len(ask.words) != 1 or ask.words[0] not in list(ChannelMode):
        raise Refused("Say /channel on, /channel mention-only or /channel off.")
    mode = ChannelMode(ask.words[0])
    await conversations.set_mode(ask.tx, ask.channel.id, mode)
    await audit.note(ask.tx, ask.actor, "channel", ask.now, f"channel {ask.channel.id}", to=mode)
    return {
        ChannelMode.ON: "I answer every message here now.",
        ChannelMode.MENTION: "I answer here when I am addressed.",
        ChannelMode.OFF: "I no longer answer here, and read nothing.",
    }[mode]


_LONGEST_PERSONA: Final = 1000

COMMANDS: Final = {
    command.name: command
    for command in (
        Command("help", "", "what I can do", Role.MEMBER, _help),
        Command("reset", "", "begin the conversation here anew", Role.MEMBER, _reset),
        Command("status", "", "how I am doing", Role.MEMBER, _status),
        Command("privacy", "[WHAT on|off]", "what I keep, and your choices", Role.MEMBER, _privacy),
        Command("forget", "", "delete what I have of you", Role.MEMBER, _forget),
        Command("flag", "[WHY]", "report my last reply to the moderators", Role.MEMBER, _flag),
        Command("train", "now|status|cancel", "a round of learning", Role.MEMBER, _train),
        Command("adapters", "", "what I have learned, by version", Role.MODERATOR, _adapters),
        Command("promote", "VERSION", "make a version live", Role.ADMIN, _promote),
        Command("rollback", "", "go back to what was live before", Role.ADMIN, _rollback),
        Command("persona", "[TEXT|reset]", "who I am in this channel", Role.ADMIN, _persona),
        Command("channel", "on|off|mention-only", "when I answer here", Role.ADMIN, _channel),
    )
}
