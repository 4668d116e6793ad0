"""A Discord of our own: simcord's world behind real HTTP and real websockets.

It takes one bot by its token. Everything that people do goes through `members`; everything that
goes wrong, through `faults` (REST) and `gateway`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import discord
from aiohttp import web
from simcord._clock import Clock
from simcord.backend import Backend
from simcord.backend.models import Channel, Guild, Message, Overwrite
from simcord.enums import OverwriteType

from tests.wire.discord.calls import EDIT, Bell
from tests.wire.discord.gateway import Gateway
from tests.wire.discord.members import Member
from tests.wire.discord.rest import PREFIX, LocalCdn, Rest

TOKEN = "MTIz.local.token"  # noqa: S105 - opens nothing but this server


class WallClock(Clock):
    """The time of day: another process compares ids and deadlines with its own clock."""

    def now(self) -> datetime:
        """The time, and what a test has added to it."""
        return datetime.now(UTC) + timedelta(seconds=self.elapsed)


class DiscordServer:
    """The world, its REST and its gateway."""

    def __init__(self) -> None:
        self.bell = Bell()
        self.backend = Backend(clock=WallClock())
        self.backend.cdn = self._cdn = LocalCdn()
        self.rest = Rest(self.backend, TOKEN, self.bell)
        self.gateway = Gateway(self.backend, TOKEN, self.bell)
        self.log = self.rest.log
        self.faults = self.rest.faults
        self.url = ""

    @property
    def api_base(self) -> str:
        """For DISCORD_API_BASE."""
        return self.url + PREFIX

    @property
    def gateway_url(self) -> str:
        """For DISCORD_GATEWAY."""
        return self.url.replace("http", "ws", 1) + "/gateway"

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[DiscordServer]:
        """Listen at a free port of this machine."""
        app = web.Application(client_max_size=32 << 20)
        app.add_routes(self.rest.routes())
        app.add_routes([web.get("/gateway", self.gateway.handle)])
        app.add_routes([web.get("/resume", self.gateway.handle)])
        runner = web.AppRunner(app, shutdown_timeout=1)
        await runner.setup()
        try:
            site = web.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
            host, port = runner.addresses[0][:2]
            self.url = self._cdn.base = f"http://{host}:{port}"
            self.rest.gateway = self.gateway_url
            self.gateway.resume_url = self.gateway_url.replace("/gateway", "/resume")
            yield self
        finally:
            for session in self.gateway.sessions:
                if session.connection is not None:
                    await session.connection.end(1001)
            await runner.cleanup()

    def guild(self, name: str = "hall", *, shard: int = 0, shards: int = 1) -> Guild:
        """A server that the bot is a member of; with shards, one that a certain shard serves."""
        return self.backend.create_guild(name, shard_id=shard, shard_count=shards)

    def channel(self, guild: Guild, name: str = "talk") -> Channel:
        """A text channel."""
        return self.backend.create_channel(guild.id, name)

    def close_to_bot(self, channel: Channel) -> None:
        """Take from the bot the right to write in a channel."""
        everyone = channel.guild_id or 0
        deny = discord.Permissions(send_messages=True).value
        overwrite = Overwrite(everyone, OverwriteType.ROLE, deny=deny)
        self.backend.set_overwrite(channel.id, overwrite)

    def thread(self, channel: Channel, owner: Member, name: str = "thread") -> Channel:
        """A thread below a channel."""
        return self.backend.create_thread(channel.id, name, owner.id)

    def member(self, name: str, guild: Guild | None = None, **permissions: bool) -> Member:
        """A person, in a guild with these permissions (such as manage_messages=True)."""
        user = self.backend.make_user(name)
        if guild is None:
            return Member(self, user.id)
        roles = []
        if permissions:
            value = discord.Permissions(**permissions).value
            roles = [self.backend.create_role(guild.id, f"{name}'s", permissions=value).id]
        self.backend.add_member(guild.id, user.id, roles=roles, announce=True)
        return Member(self, user.id, guild)

    def replies(self, channel: Channel) -> list[Message]:
        """What the bot has said in a channel for everybody, oldest first."""
        return [
            message
            for message in self.backend.messages[channel.id].values()
            if message.author_id == self.backend.bot_user.id and not message.is_ephemeral
        ]

    async def reply(self, channel: Channel, count: int = 1, *, buttons: bool = True) -> Message:
        """Wait for the bot's so-manieth message in a channel, complete when it has its buttons."""

        def found() -> Message | None:
            said = self.replies(channel)
            done = len(said) >= count and (bool(said[count - 1].components) or not buttons)
            return said[count - 1] if done else None

        return await self.bell.until(found, f"message {count} of the bot")

    def check(self) -> None:
        """What holds at the end of every test: nothing was missing here, no edit came too soon."""
        assert not self.log.gaps, self.log.gaps
        assert not [call for call in self.log.limited() if call.method == EDIT[0]]
