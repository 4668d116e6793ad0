"""A line means one example, or is left out for a reason that a person understands."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain import Prompt, Turn
from bot.transfer import Problem, read_lines
from bot.transfer.lines import LONGEST_LINE, LONGEST_TEXT, Example, clean, clean_name, parse, write
from tests.transfer.samples import EXAMPLES, line

USER, BOT = {"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello!"}


def raw(**fields: Any) -> bytes:
    """A line with these fields."""
    return json.dumps({"messages": [USER, BOT]} | fields).encode()


def test_the_format_of_the_design() -> None:
    messages = [
        {"role": "system", "content": "Be kind."},
        {"role": "user", "content": "Hi", "name": "Ana"},
        BOT,
        {"role": "user", "content": "And me?", "name": "Bob"},
        {"role": "assistant", "content": "You too!"},
    ]
    given = {"messages": messages, "rating": 1, "channel": "general", "rater": "ana"}
    assert parse(json.dumps(given | {"correction": " Better "}).encode()) == Example(
        Prompt(
            "Be kind.",
            (
                Turn("user", "Hi", "Ana"),
                Turn("assistant", "Hello!"),
                Turn("user", "And me?", "Bob"),
            ),
        ),
        "You too!",
        "general",
        "ana",
        1,
        "Better",
    )


@pytest.mark.parametrize("fields", [{}, {"rating": None, "channel": None, "rater": "", "x": [1]}])
def test_all_but_the_messages_may_be_left_out(fields: dict[str, Any]) -> None:
    assert parse(raw(**fields)) == Example(Prompt("", (Turn("user", "Hi"),)), "Hello!")
    assert parse(raw(**fields), "Be kind.").prompt.persona == "Be kind."


BAD: list[tuple[bytes, str]] = [
    (b"hello", "not JSON"),
    (b"{", "not JSON"),
    (b"[" * 100_000, "not JSON"),
    (b'{"messages": ' + b"9" * 5000 + b"}", "not JSON"),
    (b"\xff\xfe{}", "not UTF-8"),
    (b"[]", "not a JSON object"),
    (b"null", "not a JSON object"),
    (b"{}", 'no list of "messages"'),
    (raw(messages=[]), 'no list of "messages"'),
    (raw(messages="Hi"), 'no list of "messages"'),
    (raw(messages=[USER, "Hello"]), "message 2 is not a JSON object"),
    (raw(messages=[{"role": "tool", "content": "x"}, BOT]), "message 1 has a role"),
    (raw(messages=[{"content": "x"}, BOT]), "message 1 has a role"),
    (raw(messages=[USER, {"role": "system", "content": "x"}, BOT]), "message 2 has a role"),
    (raw(messages=[{"role": "user"}, BOT]), "message 1 is not text"),
    (raw(messages=[{"role": "user", "content": ["Hi"]}, BOT]), "message 1 is not text"),
    (raw(messages=[{"role": "user", "content": " \n\x00"}, BOT]), "message 1 is empty"),
    (raw(messages=[USER, {"role": "assistant", "content": ""}]), "message 2 is empty"),
    (raw(messages=[USER]), "last message is not the assistant's"),
    (raw(messages=[USER, BOT, USER]), "last message is not the assistant's"),
    (raw(messages=[BOT]), "no message of a user"),
    (raw(messages=[{"role": "system", "content": "x"}]), "last message is not"),
    (raw(messages=[USER | {"name": 5}, BOT]), "the name in message 1 is not text"),
    (raw(messages=[USER] * 1000 + [BOT]), "more than 1000 messages"),
    (raw(messages=[USER | {"content": "x" * (LONGEST_TEXT + 1)}, BOT]), "message 1 is longer"),
    (b'{"messages": [{"role": "user", "content": "\\ud83d"}]}', "message 1 holds half a char"),
    (raw(rating=2), "the rating is not 1, -1 or null"),
    (raw(rating=0), "the rating is not 1, -1 or null"),
    (raw(rating=True), "the rating is not 1, -1 or null"),
    (raw(rating=1.0), "the rating is not 1, -1 or null"),
    (raw(rating="1"), "the rating is not 1, -1 or null"),
    (raw(channel=["x"]), "the channel is not text"),
    (raw(channel=True), "the channel is not text"),
    (raw(rater="x" * 101), "the rater is longer"),
    (raw(correction=5), "the correction is not text"),
    (b" " * LONGEST_LINE + b"{}", "longer than 4 MiB"),
]


@pytest.mark.parametrize(("given", "reason"), BAD)
def test_a_bad_line_is_left_out_for_a_plain_reason(given: bytes, reason: str) -> None:
    good = raw()
    [(first, _), (last, _)], [problem] = read_lines([good, given, good])
    assert (first, problem.line, last) == (1, 2, 3)
    assert reason in problem.reason
    assert len(problem.reason) < 100


def test_empty_lines_and_a_byte_order_mark_mean_nothing() -> None:
    examples, problems = read_lines([b"\xef\xbb\xbf" + raw(), b"", b" \r\n", raw() + b"\r\n"])
    assert [number for number, _ in examples] == [1, 4]
    assert problems == []


def test_numbers_are_taken_for_ids() -> None:
    example = parse(raw(channel=123456789012345678, rater=7))
    assert (example.channel, example.rater) == ("123456789012345678", "7")


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("a\r\nb\rc\td", "a\nb\nc\td"),
        ("\x1b[31mred\x1b[0m", "[31mred[0m"),
        ("zero\x00 bell\x07 \x85next", "zero bell next"),
        ("\u202eturned", "turned"),
        ("é 🙂 \u200d \u2028", "é 🙂 \u200d \u2028"),
    ],
)
def test_control_characters_are_taken_out(given: str, kept: str) -> None:
    assert clean(given) == kept
    message = {"role": "user", "content": given}
    assert parse(raw(messages=[message, BOT])).prompt.turns[0].text == kept


def test_a_name_cannot_speak_for_another() -> None:
    assert clean_name("Ana:\nBob:  x\x1b") == "Ana Bob x"


@given(EXAMPLES)
def test_what_is_written_is_read_back_unchanged(example: Example) -> None:
    text = write(example)
    assert len(text.splitlines()) == 1
    assert parse(text.encode()) == example


@given(st.binary() | st.text().map(str.encode))
def test_no_line_breaks_the_reader(given: bytes) -> None:
    examples, problems = read_lines([given])
    assert len(examples) + len(problems) == (
        1 if given.removeprefix(b"\xef\xbb\xbf").strip() else 0
    )


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["messages", "role", "content", "name", "rating", "rater"]), inner
        )
    ),
)


@given(JSON)
def test_no_json_breaks_the_reader(given: Any) -> None:
    examples, problems = read_lines([json.dumps(given).encode()])
    assert len(examples) + len(problems) == 1


@given(st.text())
def test_cleaning_twice_changes_nothing_more(text: str) -> None:
    assert clean(clean(text)) == clean(text)
    assert clean_name(clean_name(text)) == clean_name(text)


def test_the_key_is_of_the_exchange_not_of_who_rates_it() -> None:
    one = parse(line().encode())
    assert one.key() == parse(line(rater="ana", rating=1, correction="x").encode()).key()
    assert one.key() != parse(line(channel="other").encode()).key()
    assert one.key() != parse(line(reply="Other").encode()).key()
    assert Problem(1, "x") != Problem(2, "x")
