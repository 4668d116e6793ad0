"""Whether a candidate may go live, and why, in words that a moderator can read. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from bot.settings import Settings
from learner.evaluate import Losses, Report


@dataclass(frozen=True, slots=True)
class Rules:
    """The bounds; the settings of the same names, with GATE_ before them, describe them."""

    min_gain: float
    max_forgetting: float
    max_drift: float
    min_ending: float
    max_repeating: float
    max_empty: float

    @classmethod
    def from_settings(cls, settings: Settings) -> Rules:
        """The bounds that the settings ask for."""
        return cls(
            min_gain=settings.gate_min_gain,
            max_forgetting=settings.gate_max_forgetting,
            max_drift=settings.gate_max_drift,
            min_ending=settings.gate_min_ending,
            max_repeating=settings.gate_max_repeating,
            max_empty=settings.gate_max_empty,
        )


@dataclass(frozen=True, slots=True)
class Decision:
    """The verdict, and the reason with its figures."""

    passed: bool
    reason: str


@dataclass(frozen=True, slots=True)
class _Check:
    passed: bool
    words: str


def decide(report: Report, rules: Rules) -> Decision:
    """Judge a candidate by its report. Every bound must hold."""
    checks = [
        _gain(report, rules),
        _forgetting(report, rules),
        _drift(report, rules),
        *_replies(report, rules),
    ]
    failed = [check.words for check in checks if not check.passed]
    passed = [check.words for check in checks if check.passed]
    if not failed:
        return Decision(True, f"Passed: {'; '.join(passed)}.")
    also = f" Otherwise: {'; '.join(passed)}." if passed else ""
    return Decision(False, f"Not good enough: {'; '.join(failed)}.{also}")


def wants_live_samples(report: Report, rules: Rules) -> bool:
    """Whether the candidate's replies miss a bound, so that it matters how the live ones do."""
    return not all(check.passed for check in _replies(report, rules))


def change(before: float, after: float) -> float:
    """The relative change from one loss to another: -0.14 is a fall by 14%."""
    if not math.isfinite(before) or not math.isfinite(after):
        return math.inf
    if before <= 0:
        return 0.0 if after <= 0 else math.inf
    return after / before - 1


def _gain(report: Report, rules: Rules) -> _Check:
    """The held-out loss must fall, but for a round that unlearns what was withdrawn.

    Only what a person has forgotten, or allows no training on any more, waives the fall: the live
    adapter must not know it any longer, so a small rise is no reason to keep it. A vote that was
    changed, or a flag, waives nothing.
    """
    found = report.held_out
    moved = change(found.live, found.candidate)
    loss = _moved(found.live, found.candidate, found.noise)
    words = f"held-out loss {loss} on {_replies_of(found.count)}"
    if report.withdrawn:
        bound = f"allowed {_percent(rules.max_forgetting)}, as {report.withdrawn} were withdrawn"
        return _Check(moved <= rules.max_forgetting, f"{words} ({bound})")
    needed = f"needed {_percent(-rules.min_gain)}"
    # The ± is told and does not decide: of the few replies of a young community nothing is ever
    # certain, and a round that has to be would never pass (docs/LOG.md).
    return _Check(moved <= -rules.min_gain, f"{words} ({needed})")


def _forgetting(report: Report, rules: Rules) -> _Check:
    found = report.retention
    if found is None:
        return _Check(True, "no older approvals to forget")
    kept = _bounded("older approvals", found, found.live, rules.max_forgetting)
    if found.candidate > found.base:
        # Small losses, each allowed against the one before, could add up over many rounds.
        return _Check(False, f"{kept.words}, which the base model knows better")
    return kept


def _drift(report: Report, rules: Rules) -> _Check:
    return _bounded("general answers", report.anchors, report.anchors.base, rules.max_drift)


def _bounded(what: str, found: Losses, before: float, most: float) -> _Check:
    moved = change(before, found.candidate)
    return _Check(moved <= most, f"{what} {_percent(moved)} (allowed {_percent(most)})")


def _replies(report: Report, rules: Rules) -> list[_Check]:
    """Sample replies must keep the bounds, or at least be no worse than the live adapter's."""
    new, old = report.samples, report.live_samples
    ends = new.ending >= rules.min_ending
    circles = new.repeating <= rules.max_repeating
    than = also = ""
    if old is not None:
        ends = ends or not _clearly_less(new.ending, old.ending, new.count)
        circles = circles or not _clearly_less(old.repeating, new.repeating, new.count)
        than = f", or about the live version's {old.ending:.0%}"
        also = f", or about the live version's {old.repeating:.0%}"
    checks = [
        _Check(
            ends,
            f"{new.ending:.0%} of {new.count} sample replies end by themselves "
            f"(needed {rules.min_ending:.0%}{than})",
        ),
        _Check(
            circles,
            f"{new.repeating:.0%} repeat themselves (allowed {rules.max_repeating:.0%}{also})",
        ),
    ]
    if new.empty > max(rules.max_empty, old.empty if old is not None else 0.0):
        words = f"{new.empty:.0%} are empty (allowed {rules.max_empty:.0%})"
        checks.append(_Check(False, words))
    if new.banned:
        checks.append(_Check(False, f"{new.banned:.0%} hold banned words"))
    if new.shouting > (old.shouting if old is not None else 0.0):
        checks.append(_Check(False, f"{new.shouting:.0%} call everybody"))
    return checks


def _clearly_less(share: float, than: float, count: int) -> bool:
    """Whether chance does not explain that one share of `count` samples is below another.

    The pooled two-proportion z-test, one-sided at 5%: of 13 samples each, 46% and 62% may well be
    the same, and a version must not fail by the luck of its draws.
    """
    pooled = (share + than) / 2
    spread = math.sqrt(2 * pooled * (1 - pooled) / max(1, count))
    return than - share > CHANCE * spread


CHANCE: Final = 1.645
"""Standard deviations that chance exceeds in one of twenty cases."""


def _moved(before: float, after: float, noise: float) -> str:
    moved = change(before, after)
    way = "fell" if moved < 0 else "rose" if moved > 0 else "stayed"
    luck = f" ±{noise / before:.1%}" if noise > 0 and before > 0 else ""
    return f"{way} from {before:.2f} to {after:.2f} ({_percent(moved)}{luck})"


def _percent(share: float) -> str:
    return f"{share:+.1%}" if math.isfinite(share) else "without bound"


def _replies_of(count: int) -> str:
    return "1 approved reply" if count == 1 else f"{count} approved replies"
