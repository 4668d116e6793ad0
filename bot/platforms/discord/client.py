"""The connection to Discord: its events, each handed to the house as a walk of its own."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Collection
from typing import Any, Final

import discord
import structlog
import yarl
from discord import app_commands

from bot.domain import Place
from bot.platforms.base import Room
from bot.platforms.discord import answers, commands, judging, missed, reactions
from bot.platforms.discord.buttons import Confirming, HouseButton, Press
from bot.platforms.discord.incoming import (
    answered_id,
    has_changed,
    is_addressed,
    is_speech,
    message_of,
    place_in,
    whole_text_of,
)
from bot.platforms.discord.permissions import (
    INTENTS,
    NOBODY,
    invite_link,
    missing_to_answer,
)
from bot.platforms.discord.surface import MAX_CHARS, InteractionSurface, MessageSurface
from bot.platforms.formatting import utf16
from bot.platforms.posting import RESTARTING, Pace, Posting, Surface, attend
from bot.platforms.walks import Walks

log = structlog.get_logger()

EVERY: Final = 1.2
"""Seconds between two edits in a channel; Discord allows five in five seconds."""

PATIENCE: Final = 60.0
"""Seconds that a call waits at most when Discord asks for patience; then the walk apologises."""


class Client(discord.AutoShardedClient):
    """What discord.py calls.

    `walks` are the answers under way, `watching` what only looks on, `answered` the questions to
    confirm something that somebody has answered.
    """

    def __init__(
        self,
        room: Room,
        *,
        gateway: str = "",
        shards: int = 0,
        attachment_chars: int = 8000,
        pace: Pace | None = None,
        every: float = EVERY,
    ) -> None:
        super().__init__(
            intents=INTENTS,
            allowed_mentions=NOBODY,
            shard_count=shards or None,
            member_cache_flags=discord.MemberCacheFlags.none(),
            chunk_guilds_at_startup=False,
            max_ratelimit_timeout=PATIENCE,
        )
        self.room = room
        self.pace = pace or Pace()
        self.every = every
        self.walks = Walks()
        self.watching = Walks()
        self.trail = missed.Trail()
        self.answered: deque[int] = deque(maxlen=answers.MOST_ANSWERED)
        self.tree = app_commands.CommandTree(self)
        self._gateway = gateway
        self._attachment_chars = attachment_chars
        self._seen = 0
        self._kept = 0
        self._keeping = asyncio.Lock()
        self._closed_to: set[int] = set()

    @property
    def me(self) -> int:
        """The bot's own user id."""
        return self.user.id if self.user else 0

    def place(self, channel: int, guild: int | None) -> Place:
        """The place that these ids stand for."""
        return place_in(self.get_channel(channel), channel, guild)

    def outlet_below(self, interaction: discord.Interaction[Any]) -> Posting:
        """Where a reply to a command or a click goes."""
        return self._posting(InteractionSurface(interaction), interaction.channel_id)

    async def launch_shard(
        self, gateway: yarl.URL, shard_id: int, *, initial: bool = False
    ) -> None:
        """Connect one shard, through the gateway of the settings if they name one."""
        gateway = yarl.URL(self._gateway) if self._gateway else gateway
        await super().launch_shard(gateway, shard_id, initial=initial)

    async def setup_hook(self) -> None:
        """Once logged in: the buttons of all times, the commands, and how far the last one saw."""
        self._seen = await self.room.cursor("discord") or 0
        if not self._seen:  # a bot that is new answers nothing of before
            self._seen = discord.utils.time_snowflake(discord.utils.utcnow())
            await self.room.keep_cursor("discord", self._seen)
        self.add_dynamic_items(HouseButton)
        commands.fill(self.tree, self.room.menu(), self._give, self._chat, judging.chosen)
        try:
            await commands.sync(self.tree)
        except discord.HTTPException as error:
            log.warning("discord did not take the commands", error=str(error))

    async def on_ready(self) -> None:
        """All shards are there, for the first time or again after a lost session."""
        guilds = len(self.guilds)
        log.info("discord is ready", servers=guilds, shards=self.shard_count)
        if not guilds:
            log.info("the bot is in no server yet", invite=invite_link(self.me))

    async def on_shard_ready(self, shard: int) -> None:
        """A new session: look for what was said while there was none."""
        if not self.walks.closed:
            self.walks.begin(self._catch_up(shard))

    async def on_shard_disconnect(self, shard: int) -> None:
        """A line was cut."""
        self.trail.listening.discard(shard)

    async def on_shard_resumed(self, shard: int) -> None:
        """A session goes on, and has told what was said meanwhile."""
        self.trail.listening.add(shard)

    async def on_message(self, message: discord.Message) -> None:
        """Somebody said something."""
        if message.author.id == self.me or not is_speech(message):
            return
        if self.trail.note(message.channel.id, message.id):
            if self.walks.closed:
                await self._put_off(message)
                self.trail.settle(message.id)
            else:
                self.walks.begin(self._attend(message))

    async def on_raw_message_edit(self, payload: discord.RawMessageUpdateEvent) -> None:
        """Somebody changed a message."""
        message = payload.message
        if message.author.id == self.me or message.edited_at is None or not is_speech(message):
            return
        if has_changed(payload.cached_message, message):
            self.trail.edit(message)
            self.walks.begin(self._follow(message))

    async def on_raw_message_delete(self, payload: discord.RawMessageDeleteEvent) -> None:
        """A message was deleted."""
        await self._deleted(payload.channel_id, payload.guild_id, {payload.message_id})

    async def on_raw_bulk_message_delete(self, payload: discord.RawBulkMessageDeleteEvent) -> None:
        """Messages were deleted at once."""
        await self._deleted(payload.channel_id, payload.guild_id, payload.message_ids)

    async def on_raw_reaction_add(self, payload: discord.RawReactionActionEvent) -> None:
        """Somebody reacted to a message."""
        await self._reacted(payload, added=True)

    async def on_raw_reaction_remove(self, payload: discord.RawReactionActionEvent) -> None:
        """Somebody took a reaction back."""
        await self._reacted(payload, added=False)

    async def on_interaction(self, interaction: discord.Interaction[Client]) -> None:
        """A form was sent; commands and buttons have their own ways."""
        if interaction.type is discord.InteractionType.modal_submit:
            await judging.submitted(interaction)

    async def on_error(self, event_method: str, /, *_args: Any, **_kwargs: Any) -> None:
        """An event's handler failed."""
        log.exception("an event of discord could not be handled", event=event_method)

    async def pressed(self, interaction: discord.Interaction[Client], press: Press) -> None:
        """Somebody used a button."""
        if isinstance(press, Confirming):
            await answers.attend(interaction, answers.confirmed(interaction, press))
        else:
            await judging.clicked(interaction, press)

    async def end(self) -> None:
        """Take nothing more in, let running replies finish, and leave."""
        await self.watching.close(0)
        await self.walks.close()
        await self._keep_cursor()
        await self.close()

    async def _attend(self, message: discord.Message) -> None:
        """The walk of one message. One that is cut off is looked up by the next process."""
        if self._can_answer(message):
            await self._answer(message)
        self.trail.settle(message.id)
        await self._keep_cursor()

    async def _keep_cursor(self) -> None:
        """Let the next process begin here, unless a shard may have missed something before.

        What was settled while the last position was being written is kept with one more write.
        """
        async with self._keeping:
            settled = self.trail.settled
            if settled in (0, self._kept):
                return
            if len(self.trail.listening) == self.shard_count:
                await self.room.keep_cursor("discord", settled)
                self._kept = settled

    async def _answer(self, message: discord.Message) -> None:
        """Hand a message to the house, as it is once all of it has been looked up."""
        place = self.place(message.channel.id, message.guild.id if message.guild else None)
        answered, newest = answered_id(message), self.trail.newest_of
        known = answered and await self.room.exchange_of(place, str(answered))
        read, most = None, self._attachment_chars
        while read is not newest(message):  # it was changed meanwhile
            read = newest(message)
            said = await message_of(read, self.me, known=bool(known), attachment_chars=most)
        if not self.trail.is_deleted(message.id):
            outlet = self._posting(MessageSurface(message), message.channel.id)
            await attend(self.room.message(said, outlet), outlet)

    def _can_answer(self, message: discord.Message) -> bool:
        """Whether the bot may speak in a message's channel; says once for each channel if not."""
        channel, guild = message.channel, message.guild
        if guild is None or not isinstance(channel, discord.abc.GuildChannel | discord.Thread):
            return True
        thread = isinstance(channel, discord.Thread)
        missing = missing_to_answer(channel.permissions_for(guild.me), thread=thread)
        if not missing:
            self._closed_to.discard(channel.id)
        elif channel.id not in self._closed_to:
            self._closed_to.add(channel.id)
            log.warning("the bot may not answer in a channel", channel=channel.id, missing=missing)
        return not missing

    async def _put_off(self, message: discord.Message) -> None:
        if is_addressed(message, self.me) and not message.author.bot and self._can_answer(message):
            await MessageSurface(message).whisper(RESTARTING)

    async def _follow(self, message: discord.Message) -> None:
        place = self.place(message.channel.id, message.guild.id if message.guild else None)
        text = await whole_text_of(message, self.me, self._attachment_chars)
        if self.trail.newest_of(message) is not message:
            return  # changed again
        if text:
            await self.room.edited(place, str(message.id), text)
        else:
            await self.room.deleted(place, [str(message.id)])

    async def _deleted(self, channel: int, guild: int | None, messages: Collection[int]) -> None:
        self.trail.delete(messages)
        ids = [str(number) for number in messages]
        self.walks.begin(self.room.deleted(self.place(channel, guild), ids))

    async def _reacted(self, payload: discord.RawReactionActionEvent, *, added: bool) -> None:
        if payload.user_id != self.me and reactions.vote_of(payload.emoji.name or ""):
            self.walks.begin(reactions.reacted(self, payload, added=added))

    async def _catch_up(self, shard: int) -> None:
        """Hand over what was said, and which thumbs were given, while there was no session."""
        since = missed.horizon(discord.utils.utcnow(), self._seen)
        found = await missed.messages_of_late(self, shard)
        for message in found:
            if message.id > since:
                await self.on_message(message)
        self.trail.listening.add(shard)
        for message in found:
            if message.author.id == self.me:
                await reactions.missed(self, message)

    async def _give(self, interaction: discord.Interaction[Client], line: str) -> None:
        await answers.attend(interaction, answers.command(interaction, line))

    async def _chat(self, interaction: discord.Interaction[Client], line: str) -> None:
        text = line.removeprefix("/chat").strip()[: commands.LONGEST_CHAT]
        await answers.attend(interaction, answers.chatted(interaction, text))

    def _posting(self, surface: Surface, channel: int | None) -> Posting:
        return Posting(
            surface,
            self.pace,
            channel=str(channel),
            every=self.every,
            max_chars=MAX_CHARS,
            length=utf16,  # how Discord counts is written nowhere; this is the longest way
        )
