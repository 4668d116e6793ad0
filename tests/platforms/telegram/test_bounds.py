"""The pace of calls, and the patience that Telegram asks for."""

from __future__ import annotations

from bot.platforms.telegram.bounds import CALL_SECONDS, GROUP_SECONDS, PRIVATE_SECONDS, Bounds
from tests.platforms.test_posting import Time


def bounds(time: Time) -> Bounds:
    return Bounds(time.sleep, time)


async def test_twenty_messages_a_minute_in_a_group_and_one_a_second_in_private() -> None:
    time = Time()
    paced = bounds(time)
    for _ in range(21):
        await paced.message(-100)
    assert time.now - 100 >= 60
    began = time.now
    for _ in range(4):
        await paced.message(7)
    assert time.now - began == 3 * PRIVATE_SECONDS


async def test_never_more_than_thirty_calls_a_second() -> None:
    time = Time()
    paced = bounds(time)
    for chat in range(1, 32):
        await paced.call(chat)
    assert time.now - 100 >= 30 * CALL_SECONDS > 1


async def test_a_chat_that_asks_for_patience_is_left_alone_and_the_others_are_not() -> None:
    time = Time()
    paced = bounds(time)
    paced.hold(-100, 30)
    assert paced.is_held(-100)
    await paced.call(-200)
    assert time.now < 101
    await paced.call(-100)
    assert time.now >= 130
    assert not paced.is_held(-100)


async def test_a_turn_that_was_taken_before_the_patience_was_asked_for_waits_too() -> None:
    time = Time()
    paced = bounds(time)
    await paced.message(-100)
    paced.hold(-100, 30)
    await paced.call(-100)
    assert time.now >= 130
    await paced.message(-100)
    assert time.now >= 130 + GROUP_SECONDS
