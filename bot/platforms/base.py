"""What a platform is to the chat, and what the chat is to a platform.

A platform calls the three methods of `Room`; the chat answers through an `Outlet`. No object of a
platform's library passes, and a fake that keeps lists is as real a platform as Discord.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from bot.domain import FeedbackKind, Message, Person, Place


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a platform can show. `max_chars` is the longest single message (0: no limit)."""

    max_chars: int = 0
    edits: bool = False
    buttons: bool = False


class Outlet(Protocol):
    """Where the answer to one message goes. Every text that comes in is safe to show as it is."""

    async def waiting(self, ahead: int) -> None:
        """So many replies come first."""

    async def show(self, text: str) -> None:
        """The reply as far as it is written; the platform decides how often to redraw it."""

    async def finish(self, text: str, exchange: int) -> None:
        """The complete reply, saved as this exchange: from now on it can be rated."""

    async def notice(self, text: str) -> None:
        """A word to this member alone: a limit, an apology, the answer to a command."""


class Room(Protocol):
    """The chat as a platform sees it."""

    async def message(self, message: Message, outlet: Outlet) -> None:
        """Somebody said something. Never raises: failures become an apology and a log line."""

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
        """Somebody judged a reply (None: the channel's last); a sentence of thanks or refusal.

        When it returns, the judgement is on disk. Never raises.
        """

    async def command(self, person: Person, place: Place, line: str) -> str:
        """Somebody gave a command such as "/train now"; the answer. Never raises."""


class Platform(Protocol):
    """A door of the house."""

    name: str
    capabilities: Capabilities

    async def run(self, room: Room) -> None:
        """Serve until cancelled or, for a terminal, until the person leaves."""
