"""What people withdraw, and what the live adapter knows of it still.

An exchange that taught an adapter is withdrawn when it was cleared, when somebody in it allows no
training any more, or when what was learned was a correction whose author allows none, or whose text
is gone. A reply that is only judged differently by now is not.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain import BASE, Adapter, Member, Part, Role, RoundState
from bot.settings import Settings
from bot.store import adapters, exchanges, feedback, members, rounds
from bot.store.database import Database
from learner import raters
from learner.examples import Example
from learner.verdicts import verdict

UNLEARNING: Final = "unlearning"
"""In a round's report: the digest of what lingered when it began."""


@dataclass(frozen=True, slots=True)
class Taught:
    """What was learned of an exchange: the reply of the bot, or the correction by `author`."""

    exchange: int
    author: int | None = None


@dataclass(frozen=True, slots=True)
class Allowed:
    """What may be learned from.

    Attributes:
        consented: exchanges, not cleared, in which everybody allows training.
        corrections: (exchange, author) of corrections whose text is there, and may be used.
    """

    consented: Collection[int]
    corrections: Collection[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Lingering:
    """The withdrawn exchanges that version `live` knows."""

    live: int = BASE
    exchanges: frozenset[int] = frozenset()

    @property
    def digest(self) -> str:
        """The same for the same exchanges and version only; empty when nothing lingers."""
        text = f"{self.live}:{sorted(self.exchanges)}"
        return hashlib.sha256(text.encode()).hexdigest() if self.exchanges else ""


def withdrawn(taught: Iterable[Taught], allowed: Allowed) -> frozenset[int]:
    """The exchanges, of some that taught, that must be known no longer."""
    return frozenset(
        one.exchange
        for one in taught
        if one.exchange not in allowed.consented
        or (one.author is not None and (one.exchange, one.author) not in allowed.corrections)
    )


def muted_among(people: Iterable[Member], settings: Settings) -> frozenset[int]:
    """Members who allow no training on their words, or no keeping of them."""
    by_default = settings.consent == "opt-out"
    return frozenset(
        m.id
        for m in people
        if not m.consent.remembered
        or not (by_default if m.consent.trained is None else m.consent.trained)
    )


def staff_among(people: Iterable[Member]) -> frozenset[int]:
    """Moderators and admins."""
    return frozenset(m.id for m in people if m.role.may_act_as(Role.MODERATOR))


async def taught_to(
    conn: AsyncConnection, settings: Settings, adapter: Adapter | None
) -> frozenset[Taught]:
    """What an adapter was trained on, also by way of those it was trained from.

    A round that did not write down whose corrections it learned is taken to have learned those that
    would be learned today, were nobody's words barred.
    """
    found: set[Taught] = set()
    supposed: dict[int, int] | None = None
    while adapter is not None:
        lessons = await rounds.lessons(conn, adapter.round) if adapter.round is not None else []
        if adapter.round is not None and lessons:
            noted = (await rounds.get(conn, adapter.round)).report.get("corrected")
            if noted is None and supposed is None:
                supposed = await _supposed_authors(conn, settings)
            authors = (supposed or {}) if noted is None else dict(noted)
            found.update(
                Taught(x.exchange, authors.get(x.exchange))
                for x in lessons
                if x.part is not Part.HELD_OUT
            )
        older = adapter.parent
        adapter = await adapters.get(conn, older) if older != BASE else None
    return frozenset(found)


async def _supposed_authors(conn: AsyncConnection, settings: Settings) -> dict[int, int]:
    judged = await exchanges.judged(conn, trained_by_default=settings.consent == "opt-out")
    staff = staff_among(await members.every(conn))
    weights = raters.trusts(judged, staff)
    found = {one.exchange.id: verdict(one, weights, staff=staff).author for one in judged}
    return {exchange: author for exchange, author in found.items() if author is not None}


async def withdrawn_of(
    conn: AsyncConnection, settings: Settings, taught: Collection[Taught]
) -> frozenset[int]:
    """`withdrawn`, by what the store says now."""
    if not taught:
        return frozenset()
    consented = await exchanges.consented(
        conn, {one.exchange for one in taught}, trained_by_default=settings.consent == "opt-out"
    )
    muted = muted_among(await members.every(conn), settings)
    written = await feedback.correctors(conn)
    usable = {(exchange, author) for exchange, author in written if author not in muted}
    return withdrawn(taught, Allowed(consented, usable))


async def withdrawn_since(
    database: Database, settings: Settings, trained: Iterable[Example]
) -> int:
    """How many examples that are trained on were withdrawn by now."""
    async with database.read() as conn:
        taught = [Taught(example.exchange, example.author) for example in trained]
        return len(await withdrawn_of(conn, settings, taught))


async def still_known(database: Database, settings: Settings, base_model: str) -> Lingering:
    """What the live adapter of a base model knows of what was withdrawn, now."""
    async with database.read() as conn:
        live = await adapters.live(conn, base_model)
        if live is None:
            return Lingering()
        taught = await taught_to(conn, settings, live)
        return Lingering(live.version, await withdrawn_of(conn, settings, taught))


_LOOKED_BACK: Final = 20
"""Rounds among which one that was not cancelled is looked for."""


async def tried_to_unlearn(database: Database, base_model: str, lingering: Lingering) -> bool:
    """Whether the newest round for a base model knew of just what lingers now, in vain.

    A cancelled round tried nothing. One that went live was not in vain: what its version knows, it
    did not know of, and what an older version knows again is for the next one.
    """
    async with database.read() as conn:
        for one in await rounds.last(conn, _LOOKED_BACK, base_model=base_model):
            if one.state.ended and one.state is not RoundState.CANCELLED:
                in_vain = one.state is not RoundState.PROMOTED
                return in_vain and one.report.get(UNLEARNING, "") == lingering.digest
    return False
