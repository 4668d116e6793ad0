"""The whole walk of one message: from the door, through the model and the store, to the door."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Collection
from dataclasses import replace
from typing import Final

import structlog

from bot.chat import context
from bot.chat.admit import admit
from bot.chat.services import Services
from bot.domain import Channel, ChannelMode, Exchange, Member, Message, Person, Prompt, Turn
from bot.errors import Busy
from bot.generator.protocol import Completion, Job
from bot.platforms.base import Outlet
from bot.platforms.formatting import harmless, readable
from bot.store import conversations, exchanges, members

log = structlog.get_logger()

NOTHING: Final = "I have no answer to that. Try asking it another way."
"""Said when the model ends its reply before the first word."""


async def answer(
    services: Services, message: Message, outlet: Outlet, turns: ChannelTurns
) -> Exchange | None:
    """Answer one message, if it is to be answered; return the exchange that was saved."""
    message = replace(message, text=readable(message.text))
    if message.author.is_bot or not message.text.strip():
        return None
    async with services.database.write() as tx:
        channel = await conversations.enter(tx, message.place, services.now())
        if channel.mode is ChannelMode.OFF:
            return None
        member = await members.meet(tx, known_as(services, message.author), services.now())
        admission = admit(message, member, channel, longest=services.settings.message_chars)
        if admission.hear and not admission.answer:
            await conversations.hear(tx, channel.id, member, message, message.text)
    if not admission.answer:
        log.debug("not answered", reason=admission.reason, channel=channel.id)
        if admission.say:
            await outlet.notice(admission.say)
        return None
    wait = services.limits.take(member.id, channel.id, services.now())
    if wait:
        await outlet.notice(wait_a_little(wait))
        return None
    async with turns.of(channel.id):
        return await _reply(services, message, outlet)


def wait_a_little(seconds: float) -> str:
    """What somebody hears who asks too often."""
    return f"One moment, please: ask me again in {math.ceil(seconds)} seconds."


class ChannelTurns:
    """One lock a channel, so that its replies come in order; a lock lives while it is wanted."""

    def __init__(self) -> None:
        self._locks: dict[int, tuple[asyncio.Lock, int]] = {}

    def of(self, channel: int) -> _Turn:
        """The channel's turn, to be taken with `async with`."""
        return _Turn(self._locks, channel)


class _Turn:
    def __init__(self, locks: dict[int, tuple[asyncio.Lock, int]], channel: int) -> None:
        self._locks, self._channel = locks, channel

    async def __aenter__(self) -> None:
        lock, wanted = self._locks.get(self._channel, (asyncio.Lock(), 0))
        self._locks[self._channel] = (lock, wanted + 1)
        try:
            await lock.acquire()
        except asyncio.CancelledError:
            self._leave()
            raise

    async def __aexit__(self, *_: object) -> None:
        self._locks[self._channel][0].release()
        self._leave()

    def _leave(self) -> None:
        lock, wanted = self._locks.pop(self._channel)
        if wanted > 1:
            self._locks[self._channel] = (lock, wanted - 1)


def known_as(services: Services, person: Person) -> Person:
    """The person with the role that settings and platform grant, and a name that fits a prompt."""
    name = " ".join(readable(person.name).replace(":", " ").split())[:40]
    person = replace(person, id=readable(person.id), name=name or "member")
    return replace(person, role=services.settings.role_of(person))


async def _reply(services: Services, message: Message, outlet: Outlet) -> Exchange | None:
    async with services.database.write() as tx:
        # Asked again: while the message waited for its turn, things may have changed.
        channel = await conversations.enter(tx, message.place, services.now())
        member = await members.meet(tx, known_as(services, message.author), services.now())
        if channel.mode is ChannelMode.OFF:
            return None
        if await conversations.was_heard(tx, channel.id, message.external_id):
            log.info("message came twice", channel=channel.id, message=message.external_id)
            return None
        said = await conversations.history(tx, channel.id, context.HISTORY)
    generator, settings = services.generator, services.settings
    # A model with a small window keeps at least half of it for reading.
    room = generator.window - min(settings.max_new_tokens, generator.window // 2)
    prompt = context.fit(
        channel.persona or settings.persona,
        said,
        Turn("user", message.text, member.name, member.id),
        budget=min(settings.context_tokens, room),
        cost=lambda turn, named: generator.count(turn, named=named),
        count=generator.count_prompt,
    )
    job = Job(prompt, settings.sampling, services.draw_seed(), session=f"channel-{channel.id}")
    try:
        stream = await generator.submit(job)
    except Busy as busy:
        await outlet.notice(str(busy))
        return None
    try:
        read = {one.position for one in said[len(said) - len(prompt.turns) + 1 :]}
        read |= await _hear(services, channel, member, message)
        if stream.ahead:
            await outlet.waiting(stream.ahead)
        text = ""
        async for piece in stream:
            text += piece
            await outlet.show(harmless(text))
        completion = await stream.completion()
    except BaseException:
        stream.cancel()  # nobody will read the rest
        raise
    exchange = await _save(services, channel, member, read, completion, job)
    if completion.text:
        await outlet.finish(harmless(completion.text), exchange.id)
    else:
        await outlet.notice(NOTHING)
    return exchange


async def _hear(services: Services, channel: Channel, member: Member, message: Message) -> set[int]:
    """Keep the message that is being answered, if its member is remembered; its position."""
    if not member.consent.remembered:
        return set()
    async with services.database.write() as tx:
        await conversations.hear(tx, channel.id, member, message, message.text)
        return {one.position for one in await conversations.history(tx, channel.id, 1)}


async def _save(
    services: Services,
    channel: Channel,
    member: Member,
    read: Collection[int],
    completion: Completion,
    job: Job,
) -> Exchange:
    """Keep the exchange; of a member who is not to be remembered, only that there was one.

    `read` are the positions of the messages in the prompt: if one of them was deleted while the
    reply was written (somebody said /forget), nothing of the exchange is kept either.
    """
    now = services.now()
    exchange = Exchange(
        id=0,
        channel=channel.id,
        asker=member.id,
        prompt=job.prompt,
        reply=completion.text,
        adapter=completion.adapter,
        base_model=services.generator.base_model,
        sampling=job.sampling,
        seed=job.seed,
        finish=completion.finish,
        created_at=now,
        prompt_tokens=completion.prompt_tokens,
        reply_tokens=completion.reply_tokens,
        latency_ms=completion.latency_ms,
        first_token_ms=completion.first_token_ms,
    )
    async with services.database.write() as tx:
        now_known = await members.get(tx, member.id)
        keep = now_known.consent.remembered and now_known.external_id == member.external_id
        keep = keep and await conversations.still_there(tx, channel.id, read)
        if not keep:
            exchange = replace(exchange, prompt=Prompt("", ()), reply="")
        exchange = await exchanges.save(tx, exchange)
        if keep:
            await conversations.say(tx, channel.id, exchange.id, now)
    log.info(
        "replied",
        channel=channel.id,
        exchange=exchange.id,
        adapter=completion.adapter,
        finish=completion.finish.value,
        prompt_tokens=completion.prompt_tokens,
        cached_tokens=completion.cached_tokens,
        reply_tokens=completion.reply_tokens,
        first_token_ms=completion.first_token_ms,
        latency_ms=completion.latency_ms,
    )
    return exchange
