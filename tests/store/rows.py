"""Rows that tests begin from, each made by the store itself."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain import (
    BASE,
    Adapter,
    AdapterState,
    Channel,
    ChannelKind,
    Exchange,
    Feedback,
    FeedbackKind,
    Finish,
    Member,
    Message,
    Person,
    Place,
    Prompt,
    Sampling,
    Turn,
)
from bot.store import adapters, conversations, exchanges, feedback, members

NOW = datetime(2026, 3, 1, 12, 30, 15, 123456, tzinfo=UTC)
MODEL = "tiny-model"


def later(seconds: float) -> datetime:
    """So many seconds after `NOW`."""
    return NOW + timedelta(seconds=seconds)


async def meet(tx: AsyncConnection, name: str = "Ana", platform: str = "terminal") -> Member:
    """A member, whose platform id is the name in small letters."""
    return await members.meet(tx, Person(platform, name.lower(), name), NOW)


def room(name: str = "general", kind: ChannelKind = ChannelKind.GROUP) -> Place:
    """A channel of a platform."""
    return Place("terminal", "home", name, kind, name)


async def enter(tx: AsyncConnection, name: str = "general") -> Channel:
    """A group channel."""
    return await conversations.enter(tx, room(name), NOW)


def message(author: Member, text: str, external_id: str, place: Place | None = None) -> Message:
    """A message as a platform hands it in."""
    person = Person(author.platform, author.external_id, author.name)
    return Message(place or room(), person, text, external_id, NOW)


def turn(author: Member, text: str) -> Turn:
    """What a member said, as a prompt holds it."""
    return Turn("user", text, author.name, author.id)


def reply(text: str) -> Turn:
    """What the bot said, as a prompt holds it."""
    return Turn("assistant", text)


def exchange(
    channel: int, asker: Member | None, *turns: Turn, reply: str = "Hello!", origin: str = "chat"
) -> Exchange:
    """An exchange that was not saved yet."""
    return Exchange(
        id=0,
        channel=channel,
        asker=asker.id if asker else None,
        prompt=Prompt("Be kind.", turns or ((turn(asker, "Hi"),) if asker else ())),
        reply=reply,
        adapter=BASE,
        base_model=MODEL,
        sampling=Sampling(stop=("\nUser:",), banned_words=("drat",)),
        seed=2**63 - 1,
        finish=Finish.STOP,
        created_at=NOW,
        prompt_tokens=12,
        reply_tokens=3,
        latency_ms=456,
        first_token_ms=78,
        origin=origin,
    )


async def answered(
    tx: AsyncConnection, channel: int, asker: Member, *turns: Turn, reply: str = "Hello!"
) -> Exchange:
    """A saved exchange."""
    return await exchanges.save(tx, exchange(channel, asker, *turns, reply=reply))


async def say(
    tx: AsyncConnection,
    about: Exchange,
    who: Member,
    kind: FeedbackKind,
    text: str = "",
    at: datetime = NOW,
) -> Feedback:
    """Feedback, kept."""
    return await feedback.add(tx, Feedback(about.id, who.id, kind, at, text, "test"))


def adapter(
    state: AdapterState = AdapterState.CANDIDATE, *, base_model: str = MODEL, directory: str = "v"
) -> Adapter:
    """An adapter that has no version yet."""
    return Adapter(0, base_model, BASE, state, directory, "0" * 64, {"loss": 1.5}, NOW)


async def published(tx: AsyncConnection, base_model: str = MODEL) -> int:
    """A candidate that could go live; its version."""
    return (await adapters.add(tx, adapter(base_model=base_model))).version
