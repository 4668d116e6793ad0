"""What a platform is to the chat, and what the chat is to a platform.

A platform calls the methods of `Room`; the chat answers through an `Outlet` or with an `Answer`. No
object of a platform's library passes, and a fake that keeps lists is as real a platform as Discord.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Protocol

from bot.domain import FeedbackKind, Message, Person, Place, Role

APOLOGY: Final = "Sorry, something went wrong on my side. It is noted; please try again."
NOT_YOURS: Final = "This was asked of somebody else."
NOTHING_DONE: Final = "Nothing was done."
TOO_LATE: Final = "I asked that a while ago. If you still want it, give the command again."
CONFIRM_WITHIN: Final = timedelta(minutes=10)
"""What a question was about may have changed when it is older."""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a platform can show. `max_chars` is the longest single message (0: no limit)."""

    max_chars: int = 0
    edits: bool = False
    buttons: bool = False


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that goes with an answer, such as a picture or a member's own data."""

    name: str
    data: bytes
    media_type: str


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to a command, safe to show as it is, to the person who asked alone.

    Attributes:
        text: what to say.
        attachment: a file to go with it.
        confirm: the command that does what was asked, to be given once the person has said yes.
        review: the exchange that a moderator is asked to judge: show the buttons for it.
        live: the text goes on changing: `Room.progress` tells how.
        refused: nothing was done.
    """

    text: str
    attachment: Attachment | None = None
    confirm: str = ""
    review: int | None = None
    live: bool = False
    refused: bool = False


@dataclass(frozen=True, slots=True)
class Entry:
    """A command as a menu shows it. `usage` is its arguments, such as "now|status|cancel"."""

    name: str
    usage: str
    meaning: str
    role: Role


class Outlet(Protocol):
    """Where the answer to one message goes. Every text that comes in is safe to show as it is."""

    async def thinking(self) -> None:
        """The message will be answered: show that somebody types."""

    async def waiting(self, ahead: int) -> None:
        """So many replies come first."""

    async def show(self, text: str) -> None:
        """The reply as far as it is written; the platform decides how often to redraw it."""

    async def finish(self, text: str, exchange: int) -> Sequence[str]:
        """The complete reply, saved as this exchange: from now on it can be rated.

        Returns the platform's ids of the messages that it became, if it has any.
        """

    async def notice(self, text: str) -> None:
        """A word to this member alone: a limit, an apology."""


class Room(Protocol):
    """The chat as a platform sees it. No method raises: failures become an apology and a log line.

    What a method returns or tells an outlet is on disk by then.
    """

    def menu(self) -> Sequence[Entry]:
        """All commands, with the role that each needs."""

    async def message(self, message: Message, outlet: Outlet) -> None:
        """Somebody said something."""

    async def refusal(self, person: Person, place: Place) -> str:
        """Why a person would not be answered in a place, in a sentence; empty if they would."""

    async def again(self, person: Person, place: Place, exchange: int, outlet: Outlet) -> None:
        """Somebody wants another reply to the same prompt; it is remembered as one of a pair."""

    async def edited(self, place: Place, external_id: str, text: str) -> None:
        """Somebody changed a message of theirs."""

    async def deleted(self, place: Place, external_ids: Collection[str]) -> None:
        """Messages, of whomever, were deleted."""

    async def moved(self, before: Place, after: Place) -> None:
        """A channel has new ids on its platform; all that belongs to it moves along."""

    async def exchange_of(
        self, place: Place, external_id: str, *, wait: bool = False
    ) -> int | None:
        """The exchange that the bot's message with a platform's id belongs to.

        With `wait` a message that is not known may be a reply that is still being written there:
        it is looked up again once the replies under way are delivered.
        """

    async def place_of(self, place: Place, external_id: str) -> Place | None:
        """The channel, anywhere in a place's community, that shows the bot's message with an id.

        For a platform that counts messages by community and does not always say in which channel
        one stands.
        """

    async def reply_of(self, person: Person, place: Place, exchange: int) -> str:
        """The whole reply, safe to show; "" if the person cannot see it from here.

        A member sees the replies of the channel, a moderator those of the community.
        """

    async def votes(self, exchange: int) -> tuple[int, int]:
        """How many members like a reply, and how many dislike it."""

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
        """Somebody judged a reply (None: the channel's last); a sentence of thanks or refusal.

        With `toggle` a vote that is given a second time is taken back. A retraction `of` one kind
        of vote (a reaction that was removed) leaves the other kind alone. What must be a member's
        `first` vote (it is unknown when it was given) changes no other, and counts only for who
        spoke before the reply.
        """

    async def command(
        self,
        person: Person,
        place: Place,
        line: str,
        *,
        exchange: int | None = None,
        ask: bool = False,
    ) -> Answer:
        """Somebody gave a command such as "/train now".

        Args:
            exchange: the reply that it is about, where the platform knows (a command given by
                replying to it, or from its menu); else the channel's last.
            ask: whether what matters is to be confirmed first, see `Answer.confirm`.
        """

    def progress(self) -> AsyncGenerator[str, None]:
        """How the round of learning goes, whenever that changes, until it has ended.

        Whoever stops listening before closes it (`contextlib.aclosing`).
        """

    async def direct_channels(self, platform: str, most: int) -> Sequence[str]:
        """A platform's ids of so many direct channels: those that were talked in last, first."""

    async def cursor(self, platform: str) -> int | None:
        """How far a platform's updates were read, as `keep_cursor` was told last."""

    async def keep_cursor(self, platform: str, position: int) -> None:
        """Remember how far a platform's updates were read."""

    async def note(self, name: str) -> str | None:
        """A small fact of a platform's own, as `keep_note` was told last."""

    async def keep_note(self, name: str, text: str, *, forget: bool = False) -> None:
        """Remember a small fact under a name of at most 50 characters.

        With `forget` nothing of what was remembered under it before stays on the disk.
        """


class Platform(Protocol):
    """A door of the house."""

    name: str
    capabilities: Capabilities

    async def run(self, room: Room) -> None:
        """Serve until cancelled or, for a terminal, until the person leaves.

        Cancelled, it takes nothing more in, lets running replies finish (`Room` bounds that), and
        says goodbye to what waits.
        """

    async def announce(self, place: Place, text: str) -> None:
        """Say something in a channel that nobody asked for. Failures are logged, not raised."""
