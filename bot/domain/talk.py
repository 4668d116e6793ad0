"""Talk: places, messages, turns, and the prompt that they become."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from bot.domain.people import Person


class ChannelKind(StrEnum):
    """Whether a channel is one person's talk with the bot, or a room with many people."""

    DIRECT = "direct"
    GROUP = "group"


class ChannelMode(StrEnum):
    """When the bot answers in a channel: at every message, when addressed, or never."""

    ON = "on"
    MENTION = "mention-only"
    OFF = "off"


@dataclass(frozen=True, slots=True)
class Place:
    """Where something was said, in a platform's own ids.

    `parent` is the channel that a thread belongs to: it follows what was set there, until the bot
    is turned on or off in the thread itself.
    """

    platform: str
    community: str
    channel: str
    kind: ChannelKind = ChannelKind.GROUP
    name: str = ""
    parent: str = ""


@dataclass(frozen=True, slots=True)
class Channel:
    """A conversation that the store knows. An empty `persona` means the one of the settings.

    `announce`: the bot tells here what it has learned.
    """

    id: int
    place: Place
    persona: str = ""
    mode: ChannelMode = ChannelMode.MENTION
    announce: bool = False


@dataclass(frozen=True, slots=True)
class Turn:
    """One message of a conversation as the model reads it.

    `role` is "user" or "assistant". `speaker` is the display name of a user; `member` is the
    member's row id, kept so that a forgotten member's words can be found and removed.
    """

    role: str
    text: str
    speaker: str = ""
    member: int | None = None


@dataclass(frozen=True, slots=True)
class Said:
    """One message of a channel's history; `position` counts the channel's messages from 1."""

    position: int
    turn: Turn


@dataclass(frozen=True, slots=True)
class Quote:
    """The message that another one answers, as the platform shows it; no author: the bot's own.

    `manual`: the text is the part of it that the one who answers chose. `elsewhere`: it was said in
    another channel, perhaps by nobody who is known here (then without an author).
    """

    author: Person | None
    text: str
    manual: bool = False
    elsewhere: bool = False


@dataclass(frozen=True, slots=True)
class Message:
    """One message as it came through a platform's door.

    `addressed` tells whether it speaks to the bot (a mention, a reply to it, a direct chat).
    `external_id` is the platform's id of the message; seeing it twice in a channel is one message.
    `reply_to` is the id of the message that it answers, and `quote` what that one says.
    `attached` is how many characters of the text come from files, which have a limit of their own.
    """

    place: Place
    author: Person
    text: str
    external_id: str
    at: datetime
    addressed: bool = True
    reply_to: str | None = None
    quote: Quote | None = None
    attached: int = 0


@dataclass(frozen=True, slots=True)
class Prompt:
    """All that a reply was made from: the persona and the turns, oldest first."""

    persona: str
    turns: tuple[Turn, ...]

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready form; `from_json` reads it back unchanged."""
        return {
            "persona": self.persona,
            "turns": [
                {"role": t.role, "text": t.text, "speaker": t.speaker, "member": t.member}
                for t in self.turns
            ],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Prompt:
        """Read what `to_json` wrote."""
        return cls(data["persona"], tuple(Turn(**turn) for turn in data["turns"]))


def names_of(turns: Sequence[Turn]) -> tuple[str, ...]:
    """The distinct speakers among the user turns, in order of appearance."""
    return tuple(dict.fromkeys(t.speaker for t in turns if t.role == "user" and t.speaker))
