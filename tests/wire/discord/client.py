"""A small bot of our own, by which the server itself is proved before a real bot is tried."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import discord
from discord import app_commands

from tests.wire.discord.calls import Bell
from tests.wire.discord.server import TOKEN


class Parrot(discord.AutoShardedClient):
    """Says what it hears, in two edits, with a button, a form and a command."""

    def __init__(self, **options: Any) -> None:
        super().__init__(intents=discord.Intents.all(), **options)
        self.heard: list[str] = []
        self.events: list[str] = []
        self.bell = Bell()
        self.tree = app_commands.CommandTree(self)

        @self.tree.command(name="echo", description="Say it again.")
        async def echo(interaction: discord.Interaction, text: str) -> None:
            await interaction.response.defer(ephemeral=True, thinking=True)
            await interaction.edit_original_response(content=f"echo {text}")
            file = discord.File(io.BytesIO(b"a file"), "a.txt")
            await interaction.followup.send("and a file", file=file, ephemeral=True)

        @self.tree.context_menu(name="Length")
        async def length(interaction: discord.Interaction, message: discord.Message) -> None:
            await interaction.response.send_message(str(len(message.content)))

        del echo, length

    async def setup_hook(self) -> None:
        await self.tree.sync()

    async def on_message(self, message: discord.Message) -> None:
        """Answer whoever mentions it or writes directly."""
        if message.author == self.user:
            return
        self.heard.append(message.content)
        self.bell.ring()
        direct = message.guild is None
        if self.user is None or not (direct or self.user in message.mentions):
            return
        async with message.channel.typing():
            read = [(await attached.read()).decode() for attached in message.attachments]
            reply = await message.reply("...")
        view = discord.ui.View(timeout=None)
        view.add_item(discord.ui.Button(label="Good", custom_id="good:1"))
        view.add_item(discord.ui.Button(label="Better", custom_id="better:1"))
        await reply.edit(content=" ".join([f"You said: {message.clean_content}", *read]), view=view)

    async def on_interaction(self, interaction: discord.Interaction) -> None:
        """Thank for a click; open a form; thank for the form."""
        data: Any = interaction.data or {}
        custom_id = str(data.get("custom_id", ""))
        if custom_id.startswith("better") and interaction.type.name == "component":
            modal = discord.ui.Modal(title="Better", custom_id=custom_id)
            modal.add_item(discord.ui.TextInput(label="How?", custom_id="text"))
            await interaction.response.send_modal(modal)
        elif custom_id:
            await interaction.response.send_message(f"thanks for {custom_id}", ephemeral=True)

    def _keep(self, event: str) -> None:
        self.events.append(event)
        self.bell.ring()

    async def on_raw_reaction_add(self, payload: discord.RawReactionActionEvent) -> None:
        """Keep it."""
        self._keep(f"+{payload.emoji}")

    async def on_raw_reaction_remove(self, payload: discord.RawReactionActionEvent) -> None:
        """Keep it."""
        self._keep(f"-{payload.emoji}")

    async def on_raw_message_edit(self, payload: discord.RawMessageUpdateEvent) -> None:
        """Keep what others changed."""
        if payload.message.author != self.user:
            self._keep(f"edited {payload.message.content}")

    async def on_raw_message_delete(self, payload: discord.RawMessageDeleteEvent) -> None:
        """Keep it."""
        self._keep(f"deleted {payload.message_id}")


@asynccontextmanager
async def running(client: discord.Client, token: str = TOKEN) -> AsyncIterator[asyncio.Task[None]]:
    """Log in and stay connected; the task ends when discord.py gives up."""
    connecting: asyncio.Task[None] | None = None
    try:
        await client.login(token)
        connecting = asyncio.create_task(client.connect())
        yield connecting
    finally:
        await client.close()
        if connecting is not None:
            await asyncio.wait([connecting])
