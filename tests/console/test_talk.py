"""Replies go on without the tab that asked for them, and can be stopped."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import cast

import pytest

from bot.console.talk import CLOSING, OWNER, PLACE, Conversation, Reply, State
from bot.domain import Message, Person, Place
from bot.platforms.base import Outlet, Room
from bot.platforms.walks import Walks
from tests.fakes import START


class Answers:
    """The two methods of a room that a conversation uses."""

    def __init__(self, answer: Callable[[Outlet], Awaitable[None]]) -> None:
        self._answer = answer
        self.heard: list[Message] = []

    async def message(self, message: Message, outlet: Outlet) -> None:
        self.heard.append(message)
        await self._answer(outlet)

    async def again(self, person: Person, place: Place, exchange: int, outlet: Outlet) -> None:
        assert (person, place, exchange) == (OWNER, PLACE, 7)
        await self._answer(outlet)


def _talk(answer: Callable[[Outlet], Awaitable[None]]) -> tuple[Conversation, Answers, Walks]:
    room, walks = Answers(answer), Walks()
    return Conversation(cast(Room, room), walks, lambda: START), room, walks


async def test_a_reply_is_watched_as_it_grows() -> None:
    async def answer(outlet: Outlet) -> None:
        await outlet.waiting(2)
        await outlet.show("He")
        await outlet.finish("Hello", 5)

    talk, room, walks = _talk(answer)
    reply = talk.say("Hi")
    drawn: list[tuple[State, str, int]] = []
    reply.watch(lambda: drawn.append((reply.state, reply.text, reply.ahead)))
    await walks.close()
    assert [message.text for message in room.heard] == ["Hi"]
    assert room.heard[0].external_id == reply.message_id
    assert drawn == [
        (State.ASKED, "", 2),
        (State.WRITING, "He", 2),
        (State.DONE, "Hello", 2),
    ]
    assert reply.exchange == 5
    assert talk.running == []


async def test_a_reply_can_be_stopped() -> None:
    shown = asyncio.Event()

    async def answer(outlet: Outlet) -> None:
        await outlet.show("Hel")
        shown.set()
        await asyncio.Event().wait()

    talk, _, walks = _talk(answer)
    reply = talk.say("Hi")
    await shown.wait()
    assert talk.running == [reply]
    reply.stop()
    await walks.close()
    assert (reply.state, reply.text, talk.running) == (State.STOPPED, "Hel", [])


async def test_a_refusal_ends_it() -> None:
    async def answer(outlet: Outlet) -> None:
        await outlet.notice("Too fast.")

    talk, _, walks = _talk(answer)
    reply = talk.again(7)
    await walks.close()
    assert (reply.state, reply.notices, reply.question) == (State.DONE, ["Too fast."], "")


async def test_who_comes_at_the_end_is_told_so() -> None:
    async def answer(outlet: Outlet) -> None:
        raise AssertionError(f"not asked any more: {outlet}")

    talk, _, walks = _talk(answer)
    await walks.close()
    shown: list[Reply | str] = []
    talk.watch(shown.append)
    reply = talk.say("Hi")
    assert reply.notices == [CLOSING]
    assert shown == [reply]


@pytest.mark.parametrize("look", [True, False])
async def test_announcements_reach_those_who_look_and_those_who_come(look: bool) -> None:
    async def answer(outlet: Outlet) -> None: ...

    talk, _, _ = _talk(answer)
    shown: list[Reply | str] = []
    talk.watch(shown.append)
    if not look:
        talk.unwatch(shown.append)
    talk.announce("News")
    assert list(talk.announced) == [(START, "News")]
    assert shown == (["News"] if look else [])
