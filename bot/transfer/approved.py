"""Which judged exchanges are worth passing on: by the rule that the learner's curation follows.

The bot does not import the learner, so the rule is written twice; a test holds the two together.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from bot.domain import Decision, FeedbackKind, Judged, Ruling


@dataclass(frozen=True, slots=True)
class Approval:
    """By whom an exchange is approved, and with what text in place of its reply, if any."""

    by: int
    correction: str = ""


def approval(judged: Judged, muted: Collection[int] = ()) -> Approval | None:
    """Who approves of an exchange; None when nobody does, or when it must not be passed on.

    A moderator's latest ruling that is no skip beats every vote; a flag that is newer than it (or
    that meets none) holds the exchange back. Without a ruling the votes decide, weighed by trust; a
    correction is a vote against the reply, and stands in for it when the reply does not win.
    Corrections of `muted` members, who allow no training on their words, are not passed on.
    """
    if not judged.consented:
        return None
    rulings = [d for d in judged.decisions if d.ruling is not Ruling.SKIP]
    ruling = max(rulings, key=lambda d: (d.at, d.id), default=None)
    for event in judged.feedback:
        newer = ruling is None or event.at > ruling.at
        if event.kind is FeedbackKind.FLAG and newer and judged.trust[event.member] > 0:
            return None
    return _voted(judged, muted) if ruling is None else _ruled(ruling, muted)


def _ruled(ruling: Decision, muted: Collection[int]) -> Approval | None:
    text = ruling.text.strip() if ruling.moderator not in muted else ""
    if ruling.ruling is Ruling.APPROVE:
        return Approval(ruling.moderator)
    if ruling.ruling is Ruling.CORRECT and text:
        return Approval(ruling.moderator, text)
    return None


def _voted(judged: Judged, muted: Collection[int]) -> Approval | None:
    votes: dict[int, int] = {}
    corrections: dict[int, tuple[str, int]] = {}
    for event in sorted(judged.feedback, key=lambda e: (e.at, e.id)):
        match event.kind:
            case FeedbackKind.LIKE:
                votes[event.member] = 1
                corrections.pop(event.member, None)
            case FeedbackKind.DISLIKE:
                votes[event.member] = -1
            case FeedbackKind.RETRACTION:
                votes.pop(event.member, None)
            case FeedbackKind.CORRECTION:
                votes[event.member] = -1
                corrections[event.member] = (event.text.strip(), event.id)
            case FeedbackKind.FLAG:
                pass
    trust: Mapping[int, float] = judged.trust
    counted = {member: vote * trust[member] for member, vote in votes.items() if trust[member]}
    score = sum(counted.values())
    if score > 0:
        return Approval(next(member for member, vote in counted.items() if vote > 0))
    able = {m: said for m, said in corrections.items() if said[0] and trust[m] and m not in muted}
    if able and (score < 0 or not counted):
        best = max(able, key=lambda m: (trust[m], able[m][1]))
        return Approval(best, able[best][0])
    return None
