"""Messages that came while nobody listened: after a lost session, or between two processes."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

import discord
import structlog
from discord.abc import Messageable

from bot.platforms.discord.surface import TROUBLES

if TYPE_CHECKING:
    from bot.platforms.discord.client import Client

log = structlog.get_logger()

WITHIN: Final = timedelta(minutes=10)
"""Older messages are left alone: an answer would surprise more than help."""

MOST_CHANNELS: Final = 50
MOST_MESSAGES: Final = 100
MOST_CHANGES: Final = 1000
"""Edits and deletions that are kept in mind; they matter while their message is being read."""


class Trail:
    """What was seen lately: the messages of the last ten minutes, and the channels they were in.

    `newest` is the id of the newest message ever seen; ids grow with time. `listening` are the
    shards that have missed nothing up to now.
    """

    def __init__(self) -> None:
        self.newest = 0
        self.listening: set[int] = set()
        self._messages: dict[int, bool] = {}
        self._channels: dict[int, None] = {}
        self._edits: dict[int, discord.Message] = {}
        self._deleted: deque[int] = deque(maxlen=MOST_CHANGES)

    def note(self, channel: int, message: int) -> bool:
        """Take a message down; whether it is new."""
        if message in self._messages:
            return False
        self.newest = max(self.newest, message)
        self._messages[message] = False
        self._channels.pop(channel, None)
        self._channels[channel] = None  # the most recent one is last
        horizon = discord.utils.time_snowflake(
            discord.utils.snowflake_time(self.newest) - 2 * WITHIN
        )
        while (oldest := next(iter(self._messages))) < horizon:
            del self._messages[oldest]
        while len(self._channels) > MOST_CHANNELS:
            del self._channels[next(iter(self._channels))]
        return True

    def settle(self, message: int) -> None:
        """A message that was noted needs no more attention."""
        self._messages[message] = True

    def edit(self, message: discord.Message) -> None:
        """A message was changed: this is what it says by now."""
        self._edits.pop(message.id, None)
        self._edits[message.id] = message
        if len(self._edits) > MOST_CHANGES:
            del self._edits[next(iter(self._edits))]

    def newest_of(self, message: discord.Message) -> discord.Message:
        """A message as it was changed last."""
        return self._edits.get(message.id, message)

    def delete(self, messages: Collection[int]) -> None:
        """Messages were deleted."""
        self._deleted.extend(messages)
        for message in messages:
            self._edits.pop(message, None)

    def is_deleted(self, message: int) -> bool:
        """Whether a message was deleted, of late."""
        return message in self._deleted

    @property
    def settled(self) -> int:
        """The id up to which no message needs attention; 0 if none was seen."""
        open_ = [message for message, settled in self._messages.items() if not settled]
        return min(open_) - 1 if open_ else self.newest

    def to_look_into(
        self, latest: Iterable[tuple[int, int]], direct: Iterable[int], since: int
    ) -> list[int]:
        """The channels to look into: of a server where something new was said, of late, direct.

        Args:
            latest: the channels of servers, each with the id of its last message.
            direct: direct chats, for which Discord tells no such id.
        """
        news = [
            (last, channel)
            for channel, last in latest
            if last > since and last not in self._messages
        ]
        found = [channel for _, channel in sorted(news, reverse=True)]
        found += [channel for channel in reversed(self._channels) if channel not in found]
        del found[MOST_CHANNELS:]
        return found + [channel for channel in direct if channel not in found]


def horizon(now: datetime, seen: int) -> int:
    """The id after which messages are looked at: what was seen before, or ten minutes ago."""
    return max(seen, discord.utils.time_snowflake(now - WITHIN))


def latest_in(guilds: Iterable[discord.Guild]) -> Iterator[tuple[int, int]]:
    """All channels and threads where people write, each with the id of its last message."""
    for guild in guilds:
        channels: list[discord.TextChannel | discord.VoiceChannel | discord.Thread] = []
        channels += guild.text_channels
        channels += guild.voice_channels
        channels += guild.threads
        for channel in channels:
            if channel.last_message_id is not None:
                yield channel.id, channel.last_message_id


async def messages_of_late(client: Client, shard: int) -> list[discord.Message]:
    """What was said, by whomever, in the last ten minutes where a shard listens, oldest first."""
    since = horizon(discord.utils.utcnow(), 0)
    guilds = [guild for guild in client.guilds if guild.shard_id == shard]
    direct: list[int] = []
    if shard == 0:  # the one that direct messages come to
        known = await client.room.direct_channels("discord", MOST_CHANNELS)
        direct = [int(channel) for channel in known if channel.isdecimal()]
    found: list[discord.Message] = []
    for number in client.trail.to_look_into(latest_in(guilds), direct, since):
        channel = client.get_channel(number) or client.get_partial_messageable(number)
        if not isinstance(channel, Messageable):
            continue
        after = discord.Object(since)
        try:
            found += [m async for m in channel.history(limit=MOST_MESSAGES, after=after)]
        except TROUBLES as error:
            log.info("cannot look for missed messages", channel=number, error=str(error))
    return sorted(found, key=lambda message: message.id)
