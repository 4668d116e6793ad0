"""From everything that was said of replies to what a round trains on and is measured with.

Pure: plain data in, a `Selection` out, the same for the same data and seed. First `approve`
decides which exchanges may be learned from at all, then `select` deals them out; `reselect` takes
up what an interrupted round had written down.
"""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from bot.domain import BASE, Finish, Judged, Part, Prompt
from bot.store.rounds import Lesson
from learner import raters
from learner.examples import Example
from learner.scrub import scrub, scrub_prompt
from learner.split import hold_out, plain, unquoted
from learner.verdicts import Outcome, verdict

MOST_HELD_OUT: Final = 96
"""Held-out examples that a round measures with, the newest first: more cost time, tell little."""

NO_CONSENT: Final = "without everybody's consent to training"
DUPLICATE: Final = "said twice"
TOO_LONG: Final = "longer than EXAMPLE_TOKENS"
EMPTY: Final = "without text"


@dataclass(frozen=True, slots=True)
class Approved:
    """What may be learned from, by exchange, and how many exchanges may not, by reason."""

    examples: Mapping[int, Example]
    excluded: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Selection:
    """What a round works with.

    Attributes:
        new: examples that no promoted round has trained on.
        replay: examples that one has, again.
        held_out: examples to measure with, which no adapter is ever trained on.
        anchors: how many anchors are mixed into one pass over `new` and `replay`.
        parent: the version that training starts from; `BASE` refits from the base model.
        lapsed: exchanges that taught the live adapter, are not approved any more or were withdrawn,
            and are unlearned by beginning anew.
        withdrawn: those of them that were withdrawn (see learner.withdrawal); the others are only
            judged differently by now.
        excluded: how many judged exchanges were left out, by reason in words.
    """

    new: tuple[Example, ...]
    replay: tuple[Example, ...]
    held_out: tuple[Example, ...]
    anchors: int
    parent: int = BASE
    lapsed: int = 0
    withdrawn: int = 0
    excluded: Mapping[str, int] = field(default_factory=dict)

    @property
    def trained(self) -> tuple[Example, ...]:
        """All that is trained on, but for the anchors."""
        return (*self.new, *self.replay)

    def lessons(self) -> list[Lesson]:
        """The lineage to write down: each exchange with its part and weight."""
        return [
            *(Lesson(e.exchange, Part.NEW, e.weight) for e in self.new),
            *(Lesson(e.exchange, Part.REPLAY, e.weight) for e in self.replay),
            *(Lesson(e.exchange, Part.HELD_OUT, e.weight) for e in self.held_out),
        ]

    def counts(self) -> dict[str, int]:
        """How many of each part there are, JSON-ready."""
        return {
            "new": len(self.new),
            "replay": len(self.replay),
            "held out": len(self.held_out),
            "anchors": self.anchors,
        }

    def to_json(self) -> dict[str, Any]:
        """What a round's report keeps of it."""
        return {
            "counts": self.counts(),
            "parent": self.parent,
            "lapsed": self.lapsed,
            "withdrawn": self.withdrawn,
            "excluded": dict(self.excluded),
            "corrected": [[e.exchange, e.author] for e in self.trained if e.author is not None],
        }


@dataclass(frozen=True, slots=True)
class Shares:
    """The proportions of a selection; the settings of the same names describe them."""

    replay: float
    anchor: float
    held_out: float
    rater: float
    refit_limit: int


def approve(
    judged: Sequence[Judged],
    *,
    staff: Collection[int] = (),
    muted: Collection[int] = (),
    taught: Mapping[int, Part] | None = None,
    fits: Callable[[Prompt, str, bool], bool] = lambda _prompt, _reply, _ended: True,
) -> Approved:
    """Everything that may be learned from, scrubbed, without doubles.

    `staff` are members whose votes no cap concerns, `muted` those who allow no training on words of
    theirs. `fits` tells whether a prompt and the reply to it (ended, or cut off) can be trained on.
    Of doubles the one that an earlier round used stays, so that none wanders across the split.
    """
    weights = raters.trusts(judged, staff)
    excluded: Counter[str] = Counter()
    found: dict[tuple[str, str], Example] = {}
    known = taught or {}
    for one in sorted(judged, key=lambda j: (j.exchange.id not in known, j.exchange.id)):
        decided = verdict(one, weights, staff=staff, muted=muted)
        if decided.outcome is not Outcome.APPROVED:
            excluded[decided.why] += 1
            continue
        if not one.consented:
            excluded[NO_CONSENT] += 1
            continue
        exchange, corrected = one.exchange, decided.text != one.exchange.reply
        example = Example(
            exchange=exchange.id,
            channel=exchange.channel,
            at=exchange.created_at,
            prompt=scrub_prompt(exchange.prompt),
            reply=scrub(decided.text).strip(),
            weight=decided.weight,
            by=decided.by,
            ended=corrected or exchange.finish in (Finish.STOP, Finish.IMPORTED),
            origin=exchange.origin,
            author=decided.author,
        )
        if not example.reply or not example.prompt.turns:
            excluded[EMPTY] += 1
        elif not fits(example.prompt, example.reply, example.ended):
            excluded[TOO_LONG] += 1
        elif (same := _likeness(example)) in found:
            excluded[DUPLICATE] += 1
        else:
            found[same] = example
    in_order = sorted(found.values(), key=lambda e: e.exchange)
    return Approved({e.exchange: e for e in in_order}, excluded)


def select(
    approved: Approved,
    *,
    taught: Mapping[int, Part],
    live: int,
    live_taught: Iterable[int],
    shares: Shares,
    seed: int,
    withdrawn: Collection[int] = (),
) -> Selection:
    """Deal the approved examples out.

    `taught` is what promoted rounds did with which exchange, `live_taught` what the live adapter
    has learned from, `withdrawn` what of that a person has withdrawn. While all that is approved is
    at most `refit_limit`, the adapter is fitted anew on all of it, so that what was withdrawn is
    unlearned; after that training goes on from the live adapter with the new examples, and old ones
    in proportion. When a person has withdrawn something it begins anew even then, with as many old
    ones as make up `refit_limit`. What is measured with stands in no prompt that is trained on, not
    even as context.
    """
    examples = approved.examples
    held = hold_out([*examples.values()], taught, share=shares.held_out, seed=seed)
    trained = [e for e in examples.values() if e.exchange not in held]
    new = [e for e in trained if e.exchange not in taught]
    old = [e for e in trained if e.exchange in taught]
    few = len(examples) <= shares.refit_limit
    anew = few or bool(withdrawn)
    room = 1 - shares.replay - shares.anchor
    if live != BASE and not few:
        count = round(len(new) * shares.replay / room)
        if withdrawn:
            count = max(count, shares.refit_limit - len(new)) or len(old)
        old = random.Random(seed).sample(old, min(count, len(old)))  # noqa: S311 - no secret
    anchors = round((len(new) + len(old)) * shares.anchor / (1 - shares.anchor))
    measured = sorted((examples[i] for i in held), key=lambda e: (e.at, e.exchange))
    measured = measured[-MOST_HELD_OUT:]
    new = unquoted(new, measured)
    old = unquoted(sorted(old, key=lambda e: e.exchange), measured)
    return Selection(
        new=tuple(cap(new, shares.rater)),
        replay=tuple(cap(old, shares.rater)),
        held_out=tuple(measured),
        anchors=anchors,
        parent=BASE if anew else live,
        lapsed=_lapsed(approved, live_taught, withdrawn) if anew else 0,
        withdrawn=len(withdrawn),
        excluded=approved.excluded,
    )


def reselect(
    approved: Approved,
    lessons: Sequence[Lesson],
    *,
    anchors: int,
    parent: int,
    live_taught: Iterable[int] = (),
    withdrawn: Collection[int] = (),
) -> Selection | None:
    """The selection that was written down, if all of it may still be learned from, else None.

    Nor does it stand when it goes on from an adapter that must not be gone on from any more. What
    is lapsed or withdrawn is counted anew: it may have changed since.
    """
    if not lessons or any(lesson.exchange not in approved.examples for lesson in lessons):
        return None
    if withdrawn and parent != BASE:
        return None
    parts: dict[Part, list[Example]] = defaultdict(list)
    for lesson in lessons:
        example = approved.examples[lesson.exchange]
        parts[lesson.part].append(replace(example, weight=lesson.weight))
    held_out = sorted(parts[Part.HELD_OUT], key=lambda e: (e.at, e.exchange))
    return Selection(
        new=tuple(unquoted(parts[Part.NEW], held_out)),
        replay=tuple(unquoted(parts[Part.REPLAY], held_out)),
        held_out=tuple(held_out),
        anchors=anchors,
        parent=parent,
        lapsed=_lapsed(approved, live_taught, withdrawn) if parent == BASE else 0,
        withdrawn=len(withdrawn),
        excluded=approved.excluded,
    )


def _lapsed(approved: Approved, live_taught: Iterable[int], withdrawn: Collection[int]) -> int:
    """How many exchanges taught the live adapter and are not to be known as they were taught."""
    return len(set(live_taught).difference(approved.examples).union(withdrawn))


def cap(examples: Sequence[Example], share: float) -> list[Example]:
    """The examples, with those of overbearing raters weighing less.

    Afterwards no plain member stands behind more than `share` of the weight. Of n raters everybody
    may have 1/n, whatever the share, so a lone rater still teaches.
    """
    totals: dict[int, float] = defaultdict(float)
    for example in examples:
        for member, weight in example.by.items():
            totals[member] += weight
    free = sum(e.weight for e in examples) - sum(totals.values())
    raters_there = len(totals) + (free > _NOTHING)
    if not totals:
        return list(examples)
    ceiling = _ceiling(list(totals.values()), free, max(share, 1 / raters_there))
    kept = {member: min(1.0, ceiling / total) for member, total in totals.items()}
    return [
        replace(
            e,
            weight=e.weight - sum(w * (1 - kept[m]) for m, w in e.by.items()),
            by={m: w * kept[m] for m, w in e.by.items()},
        )
        for e in examples
    ]


def _ceiling(totals: list[float], free: float, share: float) -> float:
    """The most weight that a member may have: L = share * (free + sum of min(total, L))."""
    totals = sorted(totals, reverse=True)
    for capped, next_total in enumerate(totals):
        ceiling = share * (free + sum(totals[capped:])) / (1 - share * capped)
        if next_total <= ceiling + _NOTHING:
            return max(ceiling, next_total)
    return share * free / (1 - share * len(totals))


_NOTHING: Final = 1e-9


def _likeness(example: Example) -> tuple[str, str]:
    """Two examples with the same likeness teach the same."""
    turns = "\n".join(f"{t.role}:{t.text}" for t in example.prompt.turns)
    return plain(f"{example.prompt.persona}\n{turns}"), plain(example.reply)
