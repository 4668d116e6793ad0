"""Context selection: what fits, in whole blocks, with a prefix that lasts."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.chat.context import HISTORY, LEAST, fit
from bot.domain import Prompt, Said, Turn
from bot.errors import Refused


def cost(turn: Turn, named: bool) -> int:
    return len(turn.text) + (len(turn.speaker) + 2 if named else 0)


def count(prompt: Prompt) -> int:
    return len(prompt.persona) + sum(cost(turn, False) for turn in prompt.turns)


def history(texts: list[str], first: int = 1) -> list[Said]:
    return [
        Said(first + at, Turn("assistant" if at % 2 else "user", text, "" if at % 2 else "ana"))
        for at, text in enumerate(texts)
    ]


def select(texts: list[str], message: str, budget: int, first: int = 1) -> Prompt:
    return fit(
        "P",
        history(texts, first),
        Turn("user", message, "ana"),
        budget=budget,
        cost=cost,
        count=count,
    )


def test_everything_fits() -> None:
    prompt = select(["hello", "hi there"], "how are you", 100)
    assert [turn.text for turn in prompt.turns] == ["hello", "hi there", "how are you"]


def test_first_message() -> None:
    assert [turn.text for turn in select([], "hello", 100).turns] == ["hello"]


def test_drops_whole_blocks() -> None:
    texts = [f"m{at:02}......." for at in range(1, 21)]  # 10 characters
    prompt = select(texts, "now", 130)
    kept = len(prompt.turns) - 1
    assert 0 < kept < 20
    assert (20 - kept) % 8 == 0, "history must begin where a block begins"


def test_prefix_lasts_while_a_block_fills() -> None:
    """The first turn changes once in a block, not at every message."""
    texts = [f"m{at:03}......" for at in range(1, 101)]
    firsts = [select(texts[:n], "now", 300).turns[0].text for n in range(40, 100)]
    changes = sum(a != b for a, b in pairwise(firsts))
    assert changes <= len(firsts) // 8 + 1


def test_truncated_history_is_aligned_too() -> None:
    """When only the newest messages were read, the oldest of them may lie inside a block."""
    prompt = select(["x"] * HISTORY, "now", 100_000, first=4)
    assert len(prompt.turns) - 1 == HISTORY - (8 + 1 - 4)


def test_message_too_long_alone_is_shortened_from_its_end() -> None:
    prompt = select(["old"], "abcdefghij" * 10, 30)
    assert len(prompt.turns) == 1
    text = prompt.turns[0].text
    assert ("abcdefghij" * 10).startswith(text)
    assert count(prompt) == 30


@pytest.mark.parametrize("budget", [60, 100, 200, 400])
def test_never_drops_more_than_half_of_what_fits(budget: int) -> None:
    """A bot that forgot what was said a moment ago at every fourth reply would be no company."""
    texts = [f"m{at:03}......" for at in range(60)]
    fits = (budget - len("P") - len("now")) // 10
    for length in range(20, 60):
        kept = len(select(texts[:length], "now", budget).turns) - 1
        assert kept >= fits / 2


def test_a_persona_that_leaves_no_room_is_said() -> None:
    with pytest.raises(Refused, match="persona"):
        select(["old"], "a question that is longer than that", 1 + LEAST - 1)


@given(
    st.lists(st.text(max_size=30), max_size=40), st.text(max_size=60), st.integers(LEAST + 1, 300)
)
def test_never_over_budget_and_always_ends_with_the_message(
    texts: list[str], message: str, budget: int
) -> None:
    prompt = select(texts, message, budget)
    assert count(prompt) <= budget
    assert message.startswith(prompt.turns[-1].text)
    turns = [said.turn for said in history(texts)]
    kept = len(prompt.turns) - 1
    assert list(prompt.turns[:-1]) == turns[len(turns) - kept :], "what is kept is a whole tail"
