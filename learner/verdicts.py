"""What was said of one exchange, and what follows from it: to be learned, not, or undecided."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from bot.domain import Decision, FeedbackKind, Judged, Ruling


class Outcome(StrEnum):
    """What a verdict comes to."""

    APPROVED = "approved"
    REJECTED = "rejected"
    UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True)
class Stance:
    """What one member makes of a reply, all they said taken together.

    `vote` is 1, -1 or 0 (none, or taken back); `correction` is the better reply they wrote.
    """

    vote: int = 0
    correction: str = ""
    flagged: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """What follows for one exchange.

    Attributes:
        text: the reply to be learned, when approved: the one given, or a correction.
        weight: how sure that is, above 0 to 1.
        by: which members the weight comes from, in parts that sum to it; moderators' parts, whom
            no cap concerns, are left out.
        why: in words, for those that are not approved.
        author: who wrote the text, when it is a correction.
    """

    outcome: Outcome
    text: str = ""
    weight: float = 0.0
    by: Mapping[int, float] = field(default_factory=dict)
    why: str = ""
    author: int | None = None


FLAGGED: Final = "flagged, waiting for a moderator"
TIED: Final = "no clear vote"
DISLIKED: Final = "disliked"
RULED_OUT: Final = "rejected by a moderator"


def stances(judged: Judged) -> dict[int, Stance]:
    """What each member makes of the exchange; the latest word counts.

    A correction is a vote against the reply as it is, and a later like takes it back. A retraction
    takes back a like or a dislike, and leaves a correction.
    """
    found: dict[int, Stance] = {}
    for event in sorted(judged.feedback, key=lambda e: (e.at, e.id)):
        was = found.get(event.member, Stance())
        match event.kind:
            case FeedbackKind.LIKE:
                now = Stance(1, "", was.flagged)
            case FeedbackKind.DISLIKE:
                now = Stance(-1, was.correction, was.flagged)
            case FeedbackKind.RETRACTION:
                now = Stance(0, was.correction, was.flagged)
            case FeedbackKind.CORRECTION:
                now = Stance(-1, event.text.strip(), was.flagged)
            case FeedbackKind.FLAG:
                now = Stance(was.vote, was.correction, flagged=True)
        found[event.member] = now
    return found


def last_ruling(judged: Judged) -> Decision | None:
    """The ruling in force: the latest that is not a skip."""
    rulings = [d for d in judged.decisions if d.ruling is not Ruling.SKIP]
    return max(rulings, key=lambda d: (d.at, d.id), default=None)


def verdict(
    judged: Judged,
    weights: Mapping[int, float],
    *,
    staff: Collection[int] = (),
    muted: Collection[int] = (),
) -> Verdict:
    """What follows from all that was said.

    A moderator's ruling beats every vote. A flag that is newer than the ruling, by somebody who is
    trusted at all, leaves the exchange undecided. Votes weigh by `weights` (see raters.trusts); the
    weight of an approval is the share by which it won, so a lone full vote weighs 1 and a contested
    one little. Corrections by `muted` members (who allow no training on their words) count as votes
    or rulings against, and their text is not used.
    """
    ruling = last_ruling(judged)
    if _is_flagged(judged, ruling, weights):
        return Verdict(Outcome.UNDECIDED, why=FLAGGED)
    if ruling is not None:
        return _ruled(judged, ruling, muted)
    votes = stances(judged)
    counted = {m: weights.get(m, 0.0) for m, s in votes.items() if s.vote and weights.get(m)}
    total = sum(counted.values())
    score = sum(weight * votes[m].vote for m, weight in counted.items())
    if score > 0:
        sure = score / max(1.0, total)
        likers = {m: weight for m, weight in counted.items() if votes[m].vote > 0}
        share = sure / sum(likers.values())
        by = {m: weight * share for m, weight in likers.items() if m not in staff}
        return Verdict(Outcome.APPROVED, judged.exchange.reply, sure, by)
    writers = [m for m, s in votes.items() if s.correction and weights.get(m) and m not in muted]
    if writers and (score < 0 or not counted):
        # Of several corrections, that of the most trusted member; among equals the latest word.
        latest = {e.member: e.id for e in judged.feedback if e.kind is FeedbackKind.CORRECTION}
        best = max(writers, key=lambda m: (weights[m], latest[m]))
        sure = min(weights[best], -score / max(1.0, total)) if counted else weights[best]
        by = {} if best in staff else {best: sure}
        return Verdict(Outcome.APPROVED, votes[best].correction, sure, by, author=best)
    if score < 0:
        return Verdict(Outcome.REJECTED, why=DISLIKED)
    return Verdict(Outcome.UNDECIDED, why=TIED)


def _ruled(judged: Judged, ruling: Decision, muted: Collection[int]) -> Verdict:
    if ruling.ruling is Ruling.APPROVE:
        return Verdict(Outcome.APPROVED, judged.exchange.reply, 1.0)
    mine = ruling.text.strip() if ruling.moderator not in muted else ""
    if ruling.ruling is Ruling.CORRECT and mine:
        return Verdict(Outcome.APPROVED, mine, 1.0, author=ruling.moderator)
    # A correction whose text was forgotten, or is not ours to use, still says: this was not good.
    return Verdict(Outcome.REJECTED, why=RULED_OUT)


def _is_flagged(judged: Judged, ruling: Decision | None, weights: Mapping[int, float]) -> bool:
    return any(
        event.kind is FeedbackKind.FLAG
        and weights.get(event.member, 0.0) > 0
        and (ruling is None or event.at > ruling.at)
        for event in judged.feedback
    )
