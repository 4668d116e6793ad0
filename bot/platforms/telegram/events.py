"""What Telegram's updates mean to the house, in its own words."""

from __future__ import annotations

from dataclasses import dataclass

from bot.domain import FeedbackKind, Message, Person, Place


@dataclass(frozen=True, slots=True)
class Me:
    """The bot's own account. `reads_all`: its privacy mode is off."""

    id: int
    username: str
    reads_all: bool = False


@dataclass(frozen=True, slots=True)
class File:
    """A file that came with a message. `size` is in bytes, 0 if it is unknown."""

    id: str
    name: str
    media_type: str
    size: int


@dataclass(frozen=True, slots=True)
class Spoken:
    """Somebody said something. `mute`: it holds nothing that can be read, such as a sticker."""

    message: Message
    file: File | None = None
    mute: bool = False

    @property
    def place(self) -> Place:
        """Where it was said."""
        return self.message.place


@dataclass(frozen=True, slots=True)
class Ordered:
    """Somebody gave a command. `target`: the message of the bot's that it replies to.

    `explicit`: it was given to this bot and no other, by name or in private.
    """

    person: Person
    place: Place
    name: str
    words: str
    message: str
    target: str | None = None
    explicit: bool = True


@dataclass(frozen=True, slots=True)
class Bettered:
    """Somebody wrote the better answer that they were asked for."""

    person: Person
    place: Place
    exchange: int
    text: str
    message: str
    reviewing: bool = False


@dataclass(frozen=True, slots=True)
class Amended:
    """Somebody changed a message of theirs."""

    place: Place
    message: str
    text: str


@dataclass(frozen=True, slots=True)
class Pressed:
    """Somebody pressed a button under a message of the bot's."""

    id: str
    person: Person
    place: Place
    message: str
    data: str


@dataclass(frozen=True, slots=True)
class Reacted:
    """Somebody changed their thumbs on a message. `vote` None: they took their vote back."""

    person: Person
    place: Place
    message: str
    vote: FeedbackKind | None


@dataclass(frozen=True, slots=True)
class Migrated:
    """A group has become a supergroup, with new ids."""

    place: Place
    after: Place


@dataclass(frozen=True, slots=True)
class Belonging:
    """The bot was added to a chat, or removed or blocked."""

    place: Place
    inside: bool


@dataclass(frozen=True, slots=True)
class Ask:
    """A request for a better answer, as it is recognised when somebody replies to it."""

    exchange: int
    reviewing: bool


Event = Spoken | Ordered | Bettered | Amended | Pressed | Reacted | Migrated | Belonging

__all__ = [
    "Amended",
    "Ask",
    "Belonging",
    "Bettered",
    "Event",
    "File",
    "Me",
    "Migrated",
    "Ordered",
    "Pressed",
    "Reacted",
    "Spoken",
]
