"""A `Room` that remembers what it was told and answers what it was given."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from bot.domain import FeedbackKind, Message, Person, Place, Role
from bot.platforms.base import Answer, Entry, Outlet

T = TypeVar("T")

MENU = (
    Entry("help", "", "what I can do", Role.MEMBER),
    Entry("privacy", "[WHAT on|off]", "your choices", Role.MEMBER),
    Entry("why", "", "how this reply came about", Role.MODERATOR),
    Entry("review", "", "judge replies", Role.MODERATOR),
    Entry("train", "now|status|cancel", "a round of learning", Role.ADMIN),
    Entry("promote", "VERSION", "make a version live", Role.ADMIN),
)


@dataclass(frozen=True)
class Rated:
    who: Person
    where: Place
    exchange: int | None
    kind: FeedbackKind
    text: str
    via: str
    toggle: bool


@dataclass(frozen=True)
class Ordered:
    who: Person
    where: Place
    line: str
    exchange: int | None
    ask: bool


@dataclass
class Hall:
    """Implements `Room`: replies "You said: ..." as the exchanges 1, 2, 3 ..."""

    reply: str = ""
    pieces: Sequence[str] = ()
    notice: str = ""
    fault: Exception | None = None
    answers: dict[str, Answer] = field(default_factory=dict)
    messages: list[Message] = field(default_factory=list)
    ratings: list[Rated] = field(default_factory=list)
    orders: list[Ordered] = field(default_factory=list)
    retries: list[tuple[Person, Place, int]] = field(default_factory=list)
    edits: list[tuple[Place, str, str]] = field(default_factory=list)
    deletions: list[tuple[Place, set[str]]] = field(default_factory=list)
    exchanges: dict[str, int] = field(default_factory=dict)
    replies: dict[int, str] = field(default_factory=dict)
    direct: Sequence[str] = ()
    go: asyncio.Event = field(default_factory=asyncio.Event)
    steps: asyncio.Queue[str] = field(default_factory=asyncio.Queue)
    position: int | None = None
    refuses: str = ""
    menu_entries: Sequence[Entry] = MENU
    outside: Callable[..., Awaitable[Any]] | None = None

    def __post_init__(self) -> None:
        self.go.set()

    def menu(self) -> Sequence[Entry]:
        return self.menu_entries

    async def message(self, message: Message, outlet: Outlet) -> None:
        if any(known.external_id == message.external_id for known in self.messages):
            return
        self.messages.append(message)
        if not message.addressed or message.author.is_bot:
            return
        if self.notice:
            await outlet.notice(self.notice)
            return
        await self._speak(self.reply or f"You said: {message.text}", outlet)

    async def refusal(self, person: Person, place: Place) -> str:
        return self.refuses

    async def again(self, person: Person, place: Place, exchange: int, outlet: Outlet) -> None:
        self.retries.append((person, place, exchange))
        await self._speak("Or so.", outlet)

    async def _speak(self, text: str, outlet: Outlet) -> None:
        await outlet.thinking()
        for piece in self.pieces:
            await outlet.show(piece)
            for _ in range(5):
                await asyncio.sleep(0)
        await self._until(self.go.wait())
        if self.fault:
            await outlet.notice("Sorry.")
            raise self.fault
        number = len(set(self.exchanges.values())) + 1
        self.replies[number] = text
        for external_id in await outlet.finish(text, number):
            self.exchanges[external_id] = number

    async def edited(self, place: Place, external_id: str, text: str) -> None:
        self.edits.append((place, external_id, text))

    async def deleted(self, place: Place, external_ids: Collection[str]) -> None:
        self.deletions.append((place, set(external_ids)))

    async def moved(self, before: Place, after: Place) -> None:
        raise NotImplementedError

    async def exchange_of(
        self, place: Place, external_id: str, *, wait: bool = False
    ) -> int | None:
        return self.exchanges.get(external_id)

    async def reply_of(self, person: Person, place: Place, exchange: int) -> str:
        return self.replies.get(exchange, "")

    async def place_of(self, place: Place, external_id: str) -> Place | None:
        raise NotImplementedError

    async def votes(self, exchange: int) -> tuple[int, int]:
        return 0, 0

    async def rating(
        self,
        person: Person,
        place: Place,
        exchange: int | None,
        kind: FeedbackKind,
        *,
        text: str = "",
        via: str,
        toggle: bool = False,
        of: FeedbackKind | None = None,
        first: bool = False,
    ) -> str:
        self.ratings.append(Rated(person, place, exchange, kind, text, via, toggle))
        return f"Thank you for the {kind.value}."

    async def command(
        self,
        person: Person,
        place: Place,
        line: str,
        *,
        exchange: int | None = None,
        ask: bool = False,
    ) -> Answer:
        self.orders.append(Ordered(person, place, line, exchange, ask))
        if self.fault:
            raise self.fault
        return self.answers.get(line, Answer(f"Done: {line}"))

    async def progress(self) -> AsyncGenerator[str, None]:
        while text := await self._until(self.steps.get()):
            yield text

    async def _until(self, happening: Awaitable[T]) -> T:
        """Wait for what only the test brings about; the simulation is told so."""
        if self.outside is None:
            return await happening
        found: T = await self.outside(happening, reason="the test decides")
        return found

    async def direct_channels(self, platform: str, most: int) -> Sequence[str]:
        return self.direct[:most]

    async def cursor(self, platform: str) -> int | None:
        return self.position

    async def keep_cursor(self, platform: str, position: int) -> None:
        self.position = position

    async def note(self, name: str) -> str | None:
        raise NotImplementedError

    async def keep_note(self, name: str, text: str, *, forget: bool = False) -> None:
        raise NotImplementedError
