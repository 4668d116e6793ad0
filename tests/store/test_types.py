"""Columns give back what they were given."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Column, MetaData, Table, create_engine, insert, select, text
from sqlalchemy.exc import StatementError
from sqlalchemy.pool import StaticPool

from bot.store.types import UtcDateTime, Words

TABLE = Table("things", MetaData(), Column("at", UtcDateTime), Column("words", Words))


def kept(name: str, value: object, *, raw: bool = False) -> Any:
    """A value after a way through a column; `raw` as SQLite holds it."""
    engine = create_engine("sqlite://", poolclass=StaticPool)
    try:
        with engine.begin() as tx:
            TABLE.metadata.create_all(tx)
            tx.execute(insert(TABLE).values({name: value}))
            query = text(f"SELECT {name} FROM things") if raw else select(TABLE.c[name])
            return tx.execute(query).scalar_one()
    finally:
        engine.dispose()


MOMENTS = st.datetimes(datetime(1971, 1, 1), datetime(9000, 1, 1))


@given(MOMENTS, st.integers(-14 * 60, 14 * 60))
def test_a_time_comes_back_as_the_same_moment_in_utc(there: datetime, minutes: int) -> None:
    moment = there.replace(tzinfo=timezone(timedelta(minutes=minutes)))
    back = kept("at", moment)
    assert back == moment
    assert back.tzinfo is UTC


def test_times_of_all_zones_are_kept_in_utc_so_that_they_compare() -> None:
    moment = datetime(2026, 3, 1, 1, 0, tzinfo=timezone(timedelta(hours=5)))
    assert kept("at", moment, raw=True) == "2026-02-28 20:00:00.000000"


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(StatementError, match="without a time zone"):
        kept("at", datetime(2026, 3, 1))


@pytest.mark.parametrize("name", ["at", "words"])
def test_nothing_stays_nothing(name: str) -> None:
    assert kept(name, None) is None


KEEPABLE = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))


@given(KEEPABLE)
def test_text_that_can_be_kept_is_kept_unchanged(words: str) -> None:
    assert kept("words", words) == words


@given(st.text(st.characters(min_codepoint=0xD7F0, max_codepoint=0xE010) | st.characters()))
def test_any_text_at_all_can_be_kept(words: str) -> None:
    back = kept("words", words)
    back.encode()
    assert "\0" not in back


@pytest.mark.parametrize(
    ("given", "back"),
    [
        ("cut \ud83d off", "cut \ufffd off"),
        ("\udcff from a pipe", "\ufffd from a pipe"),
        ("two halves \ud83d\ude00", "two halves 😀"),
        ("zero\0byte", "zero\ufffdbyte"),
    ],
)
def test_what_no_database_keeps_becomes_a_replacement_character(given: str, back: str) -> None:
    assert kept("words", given) == back
