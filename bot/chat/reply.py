"""The whole walk of one message: from the door, through the model and the store, to the door."""

from __future__ import annotations

import asyncio
import math
from dataclasses import replace
from typing import Final

import structlog

from bot.chat import context
from bot.chat.admit import admit
from bot.chat.services import Services
from bot.domain import Channel, Exchange, Member, Message, Person, Prompt, Turn
from bot.errors import Busy
from bot.generator.protocol import Completion, Job
from bot.platforms.base import Outlet
from bot.platforms.formatting import harmless
from bot.store import conversations, exchanges, members

log = structlog.get_logger()

NOTHING: Final = "I have no answer to that. Try asking it another way."
"""Said when the model ends its reply before the first word."""


async def answer(
    services: Services, message: Message, outlet: Outlet, turns: ChannelTurns
) -> Exchange | None:
    """Answer one message, if it is to be answered; return the exchange that was saved."""
    member, channel = await _who_and_where(services, message)
    admission = admit(message, member, channel, longest=services.settings.message_chars)
    if not admission.answer:
        log.debug("not answered", reason=admission.reason, channel=channel.id)
        if admission.hear:
            async with services.database.write() as tx:
                await conversations.hear(tx, channel.id, member, message, message.text)
        if admission.say:
            await outlet.notice(admission.say)
        return None
    wait = services.limits.take(member.id, channel.id, services.now())
    if wait:
        await outlet.notice(f"One moment, please: ask me again in {math.ceil(wait)} seconds.")
        return None
    async with turns.of(channel.id):
        return await _reply(services, message, member, channel, outlet)


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
    name = " ".join(harmless(person.name).replace(":", " ").split())[:40]
    return replace(person, name=name or "member", role=services.settings.role_of(person))


async def _who_and_where(services: Services, message: Message) -> tuple[Member, Channel]:
    now = services.now()
    async with services.database.write() as tx:
        member = await members.meet(tx, known_as(services, message.author), now)
        channel = await conversations.enter(tx, message.place, now)
    return member, channel


async def _reply(
    services: Services, message: Message, member: Member, channel: Channel, outlet: Outlet
) -> Exchange | None:
    async with services.database.write() as tx:
        # Asked again: while this message waited, the member may have been forgotten.
        member = await members.meet(tx, known_as(services, message.author), services.now())
        said = await conversations.history(tx, channel.id, context.HISTORY)
        if member.consent.remembered and not await conversations.hear(
            tx, channel.id, member, message, message.text
        ):
            log.info("message came twice", channel=channel.id, message=message.external_id)
            return None
    generator, settings = services.generator, services.settings
    sampling = settings.sampling
    prompt = context.fit(
        channel.persona or settings.persona,
        said,
        Turn("user", message.text, member.name, member.id),
        budget=min(settings.context_tokens, generator.window - sampling.max_new_tokens),
        cost=lambda turn, named: generator.count(turn, named=named),
        count=generator.count_prompt,
    )
    seed = services.draw_seed()
    job = Job(prompt, sampling, seed, session=f"channel-{channel.id}")
    try:
        stream = await generator.submit(job)
    except Busy as busy:
        await outlet.notice(str(busy))
        return None
    try:
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
    exchange = await _save(services, channel, member, prompt, completion, job)
    if completion.text:
        await outlet.finish(harmless(completion.text), exchange.id)
    else:
        await outlet.notice(NOTHING)
    return exchange


async def _save(
    services: Services,
    channel: Channel,
    member: Member,
    prompt: Prompt,
    completion: Completion,
    job: Job,
) -> Exchange:
    """Keep the exchange; of a member who is not to be remembered, only that there was one."""
    now = services.now()
    exchange = Exchange(
        id=0,
        channel=channel.id,
        asker=member.id,
        prompt=prompt,
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
        found = await members.by_key(tx, member.platform, member.external_id)
        # While the reply was written, the member may have said /forget or changed their consent.
        keep = found is not None and found.id == member.id and found.consent.remembered
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
