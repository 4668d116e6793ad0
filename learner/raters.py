"""How far to trust each rater: by how often they agree with moderators, and with each other.

A vote weighs as much as it informs. Somebody who is right with probability p informs by 2p - 1: a
coin (p = 1/2) and a contrarian weigh nothing. p is estimated with a prior, so that a newcomer
starts at full weight and only evidence takes it away (the "one-coin" model of Dawid & Skene, 1979,
with moderators for the truth where there are any).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from typing import Final

from bot.domain import Judged, Ruling
from learner.verdicts import last_ruling, stances

PRIOR_RIGHT: Final = 4.5
PRIOR_WRONG: Final = 0.5
"""What a newcomer is taken for: somebody who agreed 4.5 times in 5."""

PEER: Final = 0.25
"""What agreement with other raters counts, where agreement with a moderator counts 1."""


def trusts(judged: Sequence[Judged], staff: Collection[int]) -> dict[int, float]:
    """The weight of each rater's vote, 0 to 1, by member id: stored trust times agreement.

    The votes of `staff` (moderators and admins) are held against nobody's: they weigh their stored
    trust. So do those of a rater about whom nothing is known.
    """
    stored = {member: trust for one in judged for member, trust in one.trust.items()}
    right: dict[int, float] = defaultdict(float)
    wrong: dict[int, float] = defaultdict(float)
    for one in judged:
        for member, agrees, weight in _evidence(one, stored):
            (right if agrees else wrong)[member] += weight
    return {
        member: trust if member in staff else trust * reliability(right[member], wrong[member])
        for member, trust in stored.items()
    }


def reliability(right: float, wrong: float) -> float:
    """The weight, 0 to 1, of somebody who agreed `right` times and disagreed `wrong` times."""
    prior = _informs(PRIOR_RIGHT, PRIOR_WRONG)
    now = _informs(PRIOR_RIGHT + right, PRIOR_WRONG + wrong)
    return min(1.0, max(0.0, now / prior))


def _informs(right: float, wrong: float) -> float:
    return 2 * right / (right + wrong) - 1


def _evidence(one: Judged, stored: dict[int, float]) -> Iterator[tuple[int, bool, float]]:
    """(member, whether they agreed, how much that counts) for each vote on an exchange."""
    votes = {member: stance.vote for member, stance in stances(one).items() if stance.vote}
    ruling = last_ruling(one)
    if ruling is not None:
        approved = ruling.ruling is Ruling.APPROVE
        for member, vote in votes.items():
            if member != ruling.moderator:
                yield member, (vote > 0) is approved, 1.0
        return
    for member, vote in votes.items():
        others = sum(v * stored[m] for m, v in votes.items() if m != member)
        if others:
            yield member, (vote > 0) is (others > 0), PEER
