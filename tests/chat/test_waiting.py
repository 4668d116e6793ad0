"""Messages that wait for their turn, and those that came too often."""

from __future__ import annotations

import asyncio

import pytest

from bot.domain import Message
from bot.store import conversations
from tests.chat.conftest import House
from tests.fakes import Outbox, message, person, place


class Told(Outbox):
    """An outbox that says when it was told that there will be a reply."""

    def __init__(self) -> None:
        super().__init__()
        self.expected = asyncio.Event()

    async def thinking(self) -> None:
        await super().thinking()
        self.expected.set()


async def ask(house: House, said: Message) -> tuple[Told, asyncio.Task[None]]:
    """Ask something, and wait until the asker was told that it will be answered."""
    outbox = Told()
    task = asyncio.create_task(house.room.message(said, outbox))
    await outbox.expected.wait()
    return outbox, task


def texts(house: House) -> list[str]:
    """What the last prompt held."""
    return [turn.text for turn in house.generator.jobs[-1].prompt.turns]


async def test_who_waits_for_the_channel_is_told(house: House) -> None:
    house.generator.go.clear()
    asked = [await ask(house, message(f"number {n}")) for n in range(4)]
    await asyncio.sleep(0.05)
    assert [outbox.thought for outbox, _ in asked] == [1, 1, 1, 1]
    assert [outbox.ahead for outbox, _ in asked] == [[], [], [2], [3]]
    house.generator.go.set()
    await asyncio.gather(*(task for _, task in asked))
    assert all(outbox.finished for outbox, _ in asked)


async def test_a_message_that_was_edited_while_it_waited_is_answered_as_it_is_by_then(
    house: House,
) -> None:
    house.generator.go.clear()
    _, first = await ask(house, message("one"))
    _, second = await ask(house, message("secret", id="2"))
    await house.room.edited(place(), "2", "harmless\x07")
    house.generator.go.set()
    await asyncio.gather(first, second)
    assert texts(house) == ["one", "You said: one", "harmless"]
    async with house.database.read() as conn:
        kept = await conversations.history(conn, 1)
    assert [one.turn.text for one in kept][2:] == ["harmless", "You said: harmless"]


async def test_a_message_that_was_deleted_while_it_waited_is_not_answered_nor_kept(
    house: House,
) -> None:
    house.generator.go.clear()
    _, first = await ask(house, message("one"))
    outbox, second = await ask(house, message("two", id="2"))
    await house.room.deleted(place("elsewhere"), ["1"])
    await house.room.deleted(place(), ["2"])
    house.generator.go.set()
    await asyncio.gather(first, second)
    assert (outbox.finished, outbox.notices) == ([], [])
    async with house.database.read() as conn:
        kept = await conversations.history(conn, 1)
    assert [one.turn.text for one in kept] == ["one", "You said: one"]


LIMITED = pytest.mark.parametrize("house", [{"member_rate": 2}], indirect=True)


@LIMITED
async def test_rate_limit_is_told_kindly_and_once(house: House) -> None:
    await house.say("one", platform="discord")
    await house.say("two", platform="discord")
    outbox = await house.say("three", platform="discord")
    assert outbox.notices == ["One moment, please: ask me again in 60 seconds."]
    assert not (await house.say("four", platform="discord")).notices
    bo = await house.say("five", person("bo"), platform="discord")
    assert bo.finished
    house.clock.pass_(seconds=61)
    assert (await house.say("six", platform="discord")).finished


@LIMITED
async def test_what_comes_too_often_is_still_part_of_the_conversation(house: House) -> None:
    for text in ("one", "two", "three"):
        await house.say(text, platform="discord")
    house.clock.pass_(seconds=61)
    await house.say("four", platform="discord")
    assert texts(house)[-2:] == ["three", "four"]


@LIMITED
async def test_chatter_beside_the_bot_is_not_told_to_wait(house: House) -> None:
    for text in ("one", "two"):
        await house.say(text, platform="discord")
    outbox = await house.say("three", platform="discord", addressed=False)
    assert not outbox.notices


@LIMITED
async def test_nobody_waits_at_the_machine_itself(house: House) -> None:
    for number in range(15):
        assert (await house.say(f"line {number}")).finished
