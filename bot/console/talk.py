"""The conversation of the console: replies under way, and who watches them.

A reply does not belong to the browser tab that asked for it. It goes on when the tab is closed, and
any tab that is opened meanwhile shows it.
"""

from __future__ import annotations

import asyncio
import uuid
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from datetime import datetime
from enum import Enum
from typing import Any, Final

from bot.domain import ChannelKind, Message, Person, Place, Role
from bot.platforms.base import Room
from bot.platforms.walks import Walks

OWNER: Final = Person("web", "owner", "owner", Role.ADMIN)
"""Whoever holds the key."""

PLACE: Final = Place("web", "console", "owner", ChannelKind.DIRECT, "console")
CLOSING: Final = "I am about to stop. Ask me again when I am back."


class State(Enum):
    """How far a reply is."""

    ASKED = "asked"
    WRITING = "writing"
    DONE = "done"
    STOPPED = "stopped"


class Reply:
    """Implements `Outlet`: one reply as the pages show it.

    `question` is empty when another reply to an old question was asked for. `notices` are words to
    the person beside the reply, or in place of it.
    """

    def __init__(self, question: str, message_id: str = "") -> None:
        self.question = question
        self.message_id = message_id
        self.text = ""
        self.exchange: int | None = None
        self.ahead = 0
        self.notices: list[str] = []
        self.state = State.ASKED
        self._watchers: list[Callable[[], None]] = []
        self._task: asyncio.Task[Any] | None = None

    @property
    def ended(self) -> bool:
        """Whether nothing more will change."""
        return self.state in (State.DONE, State.STOPPED)

    def watch(self, redraw: Callable[[], None]) -> None:
        """Call `redraw` at every change."""
        self._watchers.append(redraw)

    def unwatch(self, redraw: Callable[[], None]) -> None:
        """Call it no more."""
        if redraw in self._watchers:
            self._watchers.remove(redraw)

    def stop(self) -> None:
        """Write no further."""
        if self._task is not None:
            self._task.cancel()

    async def run(self, walk: Coroutine[Any, Any, None]) -> None:
        """Go the walk that tells this outlet how the reply goes."""
        self._task = asyncio.current_task()
        try:
            await walk
        except asyncio.CancelledError:
            self._change(State.DONE if self.exchange is not None else State.STOPPED)
            raise
        finally:
            walk.close()
            if not self.ended:
                self._change(State.DONE)

    async def thinking(self) -> None:
        """See `Outlet.thinking`: a reply that was asked for shows that already."""

    async def waiting(self, ahead: int) -> None:
        """See `Outlet.waiting`."""
        self.ahead = ahead
        self._change(State.ASKED)

    async def show(self, text: str) -> None:
        """See `Outlet.show`."""
        self.text = text
        self._change(State.WRITING)

    async def finish(self, text: str, exchange: int) -> Sequence[str]:
        """See `Outlet.finish`. The console knows replies by their exchange alone."""
        self.text, self.exchange = text, exchange
        self._change(State.DONE)
        return ()

    async def notice(self, text: str) -> None:
        """See `Outlet.notice`."""
        self.notices.append(text)
        self._change(self.state)

    def _change(self, state: State) -> None:
        self.state = state
        for redraw in tuple(self._watchers):
            redraw()


class Conversation:
    """What is said in the console's one channel, as it happens."""

    def __init__(self, room: Room, walks: Walks, now: Callable[[], datetime]) -> None:
        self.room = room
        self.running: list[Reply] = []
        self.announced: deque[tuple[datetime, str]] = deque(maxlen=5)
        self._walks = walks
        self._now = now
        self._watchers: list[Callable[[Reply | str], None]] = []

    def say(self, text: str) -> Reply:
        """The owner says something; the reply comes by itself."""
        message = Message(PLACE, OWNER, text, uuid.uuid4().hex, self._now())
        reply = Reply(text, message.external_id)
        return self._begin(reply, self.room.message(message, reply))

    def again(self, exchange: int) -> Reply:
        """The owner wants another reply to the same prompt."""
        reply = Reply("")
        return self._begin(reply, self.room.again(OWNER, PLACE, exchange, reply))

    def announce(self, text: str) -> None:
        """Say something that nobody asked for, to those who look and to those who come later."""
        self.announced.append((self._now(), text))
        self._tell(text)

    def watch(self, show: Callable[[Reply | str], None]) -> None:
        """Call `show` with every reply that begins from now on, and every announcement."""
        self._watchers.append(show)

    def unwatch(self, show: Callable[[Reply | str], None]) -> None:
        """Call it no more."""
        if show in self._watchers:
            self._watchers.remove(show)

    def _begin(self, reply: Reply, walk: Coroutine[Any, Any, None]) -> Reply:
        if self._walks.closed:
            walk.close()
            reply.notices.append(CLOSING)
            reply.state = State.STOPPED
        else:
            self.running.append(reply)
            self._walks.begin(self._go(reply, walk))
        self._tell(reply)
        return reply

    async def _go(self, reply: Reply, walk: Coroutine[Any, Any, None]) -> None:
        try:
            await reply.run(walk)
        finally:
            self.running.remove(reply)

    def _tell(self, news: Reply | str) -> None:
        for show in tuple(self._watchers):
            show(news)
