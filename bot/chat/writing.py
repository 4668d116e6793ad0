"""A reply while it is written, from the generator to the outlet, and what is kept of it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.chat.services import Services
from bot.domain import Channel, Exchange, Member, Prompt
from bot.errors import Busy
from bot.generator.protocol import Completion, Job
from bot.platforms.base import Outlet
from bot.platforms.formatting import harmless
from bot.store import changes, conversations, exchanges, members

log = structlog.get_logger()

NOTHING = "I have no answer to that. Try asking it another way."
"""Said when the model ends its reply before the first word."""


async def write(services: Services, job: Job, outlet: Outlet) -> Completion | None:
    """Let the generator do a job and show it as it grows; None when the queue is full."""
    try:
        stream = await services.generator.submit(job)
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
        return await stream.completion()
    except BaseException:
        stream.cancel()  # nobody will read the rest
        raise


async def keep(
    services: Services,
    channel: Channel,
    asker: Member | None,
    completion: Completion,
    job: Job,
    *,
    read: Collection[int] = (),
    reply_to: str = "",
    retry_of: int | None = None,
) -> Exchange:
    """Keep the exchange; of a member who is not to be remembered, only that there was one.

    `read` are the positions of the messages in the prompt: if one of them was deleted while the
    reply was written (somebody said /forget), nothing of the exchange is kept either. A retry
    stands in the conversation where the reply stood that it is another try of.
    """
    now = services.now()
    exchange = Exchange(
        id=0,
        channel=channel.id,
        asker=asker.id if asker else None,
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
        retry_of=retry_of,
    )
    async with services.database.write() as tx:
        if not await _may_be_kept(tx, exchange, asker, read):
            exchange = replace(exchange, prompt=Prompt("", ()), reply="")
        exchange = await exchanges.save(tx, exchange)
        if retry_of is not None:
            await conversations.say_instead(tx, channel.id, exchange.id, of=retry_of)
        else:
            await conversations.say(tx, channel.id, exchange.id, now, reply_to=reply_to)
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


async def hand_over(services: Services, exchange: Exchange, text: str, outlet: Outlet) -> None:
    """Give the finished reply to the member, and keep where it is shown."""
    if not text:
        await outlet.notice(NOTHING)
        return
    shown = await outlet.finish(harmless(text), exchange.id)
    if shown:
        async with services.database.write() as tx:
            await changes.deliver(tx, exchange.channel, exchange.id, shown)


async def _may_be_kept(
    tx: AsyncConnection, exchange: Exchange, asker: Member | None, read: Collection[int]
) -> bool:
    """Whether what was agreed to when the reply was begun still holds."""
    if asker is not None:
        known = await members.get(tx, asker.id)
        if not known.consent.remembered or known.external_id != asker.external_id:
            return False
    if exchange.retry_of is not None:
        return bool((await exchanges.get(tx, exchange.retry_of)).reply)
    return await conversations.still_there(tx, exchange.channel, read)
