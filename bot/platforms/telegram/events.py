"""What Telegram's updates mean to the house, in its own words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from bot.domain import FeedbackKind, Message, Person, Place


@dataclass(frozen=True, slots=True)
class Me:
    """The bot's own account. `reads_all`: its privacy mode is off."""

    id: int
    username: str
    reads_all: bool = False


@dataclass(frozen=True, slots=True)
class Milestones:
    """What the walk of an event tells on its way; its end says both as well.

    `heard`: the next event in its lane may begin. `safe`: what was asked for is done and on disk,
    and must not be done again, whether or not anybody has been told.
    """

    heard: Callable[[], None]
    safe: Callable[[], None]


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

    None: it replies to nothing; "": to what is no message of the bot's. `explicit`: it was given to
    this bot and no other, by name or in private.
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
    """Somebody changed a message of theirs. `file`: the one that came with it, and still does."""

    place: Place
    message: str
    text: str
    file: File | None = None


@dataclass(frozen=True, slots=True)
class Pressed:
    """Somebody pressed a button under a message of the bot's ("": one that cannot be changed).

    `shown_at`: when that message was sent; the year 1970 if it is too old for Telegram to say.
    """

    id: str
    person: Person
    place: Place
    message: str
    data: str
    shown_at: datetime


@dataclass(frozen=True, slots=True)
class Reacted:
    """Somebody changed their thumbs on a message. `vote` None: they took `removed` back."""

    person: Person
    place: Place
    message: str
    vote: FeedbackKind | None
    removed: FeedbackKind | None = None


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


def moved(event: Event, place: Place) -> Event | None:
    """What an event of a group as it was means now that the group has become another place.

    Messages are counted anew there, so the ids of before name none; None: nothing is left of it.
    """
    match event:
        case Spoken():
            said = replace(event.message, place=place, external_id="", reply_to=None)
            return replace(event, message=said)
        case Ordered():
            target = None if event.target is None else ""
            return replace(event, place=place, message="", target=target)
        case Bettered() | Pressed():
            return replace(event, place=place, message="")
        case Amended() | Reacted():
            return None
        case _:
            return event


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
    "moved",
]
