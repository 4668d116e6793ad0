"""How a growing reply becomes messages and edits: pace, splitting, what is deleted meanwhile."""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import dataclass, field

import pytest

from bot.platforms.posting import CURSOR, RESTARTING, Pace, Posting, attend


@dataclass
class Time:
    """A clock that a sleeper moves."""

    now: float = 100.0

    async def sleep(self, seconds: float) -> None:
        self.now += seconds
        await asyncio.sleep(0)

    def __call__(self) -> float:
        return self.now


@dataclass
class Wall:
    """A `Surface` that keeps what it shows, and a log of all calls with their time."""

    time: Time
    shown: dict[str, tuple[str, int | None]] = field(default_factory=dict)
    calls: list[tuple[str, float, str]] = field(default_factory=list)
    whispers: list[str] = field(default_factory=list)
    typed: int = 0
    fail: Exception | None = None
    slow: asyncio.Event | None = None

    async def typing(self) -> None:
        self.typed += 1

    async def send(self, text: str, *, exchange: int | None) -> str:
        self.calls.append(("send", self.time.now, text))
        if self.slow:
            await self.slow.wait()
        if self.fail:
            raise self.fail
        message = f"m{len(self.calls)}"
        self.shown[message] = (text, exchange)
        return message

    async def edit(self, message: str, text: str, *, exchange: int | None) -> str | None:
        self.calls.append(("edit", self.time.now, text))
        if message not in self.shown:
            return None
        self.shown[message] = (text, exchange)
        return message

    async def remove(self, message: str) -> None:
        del self.shown[message]

    async def whisper(self, text: str) -> None:
        self.whispers.append(text)


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def wall(time: Time) -> Wall:
    return Wall(time)


def posting(wall: Wall, max_chars: int = 50) -> Posting:
    pace = Pace(wall.time.sleep, wall.time)
    return Posting(wall, pace, channel="c", every=1.0, max_chars=max_chars)


async def idle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def test_pieces_that_come_quickly_become_few_calls_one_a_second(wall: Wall) -> None:
    reply = posting(wall)
    for end in range(1, 30):
        await reply.show("x" * end)
        await asyncio.sleep(0)
    ids = await reply.finish("x" * 30, 7)
    times = [at for _, at, _ in wall.calls]
    assert all(later - earlier >= 1 for earlier, later in itertools.pairwise(times))
    assert len(wall.calls) < 20
    assert [wall.shown[i] for i in ids] == [("x" * 30, 7)]


async def test_a_growing_reply_carries_a_cursor_and_the_finished_one_none(wall: Wall) -> None:
    reply = posting(wall)
    await reply.show("Hello")
    await idle()
    assert list(wall.shown.values()) == [("Hello" + CURSOR, None)]
    await reply.finish("Hello there", 3)
    assert list(wall.shown.values()) == [("Hello there", 3)]


async def test_a_long_reply_is_split_and_only_its_last_part_has_buttons(wall: Wall) -> None:
    reply = posting(wall, max_chars=20)
    text = "One sentence here. Another one here. And a third one."
    await reply.show(text[:30])
    await idle()
    ids = await reply.finish(text, 4)
    parts = [wall.shown[i] for i in ids]
    assert len(parts) >= 3
    assert [exchange for _, exchange in parts] == [None] * (len(parts) - 1) + [4]
    assert "".join(part.strip() for part, _ in parts).replace(" ", "") == text.replace(" ", "")
    assert all(len(part) <= 20 for part, _ in parts)
    assert len(wall.shown) == len(ids)


async def test_a_part_too_many_is_taken_back(wall: Wall) -> None:
    reply = posting(wall, max_chars=20)
    await reply.show("aaaa bbbb cccc dddd eeee ffff")
    await idle()
    assert len(wall.shown) == 2
    await reply.finish("short", 5)
    assert list(wall.shown.values()) == [("short", 5)]


async def test_a_message_deleted_meanwhile_comes_again_once_the_reply_is_done(wall: Wall) -> None:
    reply = posting(wall)
    await reply.show("one")
    await idle()
    wall.shown.clear()
    await reply.show("one two")
    await idle()
    await reply.show("one two three")
    await idle()
    assert not wall.shown
    assert [kind for kind, _, _ in wall.calls] == ["send", "edit"]
    ids = await reply.finish("one two three four", 6)
    assert [wall.shown[i] for i in ids] == [("one two three four", 6)]


async def test_a_message_on_its_way_is_not_sent_twice(wall: Wall) -> None:
    wall.slow = asyncio.Event()
    reply = posting(wall)
    await reply.show("one")
    await idle()
    ending = asyncio.create_task(reply.finish("one two", 8))
    await idle()
    assert len(wall.calls) == 1
    wall.slow.set()
    await ending
    assert list(wall.shown.values()) == [("one two", 8)]


async def test_a_failure_while_it_grows_is_tried_again_and_one_at_the_end_is_raised(
    wall: Wall,
) -> None:
    reply = posting(wall)
    wall.fail = OSError("no network")
    await reply.show("one")
    await idle()
    assert not wall.shown
    wall.fail = None
    await reply.show("one two")
    await idle()
    assert list(wall.shown.values()) == [("one two" + CURSOR, None)]
    other = posting(wall)
    wall.fail = OSError("no network")
    with pytest.raises(OSError, match="no network"):
        await other.finish("three", 9)


async def test_a_reply_that_breaks_off_keeps_what_it_had_without_the_cursor(wall: Wall) -> None:
    reply = posting(wall)
    await reply.show("half a")
    await idle()
    await reply.notice("Sorry.")
    assert list(wall.shown.values()) == [("half a", None)]
    assert wall.whispers == ["Sorry."]


async def test_the_word_that_a_reply_has_to_wait_becomes_the_reply(wall: Wall) -> None:
    reply = posting(wall, max_chars=80)
    await reply.thinking()
    await reply.waiting(2)
    await idle()
    assert list(wall.shown.values()) == [("⏳ 2 replies come before yours; I am on it.", None)]
    await reply.show("Hello")
    await idle()
    [message] = await reply.finish("Hello there", 3)
    assert wall.shown == {message: ("Hello there", 3)}
    assert [kind for kind, _, _ in wall.calls] == ["send", "edit", "edit"]
    assert not wall.whispers


async def test_a_reply_that_waited_in_vain_says_why_in_the_same_place(wall: Wall) -> None:
    reply = posting(wall, max_chars=80)
    await reply.waiting(1)
    await idle()
    await reply.notice("Sorry.")
    assert [text for text, _ in wall.shown.values()] == ["Sorry."]
    assert not wall.whispers


async def test_a_reply_that_waited_and_is_wanted_no_more_leaves_nothing(wall: Wall) -> None:
    reply = posting(wall, max_chars=80)

    async def walk() -> None:
        await reply.waiting(2)
        await idle()

    await attend(walk(), reply)
    assert [kind for kind, _, _ in wall.calls] == ["send"]
    assert not wall.shown


@pytest.mark.parametrize("begun", [True, False])
async def test_who_waits_for_a_reply_that_is_cut_off_is_told(wall: Wall, begun: bool) -> None:
    reply = posting(wall)

    async def walk() -> None:
        if begun:
            await reply.thinking()
        await asyncio.Event().wait()

    task = asyncio.create_task(attend(walk(), reply))
    await idle()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert wall.whispers == ([RESTARTING] if begun else [])
    typed = wall.typed
    await idle()
    assert wall.typed == typed


async def test_the_finished_text_takes_the_turn_that_was_waited_for(wall: Wall) -> None:
    reply = posting(wall)
    await reply.show("one")
    await idle()
    await reply.show("one two")  # waits for its turn, a second later
    await reply.finish("one two three", 2)
    assert [(kind, at) for kind, at, _ in wall.calls] == [("send", 100), ("edit", 101)]
    other = posting(wall)
    await other.show("four")
    await other.finish("four", 3)
    assert [text for _, _, text in wall.calls[2:]] == ["four"]


async def test_typing_is_shown_until_the_first_words(wall: Wall) -> None:
    reply = posting(wall)
    await reply.thinking()
    await idle()
    assert wall.typed == 1
    await reply.finish("done", 1)
    await idle()
    assert not [t for t in asyncio.all_tasks() if "keep_typing" in repr(t)]


async def test_two_replies_in_a_channel_share_its_pace(time: Time) -> None:
    pace = Pace(time.sleep, time)
    await pace.wait("a", 2.0)
    await pace.wait("b", 2.0)
    assert time.now == 100
    await pace.wait("a", 2.0)
    assert time.now == 102
    pace.hold("a", 30)
    await pace.wait("a", 2.0)
    assert time.now == 132
