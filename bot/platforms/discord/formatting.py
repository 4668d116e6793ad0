"""Discord's markup as text that a person, or a model, can read. Pure functions."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

_MARK: Final = re.compile(
    r"<@!?(?P<user>\d+)>|<@&(?P<role>\d+)>|<#(?P<channel>\d+)>|<a?:(?P<emoji>\w+):\d+>"
    r"|<t:(?P<time>-?\d{1,13})(?::[a-zA-Z])?>|</(?P<command>[^:<>]+):\d+>"
)


@dataclass(frozen=True, slots=True)
class Names:
    """What the ids in a message stand for."""

    users: Mapping[int, str] = field(default_factory=dict)
    roles: Mapping[int, str] = field(default_factory=dict)
    channels: Mapping[int, str] = field(default_factory=dict)


def plain(text: str, names: Names) -> str:
    """The text with mentions, custom emoji and timestamps as words."""

    def word(found: re.Match[str]) -> str:
        if (user := found["user"]) is not None:
            return f"@{names.users.get(int(user), 'somebody')}"
        if (role := found["role"]) is not None:
            return f"@{names.roles.get(int(role), 'a role')}"
        if (channel := found["channel"]) is not None:
            return f"#{names.channels.get(int(channel), 'a channel')}"
        if (seconds := found["time"]) is not None:
            return _moment(int(seconds)) or found[0]
        return f"/{found['command']}" if found["command"] else f":{found['emoji']}:"

    return _MARK.sub(word, text)


def spoken_to(text: str, me: int) -> str:
    """The text without the mention of the bot at its beginning or end: what is said to it."""
    mention = rf"<@!?{me}>"
    return re.sub(rf"^\s*(?:{mention}[\s,:]*)+|(?:\s*{mention})+\s*$", "", text).strip()


def embedded(title: str, description: str, fields: Iterable[tuple[str, str]]) -> str:
    """An embed as lines of text."""
    lines = [title, description, *(f"{name}: {value}" for name, value in fields)]
    return "\n".join(line.strip() for line in lines if line.strip())


def quoted(speaker: str, text: str) -> str:
    """What a member asked with a command, shown above the reply, since Discord does not show it."""
    escaped = re.sub(r"([*_~`|\\])", r"\\\1", speaker)
    return "\n".join(f"> {line}" for line in f"**{escaped}**: {text}".splitlines())


def thumb(emoji: str) -> str:
    """👍 or 👎, of whatever skin tone, or "" for every other emoji."""
    return emoji[:1] if emoji[:1] in ("👍", "👎") else ""


def _moment(seconds: int) -> str:
    try:
        return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M} UTC"
    except (OverflowError, ValueError, OSError):
        return ""
