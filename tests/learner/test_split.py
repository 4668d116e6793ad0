"""The split: whole conversations, spread over time, and never the other way round again."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain import Part, Prompt, Turn
from learner.examples import Example
from learner.split import PAUSE, conversations, hold_out, unquoted
from tests.learner.judging import START


def example(number: int, *, minute: int, channel: int = 1, **changes: object) -> Example:
    """An example at a minute after the start."""
    at = START + timedelta(minutes=minute)
    prompt = Prompt("p", (Turn("user", f"q{number}"),))
    return Example(number, channel, at, prompt, f"r{number}", **changes)  # type: ignore[arg-type]


def apart(count: int) -> list[Example]:
    """Examples that are each a conversation."""
    return [example(i, minute=60 * i) for i in range(count)]


def test_a_pause_or_another_channel_begins_a_conversation() -> None:
    minutes = PAUSE.seconds // 60
    found = conversations(
        [
            example(1, minute=0),
            example(2, minute=minutes - 1),
            example(3, minute=2 * minutes - 1),
            example(4, minute=2, channel=2),
        ]
    )
    assert [[e.exchange for e in c] for c in found] == [[1, 2], [4], [3]]


def test_imported_lines_are_conversations_of_their_own() -> None:
    one, other = Prompt("p", (Turn("user", "a"),)), Prompt("p", (Turn("user", "b"),))
    longer = Prompt("p", (Turn("user", "a"), Turn("assistant", "x"), Turn("user", "c")))
    lines = [
        Example(number, 1, START, prompt, "r", origin="import")
        for number, prompt in enumerate([one, other, longer])
    ]
    assert [[e.exchange for e in c] for c in conversations(lines)] == [[0, 2], [1]]


def test_the_same_seed_splits_alike_and_another_one_differently() -> None:
    examples = apart(60)
    first = hold_out(examples, {}, share=0.2, seed=1)
    assert first == hold_out(examples[::-1], {}, share=0.2, seed=1)
    assert first != hold_out(examples, {}, share=0.2, seed=2)
    assert len(first) == 12


def test_a_few_are_measured_with_however_small_the_share_while_most_still_teach() -> None:
    sizes = {n: len(hold_out(apart(n), {}, share=0.05, seed=1)) for n in (3, 6, 8, 12, 40)}
    assert sizes == {3: 1, 6: 2, 8: 2, 12: 4, 40: 4}
    taught = {i: Part.HELD_OUT if i < 4 else Part.NEW for i in range(20)}
    later = hold_out(apart(32), taught, share=0.05, seed=1)
    assert len(later) == 4 + 1, "there are enough from before"


def test_it_is_spread_over_time() -> None:
    held = sorted(hold_out(apart(100), {}, share=0.1, seed=3))
    assert [number // 10 for number in held] == list(range(10))


def test_what_was_held_out_or_taught_stays_so() -> None:
    examples = apart(40)
    before = hold_out(examples[:20], {}, share=0.2, seed=1)
    taught = {
        e.exchange: Part.HELD_OUT if e.exchange in before else Part.NEW for e in examples[:20]
    }
    after = hold_out(examples, taught, share=0.2, seed=9)
    assert {number for number in after if number < 20} == before
    assert len(after) == 8


def test_a_conversation_that_goes_on_stays_on_its_side() -> None:
    talk = [example(i, minute=i, channel=1) for i in range(4)]
    other = [example(10 + i, minute=i, channel=2) for i in range(4)]
    taught = {0: Part.HELD_OUT, 1: Part.HELD_OUT, 10: Part.NEW, 11: Part.REPLAY}
    held = hold_out([*talk, *other, *apart(0)], taught, share=0.5, seed=1)
    assert held == {0, 1, 2, 3}


def test_long_conversations_are_held_out_whole() -> None:
    talks = [example(10 * c + i, minute=i, channel=c) for c in range(3) for i in range(10)]
    held = hold_out(talks, {}, share=0.15, seed=1)
    assert len(held) == 10
    assert len({number // 10 for number in held}) == 1


def test_of_a_single_conversation_the_end_is_held_out() -> None:
    talk = [example(i, minute=i) for i in range(20)]
    assert hold_out(talk, {}, share=0.25, seed=1) == {15, 16, 17, 18, 19}
    assert hold_out(talk[:2], {}, share=0.15, seed=1) == {1}
    assert hold_out(talk[:1], {}, share=0.15, seed=1) == frozenset()


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 4), st.integers(0, 3000)), min_size=2, max_size=60),
    st.floats(0.05, 0.5),
    st.integers(0, 5),
)
def test_something_is_held_out_and_something_is_left(
    moments: list[tuple[int, int]], share: float, seed: int
) -> None:
    examples = [example(i, minute=m, channel=c) for i, (c, m) in enumerate(moments)]
    held = hold_out(examples, {}, share=share, seed=seed)
    assert 0 < len(held) < len(examples)
    talks = conversations(examples)
    straddling = [c for c in talks if 0 < sum(e.exchange in held for e in c) < len(c)]
    assert len(straddling) <= 1
    for talk in straddling:
        sides = [e.exchange in held for e in talk]
        assert sides == sorted(sides), "what is measured was said after what is trained on"


@pytest.mark.parametrize("size", [2, 3, 5])
def test_no_conversation_straddles_when_there_are_several(size: int) -> None:
    talks = [example(100 * c + i, minute=i, channel=c) for c in range(12) for i in range(size)]
    held = hold_out(talks, {}, share=0.2, seed=4)
    assert held
    assert len(held) % size == 0
    assert 0.1 <= len(held) / len(talks) <= 0.35


@pytest.mark.parametrize("new", [1, 2])
def test_a_lone_new_reply_is_learned_from_once_there_is_something_to_measure_with(
    new: int,
) -> None:
    taught = {i: Part.HELD_OUT if i < 4 else Part.NEW for i in range(12)}
    assert hold_out(apart(12 + new), taught, share=0.15, seed=1) == {0, 1, 2, 3}


def talk(number: int, *turns: str, reply: str = "r", channel: int = 1) -> Example:
    """An example after a talk, in which every second turn is the bot's."""
    said = tuple(Turn("assistant" if i % 2 else "user", text) for i, text in enumerate(turns))
    return Example(number, channel, START, Prompt("p", said), reply)


def test_a_prompt_begins_behind_what_it_quotes_of_the_held_out() -> None:
    held = [talk(1, "a", reply="One."), talk(2, "a", "One.", "b", reply="Two.")]
    later = talk(3, "a", "One.", "b", " two. ", "c", "Three.", "d")
    elsewhere = talk(4, "a", "One.", "b", channel=2)
    spoken = talk(5, "Two.", "Three.", "One.")
    cut, *others = unquoted([later, elsewhere, spoken], held)
    assert cut == talk(3, "c", "Three.", "d")
    assert others == [elsewhere, spoken], "another channel's, and members' own words, stay"
    assert unquoted([talk(6, "a", "One.")], held) == [], "nothing would be asked"
