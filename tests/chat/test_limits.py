"""Rates: so many replies a minute to a member and in a channel."""

from __future__ import annotations

from datetime import timedelta

from bot.chat.limits import Limits
from tests.fakes import START


def test_member_waits_until_the_oldest_is_a_minute_old() -> None:
    limits = Limits(member_rate=2, channel_rate=10)
    assert limits.take(1, 1, START) == 0
    assert limits.take(1, 1, START + timedelta(seconds=10)) == 0
    assert limits.take(1, 2, START + timedelta(seconds=20)) == 40
    assert limits.take(1, 1, START + timedelta(seconds=60)) == 0


def test_channel_limit_counts_everybody() -> None:
    limits = Limits(member_rate=10, channel_rate=2)
    assert limits.take(1, 7, START) == limits.take(2, 7, START) == 0
    assert limits.take(3, 7, START) == 60
    assert limits.take(3, 8, START) == 0


def test_looking_takes_nothing() -> None:
    limits = Limits(member_rate=1, channel_rate=2)
    assert limits.peek(1, 1, START) == limits.peek(1, 1, START) == 0
    assert limits.take(1, 1, START) == 0
    assert limits.peek(1, 1, START + timedelta(seconds=10)) == 50
    assert limits.peek(2, 1, START) == 0


def test_a_refusal_takes_nothing() -> None:
    limits = Limits(member_rate=1, channel_rate=2)
    assert limits.take(1, 1, START) == 0
    for _ in range(5):
        assert limits.take(1, 1, START) > 0
    assert limits.take(2, 1, START) == 0, "the refused tries must not have filled the channel"
