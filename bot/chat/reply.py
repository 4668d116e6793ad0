"""The whole walk of one message: from the door, through the model and the store, to the door."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Final

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.chat import context
from bot.chat.admit import admit
from bot.chat.authority import is_at_home, known_as
from bot.chat.services import Services
from bot.chat.turns import ChannelTurns, Waiting, WaitingRoom
from bot.chat.writing import hand_over, keep, write
from bot.domain import Channel, ChannelMode, Exchange, Member, Message, Person, Place, Said, Turn
from bot.errors import Refused
from bot.generator.protocol import Job
from bot.platforms.base import Outlet
from bot.platforms.formatting import readable
from bot.store import changes, conversations, exchanges, members

log = structlog.get_logger()


async def answer(
    services: Services,
    message: Message,
    outlet: Outlet,
    turns: ChannelTurns,
    waiting_room: WaitingRoom,
) -> Exchange | None:
    """Answer one message, if it is to be answered; return the exchange that was saved."""
    message = replace(message, text=readable(message.text))
    if message.author.is_bot or not message.text.strip():
        return None
    who = known_as(services.settings, message.author, message.place)
    with waiting_room.wait(message) as waiting:
        async with services.database.write() as tx:
            channel = await conversations.enter(tx, message.place, services.now())
            if channel.mode is ChannelMode.OFF:
                return None
            member = await members.meet(tx, who, services.now())
            admission = admit(message, member, channel, longest=services.settings.message_chars)
            known = await conversations.answer_to(tx, channel.id, message.external_id)
            wait = 0.0
            if admission.answer and not known and not is_at_home(who):
                wait = services.limits.take(member.id, channel.id, services.now())
            if admission.hear and (wait or not admission.answer) and not waiting.gone:
                await conversations.hear(tx, channel.id, member, message, waiting.text)
        if not admission.answer:
            log.debug("not answered", reason=admission.reason, channel=channel.id)
            if admission.say:
                await outlet.notice(admission.say)
            return None
        if wait:
            if message.addressed and services.limits.tell(member.id, services.now()):
                await outlet.notice(wait_a_little(wait))
            return None
        if not known:
            await outlet.thinking()
            if (ahead := turns.ahead(channel.id)) > 1:  # of one alone, typing says enough
                await outlet.waiting(ahead)
        async with turns.of(channel.id):
            return await _reply(services, replace(message, author=who), outlet, waiting)


async def refusal(services: Services, person: Person, place: Place) -> str:
    """Why somebody who asks in a place would not be answered; empty if they would."""
    async with services.database.write() as tx:
        channel = await conversations.enter(tx, place, services.now())
        if channel.mode is ChannelMode.OFF:
            return "I am switched off in this channel."
        who = known_as(services.settings, person, place)
        member = await members.meet(tx, who, services.now())
    if not member.consent.answered:
        return UNANSWERED
    wait = 0.0
    if not is_at_home(who):
        wait = services.limits.peek(member.id, channel.id, services.now())
    return wait_a_little(wait) if wait else ""


UNANSWERED: Final = "You asked me not to answer you. /privacy answering on changes that."


def wait_a_little(seconds: float) -> str:
    """What somebody hears who asks too often."""
    return f"One moment, please: ask me again in {math.ceil(seconds)} seconds."


async def _reply(
    services: Services, message: Message, outlet: Outlet, waiting: Waiting
) -> Exchange | None:
    async with services.database.write() as tx:
        # Asked again: while the message waited for its turn, things may have changed.
        if waiting.gone:
            return None
        longest = services.settings.message_chars + message.attached
        message = replace(message, text=waiting.text[:longest])
        channel = await conversations.enter(tx, message.place, services.now())
        member = await members.meet(tx, message.author, services.now())
        if channel.mode is ChannelMode.OFF:
            return None
        known = await conversations.answer_to(tx, channel.id, message.external_id)
        before = None if known is None else await exchanges.get(tx, known)
        shown = before is not None and await changes.was_delivered(tx, before.id)
        heard = None
        if known is None and member.consent.remembered:
            heard = await conversations.hear(tx, channel.id, member, message, message.text)
        said = [
            one
            for one in await conversations.history(tx, channel.id, context.HISTORY)
            if one.position != heard
        ]
        pulled, part = await _pulled(services, tx, channel, message)
    if before is not None:
        # It came twice: its reply is shown now if it never was, and not written anew.
        log.info("message came twice", channel=channel.id, exchange=before.id, shown=shown)
        if before.reply and not shown:
            await hand_over(services, before, before.reply, outlet)
        return None
    generator, settings = services.generator, services.settings
    # A model with a small window keeps at least half of it for reading.
    room = generator.window - min(settings.max_new_tokens, generator.window // 2)
    prompt = context.fit(
        channel.persona or settings.persona,
        said,
        Turn("user", _cited(part) + message.text, member.name, member.id),
        budget=min(settings.context_tokens, room),
        cost=lambda turn, named: generator.count(turn, named=named),
        count=generator.count_prompt,
        pulled=pulled,
    )
    job = Job(prompt, settings.sampling, services.draw_seed(), session=f"channel-{channel.id}")
    in_prompt = set(map(id, prompt.turns))
    read = {one.position for one in (*said, *pulled) if id(one.turn) in in_prompt and one.position}
    if heard is not None:
        read.add(heard)
    completion = await write(services, job, outlet)
    if completion is None:
        return None
    exchange = await keep(
        services, channel, member, completion, job, read=read, reply_to=message.external_id
    )
    await hand_over(services, exchange, completion.text, outlet)
    return exchange


async def _pulled(
    services: Services, tx: AsyncConnection, channel: Channel, message: Message
) -> tuple[list[Said], str]:
    """What the message answers: from the store, or else as the platform quotes it.

    And the part that its author chose, if that cannot be seen from the rest.
    """
    quote = message.quote
    text = "" if quote is None else readable(quote.text).strip()[: services.settings.message_chars]
    if message.reply_to:
        found = await conversations.chain(tx, channel.id, message.reply_to)
        if found:
            return found, text if quote is not None and quote.manual else ""
    if quote is None or not text:
        return [], ""
    if quote.elsewhere:
        if quote.author is None or quote.author.is_bot:
            return [], text
        member = await _quoted(services, tx, quote.author, message.place)
        return [], text if member.consent.remembered else ""
    if quote.author is None:
        return [Said(0, Turn("assistant", text))], ""
    if quote.author.is_bot:
        return [], ""
    member = await _quoted(services, tx, quote.author, message.place)
    if not member.consent.remembered:
        return [], ""
    return [Said(0, Turn("user", text, member.name, member.id))], ""


def _cited(part: str) -> str:
    """A part of another message as it stands before what is said of it."""
    return "".join(f"> {line}\n" for line in part.splitlines())


async def _quoted(services: Services, tx: AsyncConnection, author: Person, place: Place) -> Member:
    """Who is quoted; somebody who is not here just now keeps the role they have."""
    known = await members.by_key(tx, author.platform, readable(author.id))
    who = known_as(services.settings, author, place)
    return known or await members.meet(tx, who, services.now())


async def again(
    services: Services,
    person: Person,
    place: Place,
    exchange: int,
    outlet: Outlet,
    turns: ChannelTurns,
) -> Exchange | None:
    """Reply once more to what an exchange replied to; both are kept as a pair.

    Raises `Refused` when there is nothing to try again, and `StoreError` for an unknown exchange.
    """
    if person.is_bot:
        return None
    who = known_as(services.settings, person, place)
    async with services.database.write() as tx:
        channel = await conversations.enter(tx, place, services.now())
        member = await members.meet(tx, who, services.now())
        before = await exchanges.get(tx, exchange)
        asker = None if before.asker is None else await members.get(tx, before.asker)
    if before.channel != channel.id or channel.mode is ChannelMode.OFF:
        raise Refused("That reply is not from here.")
    if not before.reply:
        raise Refused("I kept nothing of that reply, so I cannot try it again.")
    wait = 0.0
    if not is_at_home(who):
        wait = services.limits.take(member.id, channel.id, services.now())
    if wait:
        raise Refused(wait_a_little(wait))
    await outlet.thinking()
    async with turns.of(channel.id):
        job = Job(before.prompt, services.settings.sampling, services.draw_seed())
        completion = await write(services, job, outlet)
        if completion is None:
            return None
        made = await keep(services, channel, asker, completion, job, retry_of=before.id)
        await hand_over(services, made, completion.text, outlet)
        return made
