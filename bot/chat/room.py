"""The chat as the platforms see it, and the one place where its failures end."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

import structlog

from bot.chat import commands, rating, reply
from bot.chat.services import Services
from bot.domain import FeedbackKind, Message, Person, Place
from bot.errors import ThumbwiseError
from bot.platforms.base import Outlet
from bot.platforms.formatting import harmless

log = structlog.get_logger()

APOLOGY: Final = "Sorry, something went wrong on my side. It is noted; please try again."

T = TypeVar("T")


class ChatRoom:
    """Implements `platforms.base.Room` on the services of the house."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._turns = reply.ChannelTurns()

    async def message(self, message: Message, outlet: Outlet) -> None:
        """See `Room.message`."""

        async def walk() -> None:
            await reply.answer(self._services, message, outlet, self._turns)

        await _guarded(walk, otherwise=outlet.notice, message=message.external_id)

    async def rating(
        self,
        person: Person,
        place: Place,
        exchange: int | None,
        kind: FeedbackKind,
        *,
        text: str = "",
        via: str,
    ) -> str:
        """See `Room.rating`."""
        return await _answered(
            lambda: rating.rate(self._services, person, place, exchange, kind, text=text, via=via),
            exchange=exchange,
        )

    async def command(self, person: Person, place: Place, line: str) -> str:
        """See `Room.command`."""
        return await _answered(
            lambda: commands.run(self._services, person, place, line), command=line.split()[:1]
        )


async def _answered(walk: Callable[[], Awaitable[str]], **about: object) -> str:
    said: list[str] = []

    async def say(text: str) -> None:
        said.append(text)

    async def run() -> None:
        said.append(await walk())

    await _guarded(run, otherwise=say, **about)
    return harmless(said[-1])


async def _guarded(
    walk: Callable[[], Awaitable[None]],
    *,
    otherwise: Callable[[str], Awaitable[None]],
    **about: object,
) -> None:
    """Run a walk; the person hears what they can act on, the operator gets the whole failure."""
    try:
        await walk()
    except ThumbwiseError as error:
        log.warning("refused", error=str(error), **about)
        said = str(error)
    except Exception:
        log.exception("walk failed", **about)
        said = APOLOGY
    else:
        return
    try:
        await otherwise(said)
    except Exception:
        log.exception("could not even say so", **about)
