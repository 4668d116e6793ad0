"""What a round finds in the store, and what it makes of it: a selection, or why there is none."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain import BASE, Adapter, Judged, Part, Prompt, Role, Round, RoundState
from bot.settings import Settings
from bot.store import adapters, exchanges, members, rounds
from bot.store.adapters import name
from bot.store.database import Database
from bot.store.rounds import Lesson
from learner.curate import Approved, Selection, Shares, approve, reselect, select

Fits = Callable[[Prompt, str, bool], bool]
"""Whether a prompt and the reply to it (ended, or cut off) can be trained on."""


@dataclass(frozen=True, slots=True)
class Stock:
    """A snapshot of the store.

    Attributes:
        staff: moderators and admins.
        muted: members who allow no training on their words, or no keeping of them.
        taught: what promoted rounds did with which exchange.
        live: the live adapter, None for the bare base model.
        live_taught: the exchanges that the live adapter, or one that it came from, was trained on.
        lessons: what this round had written down before it was interrupted.
    """

    judged: Sequence[Judged]
    staff: frozenset[int]
    muted: frozenset[int]
    taught: Mapping[int, Part]
    live: Adapter | None
    live_taught: frozenset[int]
    lessons: Sequence[Lesson]

    @property
    def live_version(self) -> int:
        """The version of the live adapter, `BASE` for none."""
        return self.live.version if self.live else BASE

    @property
    def withdrawn(self) -> int:
        """How many replies taught the live adapter and were forgotten, or lost their consent."""
        return _withdrawn(self.live_taught, self.judged)


async def take_stock(database: Database, settings: Settings, this: Round) -> Stock:
    """Read all that curation needs, at one moment."""
    by_default = settings.consent == "opt-out"
    async with database.read() as conn:
        people = await members.every(conn)
        live = await adapters.live(conn, this.base_model)
        return Stock(
            judged=await exchanges.judged(conn, trained_by_default=by_default),
            staff=frozenset(m.id for m in people if m.role.may_act_as(Role.MODERATOR)),
            muted=frozenset(
                m.id
                for m in people
                if not m.consent.remembered
                or not (by_default if m.consent.trained is None else m.consent.trained)
            ),
            taught=await rounds.taught(conn, this.base_model),
            live=live,
            live_taught=await _taught_to(conn, live),
            lessons=await rounds.lessons(conn, this.id),
        )


async def _taught_to(conn: AsyncConnection, adapter: Adapter | None) -> frozenset[int]:
    """The exchanges that an adapter learned from, also by way of those it was trained from."""
    found: set[int] = set()
    while adapter is not None:
        lessons = await rounds.lessons(conn, adapter.round) if adapter.round is not None else []
        found.update(x.exchange for x in lessons if x.part is not Part.HELD_OUT)
        older = adapter.parent
        adapter = await adapters.get(conn, older) if older != BASE else None
    return frozenset(found)


async def withdrawn_since(database: Database, settings: Settings, chosen: Selection) -> int:
    """How many examples that are trained on were forgotten, or lost their consent, by now."""
    async with database.read() as conn:
        judged = await exchanges.judged(conn, trained_by_default=settings.consent == "opt-out")
    allowed = {one.exchange.id for one in judged if one.consented}
    return sum(example.exchange not in allowed for example in chosen.trained)


async def still_known(database: Database, settings: Settings, base_model: str) -> int:
    """`Stock.withdrawn` of this moment."""
    async with database.read() as conn:
        taught = await _taught_to(conn, await adapters.live(conn, base_model))
        if not taught:
            return 0
        judged = await exchanges.judged(conn, trained_by_default=settings.consent == "opt-out")
    return _withdrawn(taught, judged)


def _withdrawn(taught: frozenset[int], judged: Sequence[Judged]) -> int:
    return len(taught.difference(one.exchange.id for one in judged if one.consented))


_LOOKED_BACK: Final = 20
"""Rounds among which one that was neither cancelled nor failed is looked for."""


async def tried_to_unlearn(database: Database) -> int:
    """How many withdrawn replies the newest round that looked at the verdicts knew of, in vain.

    0 when it went live: what is still known since then, it did not know of.
    """
    async with database.read() as conn:
        for one in await rounds.last(conn, _LOOKED_BACK):
            if one.state in (RoundState.REJECTED, RoundState.SKIPPED):
                return int(one.report.get("withdrawn", 0))
            if one.state is RoundState.PROMOTED:
                return 0
    return 0


def choose(stock: Stock, settings: Settings, this: Round, fits: Fits) -> Selection | str:
    """What this round works with, or in a sentence why it has nothing to do.

    What an interrupted round had chosen before is chosen again, if it still may be.
    """
    approved = approve(
        stock.judged, staff=stock.staff, muted=stock.muted, taught=stock.taught, fits=fits
    )
    parent = this.report.get("parent")
    if stock.lessons and parent in (BASE, stock.live_version):
        before = reselect(
            approved,
            stock.lessons,
            anchors=this.report["counts"]["anchors"],
            parent=parent,
            lapsed=this.report.get("lapsed", 0),
            withdrawn=this.report["withdrawn"],
        )
        if before:
            return before
    selection = select(
        approved,
        taught=stock.taught,
        live=stock.live_version,
        live_taught=stock.live_taught,
        shares=shares_of(settings),
        seed=this.seed,
    )
    return why_not(approved, selection, settings.min_examples, stock.live_version) or selection


def shares_of(settings: Settings) -> Shares:
    """The proportions that the settings ask for."""
    return Shares(
        replay=settings.replay_share,
        anchor=settings.anchor_share,
        held_out=settings.held_out_share,
        rater=settings.rater_share,
        refit_limit=settings.refit_limit,
    )


def why_not(approved: Approved, selection: Selection, fewest: int, live: int) -> str:
    """Why there is nothing to learn, in words; empty when there is."""
    count = len(approved.examples)
    if not count and not approved.excluded:
        return "There is nothing to learn from yet: no reply has been judged."
    if not selection.new and not selection.lapsed and live != BASE:
        return f"Nothing new was approved since {name(live).lower()} was trained."
    if count < fewest or not selection.trained or not selection.held_out:
        words = [f"{number} {why}" for why, number in sorted(approved.excluded.items())]
        left_out = f" Left out: {', '.join(words)}." if words else ""
        replies = "1 approved reply" if count == 1 else f"{count} approved replies"
        return (
            f"Too little to learn from: {replies}, and a round needs {fewest} "
            f"(MIN_EXAMPLES).{left_out}{_lingering(selection, live)}"
        )
    return ""


def _lingering(selection: Selection, live: int) -> str:
    if not selection.withdrawn:
        return ""
    return (
        f" {name(live)} was taught by {selection.withdrawn} replies that were withdrawn since; "
        "/promote 0 takes it out of use."
    )
