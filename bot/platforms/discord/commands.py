"""Slash commands and message menus, made from the house's own menu."""

from __future__ import annotations

import inspect
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Optional

import discord
import structlog
from discord import app_commands

from bot.domain import Role
from bot.platforms.base import Entry
from bot.platforms.discord.permissions import shown_to

if TYPE_CHECKING:
    from bot.platforms.discord.client import Client

log = structlog.get_logger()

LONGEST_CHAT: Final = 1500
MENUS: Final = {
    "Approve": "/approve",
    "Reject": "/reject",
    "Correct…": "/correct",
    "Why this reply?": "/why",
    "Flag": "/flag",
}
"""The commands in a message's menu, of which Discord allows five, and what they give."""

_UNLISTED: Final = {
    "/approve": Role.MODERATOR,
    "/reject": Role.MODERATOR,
    "/correct": Role.MODERATOR,
}
"""Who sees those of `MENUS` that the house's menu does not name."""

Act = Callable[[discord.Interaction["Client"], str], Awaitable[None]]
Choose = Callable[[discord.Interaction["Client"], discord.Message, str], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Parameter:
    """One argument of a command. Without choices it is any text."""

    name: str
    choices: tuple[str, ...] = ()
    required: bool = True


def parameters(usage: str) -> tuple[Parameter, ...]:
    """The arguments that a usage such as "now|status" or "[WHAT on|off]" describes. Pure.

    What is in brackets may be left out. Small words with pipes between them are choices; capitals
    name free text, which is then their alternative as well.
    """
    found: list[Parameter] = []
    depth = 0
    for sign in re.findall(r"\[|\]|[^\s\[\]]+", usage):
        if sign in ("[", "]"):
            depth += 1 if sign == "[" else -1
            continue
        words = sign.replace("...", "").split("|")
        free = next((word for word in words if word.isupper()), "")
        choices = () if free or len(words) == 1 else tuple(words)
        name = _unused(free.lower() if free else "what", found)
        found.append(Parameter(name, choices, required=depth == 0))
    return tuple(sorted(found, key=lambda parameter: not parameter.required))


def _unused(name: str, taken: Sequence[Parameter]) -> str:
    name = re.sub(r"[^a-z0-9_-]", "", name)[:30] or "text"
    names = {parameter.name for parameter in taken}
    candidates = (name, "value", *(f"{name}{number}" for number in range(2, 30)))
    return next(candidate for candidate in candidates if candidate not in names)


def slash(entry: Entry, act: Act) -> app_commands.Command[Any, ..., None]:
    """A slash command that gives the line which its arguments make up to `act`."""
    wanted = parameters(entry.usage)

    async def give(interaction: discord.Interaction[Client], **given: str | None) -> None:
        words = [word for parameter in wanted if (word := given.get(parameter.name))]
        await act(interaction, " ".join([f"/{entry.name}", *words]))

    _declare(give, wanted)
    callback: Any = give
    made: app_commands.Command[Any, ..., None] = app_commands.Command(
        name=entry.name, description=entry.meaning[:100] or entry.name, callback=callback
    )
    made.default_permissions = shown_to(entry.role)
    return made


def _declare(give: Callable[..., Any], wanted: Sequence[Parameter]) -> None:
    """Tell discord.py, which reads signatures, the arguments of a command made at run time."""
    first = inspect.Parameter("interaction", inspect.Parameter.POSITIONAL_OR_KEYWORD)
    rest = [
        inspect.Parameter(
            parameter.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=inspect.Parameter.empty if parameter.required else None,
            annotation=str if parameter.required else Optional[str],  # noqa: UP045 - a value here
        )
        for parameter in wanted
    ]
    give.__signature__ = inspect.Signature([first, *rest])  # type: ignore[attr-defined]
    choices = {
        parameter.name: [app_commands.Choice(name=c, value=c) for c in parameter.choices[:25]]
        for parameter in wanted
        if parameter.choices
    }
    if choices:
        app_commands.choices(**choices)(give)
    if wanted:
        words = {p.name: (" or ".join(p.choices) or p.name)[:100] for p in wanted}
        app_commands.describe(**words)(give)


def menu(name: str, role: Role, line: str, choose: Choose) -> app_commands.ContextMenu:
    """A command in a message's menu."""

    async def pick(interaction: discord.Interaction[Any], message: discord.Message) -> None:
        await choose(interaction, message, line)

    made = app_commands.ContextMenu(name=name, callback=pick)
    made.default_permissions = shown_to(role)
    return made


def fill(
    tree: app_commands.CommandTree[Client],
    entries: Sequence[Entry],
    give: Act,
    chat: Act,
    choose: Choose,
) -> None:
    """Put every command of the house, /chat, and the menus of messages into the tree."""
    roles = {f"/{entry.name}": entry.role for entry in entries}
    for entry in entries:
        tree.add_command(slash(entry, give))
    if "/chat" not in roles:
        tree.add_command(slash(Entry("chat", "TEXT", "say something to me", Role.MEMBER), chat))
    for name, line in MENUS.items():
        role = roles.get(line, _UNLISTED.get(line, Role.MEMBER))
        tree.add_command(menu(name, role, line, choose))


async def sync(tree: app_commands.CommandTree[Client]) -> bool:
    """Tell Discord the commands if those that it knows differ; whether they did."""
    known = [
        command.to_dict() | {"default_member_permissions": command.default_member_permissions}
        for command in await tree.fetch_commands()
    ]
    wanted = [
        command.to_dict(tree) | {"default_member_permissions": command.default_permissions}
        for command in tree.get_commands()
    ]
    if sorted(map(outline, known), key=repr) == sorted(map(outline, wanted), key=repr):
        return False
    await tree.sync()
    log.info("discord was told the commands", count=len(wanted))
    return True


def outline(command: Mapping[str, Any]) -> tuple[Any, ...]:
    """What of a command matters to those who use it, in a form that can be compared. Pure."""
    permissions = command.get("default_member_permissions")
    return (
        command.get("type"),
        command["name"],
        command.get("description") or "",
        None if permissions is None else int(getattr(permissions, "value", permissions)),
        tuple(
            (
                option["type"],
                option["name"],
                option.get("description"),
                bool(option.get("required")),
                tuple((choice["name"], choice["value"]) for choice in option.get("choices") or ()),
            )
            for option in command.get("options") or ()
        ),
    )
