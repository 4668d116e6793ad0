"""The bot exports by the rule that the learner learns by, though neither imports the other."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain import Decision, Exchange, Feedback, FeedbackKind, Judged, Ruling
from bot.transfer.approved import approval
from learner.verdicts import Outcome, verdict
from tests.store.rows import NOW, exchange

MEMBERS = [1, 2, 3]
TIMES = st.integers(0, 5).map(lambda seconds: NOW + timedelta(seconds=seconds))
TEXTS = st.sampled_from(["", " ", "better", " best "])
ABOUT: Exchange = exchange(1, None, reply="as it was")

FEEDBACK = st.lists(
    st.builds(
        Feedback,
        st.just(0),
        st.sampled_from(MEMBERS),
        st.sampled_from(list(FeedbackKind)),
        TIMES,
        TEXTS,
    ),
    max_size=6,
)
DECISIONS = st.lists(
    st.builds(Decision, st.just(0), st.just(9), st.sampled_from(list(Ruling)), TIMES, TEXTS),
    max_size=3,
)
TRUST = st.fixed_dictionaries(
    {member: st.sampled_from([0.0, 0.25, 0.5, 1.0]) for member in MEMBERS}
)


def numbered(events: list[Feedback]) -> tuple[Feedback, ...]:
    """With ids, as the store gives them."""
    return tuple(
        Feedback(e.exchange, e.member, e.kind, e.at, e.text, e.via, number)
        for number, e in enumerate(events, start=1)
    )


@given(FEEDBACK, DECISIONS, TRUST, st.sets(st.sampled_from([*MEMBERS, 9])))
@settings(max_examples=600)
def test_the_two_rules_agree(
    events: list[Feedback],
    decisions: list[Decision],
    trust: dict[int, float],
    muted: set[int],
) -> None:
    rulings = tuple(
        Decision(d.exchange, d.moderator, d.ruling, d.at, d.text, number)
        for number, d in enumerate(decisions, start=1)
    )
    judged = Judged(ABOUT, numbered(events), rulings, trust, consented=True)
    learned, found = verdict(judged, trust, muted=muted), approval(judged, muted)
    assert (learned.outcome is Outcome.APPROVED) == (found is not None)
    if found is not None:
        assert learned.text == (found.correction or ABOUT.reply)


def test_without_consent_nothing_is_passed_on() -> None:
    liked = numbered([Feedback(0, 1, FeedbackKind.LIKE, NOW)])
    assert approval(Judged(ABOUT, liked, (), {1: 1.0}, consented=True)) is not None
    assert approval(Judged(ABOUT, liked, (), {1: 1.0}, consented=False)) is None
