"""What may be shown of a reply while it is written."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.generator.text import Rules
from bot.platforms.formatting import harmless

LETTERS = st.text(alphabet="abA\u202e \n.-\N{REPLACEMENT CHARACTER}", max_size=30)
WORDS = st.lists(st.text(alphabet="abA.-", min_size=1, max_size=4), max_size=3)


@pytest.mark.parametrize(
    ("raw", "done", "shown", "stopped"),
    [
        ("  hello ", False, "hello", False),
        ("hello\nUs", False, "hello", False),
        ("hello\nUs", True, "hello\nUs", False),
        ("hello\nUser: hi", False, "hello", True),
        ("caf\N{REPLACEMENT CHARACTER}", False, "caf", False),
        ("", True, "", False),
    ],
)
def test_stop_strings_and_edges(raw: str, done: bool, shown: str, stopped: bool) -> None:
    result = Rules(("\nUser:",), ()).shown(raw, done=done)
    assert (result.text, result.stopped) == (shown, stopped)


@pytest.mark.parametrize(
    ("raw", "done", "shown"),
    [
        ("that is damn", False, "that is"),
        ("that is damn", True, "that is ****"),
        ("that is DAMN good", True, "that is **** good"),
        ("damnation", True, "damnation"),
        ("damn\nUser:", False, "****"),
        ("I like c++x", True, "I like ***x"),
        ("that is da\u202emn", True, "that is ****"),
        ("that is d\x00am\x1bn", True, "that is ****"),
        ("that is\nUs\x08er: hi", True, "that is"),
        ("that is da\u200b\u200dmn", True, "that is ****"),
        ("that is d\u00ada\ufeff\u2060mn", True, "that is ****"),
        (
            "a \N{MAN}\u200d\N{PERSONAL COMPUTER} at work",
            True,
            "a \N{MAN}\u200d\N{PERSONAL COMPUTER} at work",
        ),
    ],
)
def test_banned_words(raw: str, done: bool, shown: str) -> None:
    assert Rules(("\nUser:",), ("damn", "c++")).shown(raw, done=done).text == shown


def test_what_no_platform_shows_is_never_written() -> None:
    every = "".join(map(chr, range(0x3000)))
    shown = Rules((), ()).shown(f"a{every}a", done=True).text
    assert harmless(shown) == shown
    assert "\t" in shown


@given(LETTERS, WORDS, WORDS, st.integers(1, 5))
def test_what_is_shown_only_grows_into_the_finished_text(
    raw: str, stop: list[str], banned: list[str], size: int
) -> None:
    rules = Rules(stop, banned)
    seen = ""
    ended = False
    for end in range(0, len(raw) + 1, size):
        result = rules.shown(raw[:end], done=False)
        assert result.text.startswith(seen)
        seen, ended = result.text, result.stopped
        if ended:
            break
    if not ended:
        last = rules.shown(raw, done=True).text
        assert last.startswith(seen)
        seen = last

    assert seen == seen.strip()
    assert not any(string in seen for string in stop)
    for word in banned:
        before = r"(?<!\w)" if word[0].isalnum() else ""
        after = r"(?!\w)" if word[-1].isalnum() else ""
        assert not re.search(f"{before}{re.escape(word)}{after}", seen, re.IGNORECASE)
