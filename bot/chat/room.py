"""The chat as the platforms see it, and the one place where its failures end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Sequence
from dataclasses import replace
from typing import Any, TypeVar

import structlog

from bot.chat import commands, rating, reply, status
from bot.chat.services import Services
from bot.chat.turns import ChannelTurns, WaitingRoom
from bot.domain import FeedbackKind, Message, Person, Place
from bot.errors import StoreError, ThumbwiseError
from bot.platforms.base import APOLOGY, Answer, Entry, Outlet
from bot.platforms.formatting import harmless, readable
from bot.store import changes, conversations, memos, review

log = structlog.get_logger()

T = TypeVar("T")


class ChatRoom:
    """Implements `platforms.base.Room` on the services of the house.

    `glance_seconds` is how often `progress` looks at the store.
    """

    def __init__(self, services: Services, *, glance_seconds: float = 1.0) -> None:
        self._services = services
        self._turns = ChannelTurns()
        self._waiting = WaitingRoom()
        self._glance = glance_seconds

    def menu(self) -> Sequence[Entry]:
        """See `Room.menu`."""
        return [Entry(c.name, c.usage, c.meaning, c.role) for c in commands.COMMANDS.values()]

    async def message(self, message: Message, outlet: Outlet) -> None:
        """See `Room.message`."""

        async def walk() -> None:
            await reply.answer(self._services, message, outlet, self._turns, self._waiting)

        await _guarded(walk, otherwise=outlet.notice, message=message.external_id)

    async def refusal(self, person: Person, place: Place) -> str:
        """See `Room.refusal`."""

        async def look() -> str:
            return await reply.refusal(self._services, person, place)

        return await _guarded(look) or ""

    async def again(self, person: Person, place: Place, exchange: int, outlet: Outlet) -> None:
        """See `Room.again`."""

        async def walk() -> None:
            await reply.again(self._services, person, place, exchange, outlet, self._turns)

        await _guarded(walk, otherwise=outlet.notice, exchange=exchange)

    async def edited(self, place: Place, external_id: str, text: str) -> None:
        """See `Room.edited`."""
        settings = self._services.settings  # files that came along are part of the text
        words = readable(text).strip()[: settings.message_chars + settings.attachment_chars]

        async def walk() -> None:
            async with self._services.database.write() as tx:
                channel = await conversations.enter(tx, place, self._services.now())
                if words:
                    self._waiting.edit(place, external_id, words)
                    await changes.edit(tx, channel.id, external_id, words)

        await _guarded(walk, message=external_id)

    async def deleted(self, place: Place, external_ids: Collection[str]) -> None:
        """See `Room.deleted`."""

        async def walk() -> None:
            async with self._services.database.write() as tx:
                channel = await conversations.enter(tx, place, self._services.now())
                self._waiting.remove(place, external_ids)
                await changes.remove(tx, channel.id, external_ids)

        await _guarded(walk, messages=len(external_ids))

    async def moved(self, before: Place, after: Place) -> None:
        """See `Room.moved`."""

        async def walk() -> None:
            async with self._services.database.write() as tx:
                await changes.move(tx, before, after)

        await _guarded(walk, before=before.channel, after=after.channel)

    async def exchange_of(
        self, place: Place, external_id: str, *, wait: bool = False
    ) -> int | None:
        """See `Room.exchange_of`."""

        async def look(*, wait: bool = wait) -> int | None:
            async with self._services.database.read() as conn:
                channel = await conversations.find(conn, place)
                if channel is None:
                    return None
                found = await changes.exchange_of(conn, channel.id, external_id)
            if found is None and wait:
                await self._turns.settled(channel.id)  # a reply is delivered within its turn
                return await look(wait=False)
            return found

        return await _guarded(look, message=external_id)

    async def place_of(self, place: Place, external_id: str) -> Place | None:
        """See `Room.place_of`."""

        async def look() -> Place | None:
            async with self._services.database.read() as conn:
                return await changes.place_of(conn, place, external_id)

        return await _guarded(look, message=external_id)

    async def reply_of(self, person: Person, place: Place, exchange: int) -> str:
        """See `Room.reply_of`."""

        async def look() -> str:
            async with self._services.database.read() as conn:
                return await rating.reply_of(conn, self._services.settings, person, place, exchange)

        return await _guarded(look, exchange=exchange) or ""

    async def votes(self, exchange: int) -> tuple[int, int]:
        """See `Room.votes`."""

        async def look() -> tuple[int, int]:
            async with self._services.database.read() as conn:
                return await review.votes(conn, exchange)

        return await _guarded(look, exchange=exchange) or (0, 0)

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
        """See `Room.rating`."""

        async def judge() -> Answer:
            return Answer(
                await rating.rate(
                    self._services,
                    person,
                    place,
                    exchange,
                    kind,
                    text=text,
                    via=via,
                    toggle=toggle,
                    of=of,
                    first=first,
                )
            )

        return (await _answered(judge, exchange=exchange)).text

    async def command(
        self,
        person: Person,
        place: Place,
        line: str,
        *,
        exchange: int | None = None,
        ask: bool = False,
    ) -> Answer:
        """See `Room.command`."""
        return await _answered(
            lambda: commands.run(self._services, person, place, line, exchange=exchange, ask=ask),
            command=line.split()[:1],
        )

    async def progress(self) -> AsyncGenerator[str, None]:
        """See `Room.progress`."""
        shown, going_on = "", True
        while going_on:
            try:
                async with self._services.database.read() as conn:
                    text = harmless("\n".join(await status.of_learning(conn)))
                    going_on = await status.is_learning(conn)
            except StoreError as error:
                log.warning("cannot look how the round goes", error=str(error))
                return
            if text != shown:
                shown = text
                yield text
            if going_on:
                await asyncio.sleep(self._glance)

    async def direct_channels(self, platform: str, most: int) -> Sequence[str]:
        """See `Room.direct_channels`."""

        async def look() -> list[str]:
            async with self._services.database.read() as conn:
                return await conversations.direct(conn, platform, most)

        return await _guarded(look, platform=platform) or ()

    async def cursor(self, platform: str) -> int | None:
        """See `Room.cursor`."""

        async def look() -> int | None:
            async with self._services.database.read() as conn:
                found = await memos.get(conn, f"cursor of {platform}")
            return found if isinstance(found, int) else None

        return await _guarded(look, platform=platform)

    async def keep_cursor(self, platform: str, position: int) -> None:
        """See `Room.keep_cursor`."""

        async def keep() -> None:
            async with self._services.database.write() as tx:
                await memos.put(tx, f"cursor of {platform}", position, self._services.now())

        await _guarded(keep, platform=platform)

    async def note(self, name: str) -> str | None:
        """See `Room.note`."""

        async def look() -> str | None:
            async with self._services.database.read() as conn:
                found = await memos.get(conn, f"note: {name}")
            return found if isinstance(found, str) else None

        return await _guarded(look, note=name)

    async def keep_note(self, name: str, text: str, *, forget: bool = False) -> None:
        """See `Room.keep_note`."""

        async def keep() -> None:
            async with self._services.database.write() as tx:
                at = self._services.now()
                await memos.put(tx, f"note: {name}", text, at, forget=forget)

        await _guarded(keep, note=name)


async def _answered(act: Callable[[], Awaitable[Answer]], **about: object) -> Answer:
    """What an act answers, or the apology for it, made harmless."""
    said: list[str] = []

    async def refuse(text: str) -> None:
        said.append(text)

    answer = await _guarded(act, otherwise=refuse, **about)
    if answer is None:
        return Answer("".join(said), refused=True)
    return replace(answer, text=harmless(answer.text))


async def _guarded(
    act: Callable[[], Awaitable[T]],
    *,
    otherwise: Callable[[str], Awaitable[object]] | None = None,
    **about: Any,
) -> T | None:
    """Do it. A failure becomes a sentence for whoever asked (`otherwise`) and a log line."""
    try:
        return await act()
    except ThumbwiseError as error:
        log.warning("refused", error=str(error), **about)
        text = harmless(str(error))
    except Exception:
        log.exception("walk failed", **about)
        text = APOLOGY
    if otherwise is not None:
        try:
            await otherwise(text)
        except Exception:  # not even the apology can be sent
            log.exception("could not even say so", **about)
    return None
