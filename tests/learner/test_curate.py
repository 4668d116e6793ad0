"""Curation: from what was said to what is trained on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain import BASE, Finish, Judged, Part, Prompt, Turn
from learner import curate
from learner.curate import Approved, Selection, Shares, approve, cap, reselect, select
from learner.examples import Example
from tests.learner.judging import START, judged, liked

SHARES = Shares(replay=0.5, anchor=0.25, held_out=0.2, rater=0.5, refit_limit=1000)


def chosen(
    stock: Sequence[Judged],
    *,
    taught: dict[int, Part] | None = None,
    live: int = BASE,
    live_taught: Sequence[int] = (),
    shares: Shares = SHARES,
    seed: int = 1,
) -> Selection:
    """The selection from a stock."""
    known = taught or {}
    return select(
        approve(stock, taught=known),
        taught=known,
        live=live,
        live_taught=live_taught,
        shares=shares,
        seed=seed,
        withdrawn=set(live_taught) - {one.exchange.id for one in stock if one.consented},
    )


def test_only_what_is_approved_and_consented_comes_through_and_the_rest_is_counted() -> None:
    found = approve(
        [
            judged("1+", number=1),
            judged("1-", number=2),
            judged("1+", number=3, consented=False),
            judged("1+ 2f", number=4),
            judged("R", number=5),
            judged("C:better", number=6),
            judged("1+", number=7, prompt=Prompt("p", ())),
        ]
    )
    assert list(found.examples) == [1, 6]
    assert found.examples[6].reply == "better"
    assert dict(found.excluded) == {
        "disliked": 1,
        curate.NO_CONSENT: 1,
        "flagged, waiting for a moderator": 1,
        "rejected by a moderator": 1,
        curate.EMPTY: 1,
    }


def test_what_is_too_long_is_left_out() -> None:
    found = approve(liked(3), fits=lambda prompt, _reply, _ended: "2" not in prompt.turns[0].text)
    assert list(found.examples) == [1, 3]
    assert found.excluded == {curate.TOO_LONG: 1}


def test_data_is_scrubbed_from_prompt_reply_and_correction() -> None:
    prompt = Prompt("p", (Turn("user", "I am ana@mail.org", "Ana", 1),))
    found = approve(
        [
            judged("1+", number=1, prompt=prompt, reply="Hello ana@mail.org!"),
            judged("C:call:555-123-4567", number=2),
        ]
    ).examples
    assert found[1].prompt.turns[0].text == "I am [email]"
    assert found[1].reply == "Hello [email]!"
    assert "555" not in found[2].reply


def test_doubles_are_learned_once_and_the_one_used_before_stays() -> None:
    prompt = Prompt("p", (Turn("user", "Hello", "Ana", 1),))
    same = [
        judged("1+", number=1, prompt=prompt, reply="Hi there"),
        judged("1+", number=2, prompt=prompt, reply="hi  there"),
        judged("1+", number=3, prompt=prompt, reply="Hi you"),
    ]
    assert list(approve(same).examples) == [1, 3]
    assert approve(same).excluded == {curate.DUPLICATE: 1}
    assert list(approve(same, taught={2: Part.HELD_OUT}).examples) == [2, 3]


@pytest.mark.parametrize(
    ("finish", "said", "ended"),
    [
        (Finish.STOP, "1+", True),
        (Finish.IMPORTED, "1+", True),
        (Finish.LENGTH, "1+", False),
        (Finish.CANCELLED, "1+", False),
        (Finish.LENGTH, "C:whole", True),
    ],
)
def test_a_reply_that_was_cut_off_does_not_teach_to_stop(
    finish: Finish, said: str, ended: bool
) -> None:
    assert approve([judged(said, finish=finish)]).examples[1].ended is ended


def test_all_is_new_at_first() -> None:
    found = chosen(liked(50))
    assert (len(found.new), len(found.replay), len(found.held_out)) == (40, 0, 10)
    assert found.parent == BASE
    assert found.anchors == round(40 / 3), "a quarter of all that is trained on"
    assert {lesson.part for lesson in found.lessons()} == {Part.NEW, Part.HELD_OUT}
    assert len({lesson.exchange for lesson in found.lessons()}) == 50
    assert found == chosen(liked(50)[::-1]), "the order of the rows does not matter"


def test_a_refit_trains_on_everything_that_is_still_approved() -> None:
    first = chosen(liked(30))
    taught = {lesson.exchange: lesson.part for lesson in first.lessons()}
    withdrawn = first.new[0].exchange
    stock = [j for j in liked(40) if j.exchange.id != withdrawn]
    second = chosen(stock, taught=taught, live=1, live_taught=[e.exchange for e in first.new])
    assert second.parent == BASE
    assert {e.exchange for e in second.replay} == {e.exchange for e in first.new} - {withdrawn}
    assert {e.exchange for e in second.new} | {e.exchange for e in second.held_out} >= set(
        range(31, 41)
    )
    assert {e.exchange for e in first.held_out} <= {e.exchange for e in second.held_out}
    assert (second.lapsed, second.withdrawn) == (1, 1)


def test_beyond_the_limit_training_goes_on_from_the_live_adapter_with_replay() -> None:
    first = chosen(liked(100))
    taught = {lesson.exchange: lesson.part for lesson in first.lessons()}
    shares = replace(SHARES, refit_limit=50)
    found = chosen(liked(120), taught=taught, live=3, shares=shares)
    assert found.parent == 3
    assert len(found.new) == 16
    assert len(found.replay) == 2 * len(found.new), "half of all, where new ones are a quarter"
    assert found.anchors == len(found.new)
    assert not {e.exchange for e in found.replay} & {e.exchange for e in found.held_out}


def test_beyond_the_limit_what_a_person_withdraws_is_unlearned_by_beginning_anew() -> None:
    first = chosen(liked(100))
    taught = {lesson.exchange: lesson.part for lesson in first.lessons()}
    learned = [e.exchange for e in first.new]
    shares = replace(SHARES, refit_limit=50)

    def second(changed: Judged) -> Selection:
        stock = [changed if j.exchange.id == learned[0] else j for j in liked(120)]
        return chosen(stock, taught=taught, live=3, live_taught=learned, shares=shares)

    found = second(judged("1+", number=learned[0], consented=False))
    assert (found.parent, found.lapsed, found.withdrawn) == (BASE, 1, 1)
    assert learned[0] not in {e.exchange for e in found.trained}
    assert len(found.trained) == 50
    disliked = second(judged("1-", number=learned[0]))
    assert (disliked.parent, disliked.lapsed) == (3, 0), "a vote is no reason to begin anew"


@pytest.mark.parametrize(
    ("said", "consented", "withdrawn"),
    [("1-", True, 0), ("1+ 2f", True, 0), ("1+", False, 1), ("1-", False, 1)],
)
def test_only_what_lost_consent_counts_as_withdrawn(
    said: str, consented: bool, withdrawn: int
) -> None:
    first = chosen(liked(30))
    learned = [e.exchange for e in first.new]
    taught = {lesson.exchange: lesson.part for lesson in first.lessons()}
    changed = judged(said, number=learned[0], consented=consented)
    stock = [changed if j.exchange.id == learned[0] else j for j in liked(30)]
    found = chosen(stock, taught=taught, live=1, live_taught=learned)
    assert learned[0] not in {e.exchange for e in found.trained}
    assert (found.lapsed, found.withdrawn) == (1, withdrawn)
    assert found.to_json()["withdrawn"] == withdrawn


def test_nothing_that_is_held_out_is_trained_on() -> None:
    found = chosen(liked(60), taught={3: Part.HELD_OUT, 4: Part.NEW})
    held = {e.exchange for e in found.held_out}
    assert 3 in held
    assert not held & {e.exchange for e in found.trained}


def test_a_selection_is_taken_up_again_only_while_all_of_it_is_approved() -> None:
    found = chosen(liked(20))
    approved = approve(liked(25))
    again = reselect(approved, found.lessons(), anchors=found.anchors, parent=BASE)
    assert again is not None
    assert again.lessons() == found.lessons()
    gone = Approved({i: e for i, e in approved.examples.items() if i != found.new[0].exchange}, {})
    assert reselect(gone, found.lessons(), anchors=0, parent=BASE) is None
    assert reselect(approved, [], anchors=0, parent=BASE) is None


@st.composite
def chats(draw: st.DrawFn) -> list[Judged]:
    """Channels in which all replies are liked, each prompt holds some of the talk before it, and
    so much time passes between two replies that each is a conversation.
    """
    found = []
    for channel in range(draw(st.integers(1, 3))):
        talk: list[Turn] = []
        for place in range(draw(st.integers(1, 12))):
            number = 100 * channel + place + 1
            message = Turn("user", f"question {number}", "Ana", 1)
            reply = f"reply {draw(st.integers(0, 9))}"
            back = draw(st.integers(0, len(talk)))
            prompt = Prompt("p", (*talk[len(talk) - back :], message))
            found.append(judged("1+", number=number, channel=channel, prompt=prompt, reply=reply))
            talk += [message, Turn("assistant", reply)]
    return found


@given(chats(), st.integers(0, 3))
def test_no_prompt_that_is_trained_on_holds_a_reply_that_is_measured(
    stock: list[Judged], seed: int
) -> None:
    found = chosen(stock, seed=seed)
    asked = {one.exchange.id: one.exchange.prompt.turns for one in stock}
    measured = {(e.channel, e.reply) for e in found.held_out}
    for example in found.trained:
        turns = example.prompt.turns
        said = {(example.channel, turn.text) for turn in turns if turn.role == "assistant"}
        assert not said & measured
        assert turns
        assert asked[example.exchange][-len(turns) :] == turns, "what was asked is still there"
    again = reselect(approve(stock), found.lessons(), anchors=found.anchors, parent=BASE)
    assert again is not None
    assert [e.prompt for e in again.trained] == [e.prompt for e in found.trained]


def example(number: int, by: dict[int, float], weight: float | None = None) -> Example:
    """An example whose weight comes from some members (and the rest from moderators)."""
    whole = sum(by.values()) if weight is None else weight
    return Example(number, 1, START, Prompt("p", ()), "r", weight=whole, by=by)


def share_of(member: int, examples: Sequence[Example]) -> float:
    """The part of all weight that stands on one member."""
    total = sum(e.weight for e in examples)
    return sum(e.by.get(member, 0.0) for e in examples) / total


def test_one_rater_cannot_dominate() -> None:
    loud = [example(i, {1: 1.0}) for i in range(30)]
    others = [example(100 + i, {2 + i: 1.0}) for i in range(5)]
    capped = cap([*loud, *others], 0.5)
    assert share_of(1, capped) == pytest.approx(0.5)
    assert [e.weight for e in capped[-5:]] == [1.0] * 5, "the others keep their weight"
    assert len({round(e.weight, 9) for e in capped[:30]}) == 1


def test_a_lone_rater_teaches_with_full_weight() -> None:
    alone = [example(i, {1: 0.8}) for i in range(5)]
    assert cap(alone, 0.3) == alone


def test_of_two_raters_each_may_have_half_whatever_the_share() -> None:
    capped = cap([*[example(i, {1: 1.0}) for i in range(9)], example(9, {2: 1.0})], 0.1)
    assert share_of(1, capped) == pytest.approx(0.5)


def test_moderators_are_not_capped() -> None:
    ruled = [example(i, {}, weight=1.0) for i in range(20)]
    assert cap(ruled, 0.1) == ruled
    both = cap([*ruled, *[example(50 + i, {1: 1.0}) for i in range(80)]], 0.5)
    assert both[:20] == ruled
    assert share_of(1, both) == pytest.approx(0.5)


@given(
    st.lists(
        st.dictionaries(st.integers(1, 5), st.floats(0.05, 1.0), max_size=3),
        min_size=1,
        max_size=25,
    ),
    st.floats(0.05, 1.0),
    st.just(0.0) | st.floats(0.01, 0.5),
)
def test_the_cap_holds_for_everybody(
    votes: list[dict[int, float]], share: float, ruled: float
) -> None:
    before = [example(i, by, sum(by.values()) + ruled) for i, by in enumerate(votes)]
    after = cap(before, share)
    members = {member for by in votes for member in by}
    allowed = max(share, 1 / (len(members) + (ruled > 0))) if members else 1
    for member in members:
        assert share_of(member, after) <= allowed + 1e-6
    for one, other in zip(before, after, strict=True):
        assert other.weight <= one.weight + 1e-9
        assert other.weight >= sum(other.by.values()) - 1e-9
    assert all(e.weight > 0 for e, b in zip(after, before, strict=True) if b.weight > 0)
