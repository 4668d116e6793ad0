"""What the bot needs of a server, and what a server's own permissions make of a member. Pure."""

from __future__ import annotations

from typing import Final

import discord

from bot.domain import Role

NEEDED: Final = discord.Permissions(
    view_channel=True,
    send_messages=True,
    send_messages_in_threads=True,
    read_message_history=True,
    attach_files=True,
)
"""All that the bot asks for when it is invited; it needs nothing that moderates or manages."""

INTENTS: Final = discord.Intents(
    guilds=True,
    guild_messages=True,
    dm_messages=True,
    message_content=True,
    guild_reactions=True,
    dm_reactions=True,
)
"""What the gateway is asked to tell. Message content is the only privileged one among it."""

NOBODY: Final = discord.AllowedMentions.none()
"""Whom most of what the bot says may ping."""

ASKER: Final = discord.AllowedMentions(everyone=False, users=False, roles=False, replied_user=True)
"""A reply may ping the one whom it answers, and nobody else."""


def role_of(permissions: discord.Permissions) -> Role:
    """The role that somebody's permissions in the whole server stand for."""
    if permissions.manage_guild or permissions.administrator:
        return Role.ADMIN
    return Role.MODERATOR if permissions.manage_messages else Role.MEMBER


def shown_to(role: Role) -> discord.Permissions | None:
    """The permissions that a member needs before Discord lists a command that needs the role."""
    return {
        Role.MEMBER: None,
        Role.MODERATOR: discord.Permissions(manage_messages=True),
        Role.ADMIN: discord.Permissions(manage_guild=True),
    }[role]


def missing_to_answer(permissions: discord.Permissions, *, thread: bool) -> tuple[str, ...]:
    """The names of the permissions that the bot lacks to answer in a channel."""
    needed = ("view_channel", "send_messages_in_threads" if thread else "send_messages")
    return tuple(name for name in needed if not getattr(permissions, name))


def invite_link(application: int) -> str:
    """The address at which somebody who manages a server can add the bot to it."""
    return discord.utils.oauth_url(
        application, permissions=NEEDED, scopes=("bot", "applications.commands")
    )
