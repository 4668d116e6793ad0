"""What a round finds in the store, and what it makes of it: a selection, or why there is none."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from bot.domain import BASE, Adapter, Judged, Part, Prompt, Round
from bot.settings import Settings
from bot.store import adapters, exchanges, members, rounds
from bot.store.adapters import name
from bot.store.database import Database
from bot.store.rounds import Lesson
from learner.curate import Approved, Selection, Shares, approve, reselect, select
from learner.withdrawal import Lingering, muted_among, staff_among, taught_to, withdrawn_of

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
        lingering: those of them that were withdrawn since.
        lessons: what this round had written down before it was interrupted.
    """

    judged: Sequence[Judged]
    staff: frozenset[int]
    muted: frozenset[int]
    taught: Mapping[int, Part]
    live: Adapter | None
    live_taught: frozenset[int]
    lingering: Lingering
    lessons: Sequence[Lesson]

    @property
    def live_version(self) -> int:
        """The version of the live adapter, `BASE` for none."""
        return self.lingering.live


async def take_stock(database: Database, settings: Settings, this: Round) -> Stock:
    """Read all that curation needs, at one moment."""
    by_default = settings.consent == "opt-out"
    async with database.read() as conn:
        people = await members.every(conn)
        live = await adapters.live(conn, this.base_model)
        taught = await taught_to(conn, settings, live)
        gone = await withdrawn_of(conn, settings, taught)
        return Stock(
            judged=await exchanges.judged(conn, trained_by_default=by_default),
            staff=staff_among(people),
            muted=muted_among(people, settings),
            taught=await rounds.taught(conn, this.base_model),
            live=live,
            live_taught=frozenset(one.exchange for one in taught),
            lingering=Lingering(live.version if live else BASE, gone),
            lessons=await rounds.lessons(conn, this.id),
        )


def choose(stock: Stock, settings: Settings, this: Round, fits: Fits) -> Selection | str:
    """What this round works with, or in a sentence why it has nothing to do.

    What an interrupted round had chosen before is chosen again, if it still may be, and if the same
    version is live that it was chosen for.
    """
    approved = approve(
        stock.judged, staff=stock.staff, muted=stock.muted, taught=stock.taught, fits=fits
    )
    withdrawn = stock.lingering.exchanges
    if stock.lessons and this.report.get("live") == stock.live_version:
        before = reselect(
            approved,
            stock.lessons,
            anchors=this.report["counts"]["anchors"],
            parent=this.report["parent"],
            live_taught=stock.live_taught,
            withdrawn=withdrawn,
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
        withdrawn=withdrawn,
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
