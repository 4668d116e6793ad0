"""A server on a simulated Discord, with members of every role, and the real client in it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import discord
import pytest
import simcord

from bot.domain import Role
from bot.platforms.discord.client import Client
from tests.platforms.discord.hall import Hall

PATIENT = pytest.mark.simcord(settle_timeout=30.0)
"""Lets a busy machine take its time until the bot has done all that an event leads to."""


@dataclass
class Town:
    """The server, who is in it, and what the bot's house was told."""

    env: simcord.Env
    client: Client
    hall: Hall
    guild: simcord.GuildHandle
    channel: simcord.ChannelHandle
    people: dict[Role, simcord.MemberActor] = field(default_factory=dict)

    @property
    def me(self) -> str:
        """How members mention the bot."""
        assert self.client.user is not None
        return self.client.user.mention

    @property
    def ana(self) -> simcord.MemberActor:
        return self.people[Role.MEMBER]

    @property
    def replies(self) -> list[discord.Message]:
        """What the bot said in the channel, oldest first."""
        return [m for m in self.channel.history() if m.author.id == self.client.me]

    @property
    def reply(self) -> discord.Message:
        return self.replies[-1]

    async def ask(self, text: str = "hello", **options: Any) -> discord.Message:
        """A member says something to the bot; returns the bot's reply."""
        await self.ana.send(self.channel, f"{self.me} {text}", **options)
        return self.reply


def buttons_of(message: Any) -> dict[str, str]:
    """The ids of a message's buttons, by their label or emoji."""
    rows = message.components
    if rows and not isinstance(rows[0], dict):
        rows = [row.to_dict() for row in rows]
    return {
        button.get("label") or button["emoji"]["name"]: button["custom_id"]
        for row in rows
        for button in row["components"]
    }


def new_client(hall: Hall) -> Client:
    return Client(hall, shards=1, attachment_chars=100, every=0.0)


@pytest.fixture
def hall() -> Hall:
    return Hall()


@pytest.fixture
def simcord_bot(hall: Hall) -> Client:
    return new_client(hall)


@pytest.fixture
async def town(hall: Hall, simcord_bot: Client, simcord_env: simcord.Env) -> AsyncIterator[Town]:
    env, client = simcord_env, simcord_bot
    hall.outside = env.external_wait
    guild = env.create_guild("Town")
    channel = guild.create_text_channel("general")
    rights = {
        Role.MEMBER: discord.Permissions.none(),
        Role.MODERATOR: discord.Permissions(manage_messages=True),
        Role.ADMIN: discord.Permissions(manage_guild=True),
    }
    names = {Role.MEMBER: "ana", Role.MODERATOR: "mo", Role.ADMIN: "ada"}
    people = {
        role: guild.add_member(
            env.create_user(names[role]),
            roles=[guild.create_role(role.value, permissions=rights[role])],
        )
        for role in Role
    }
    yield Town(env, client, hall, guild, channel, people)
    await client.watching.close(0)
