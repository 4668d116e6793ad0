"""Messages that came while nobody listened: after a lost session, or between two processes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Final

import discord
import structlog
from discord.abc import Messageable

log = structlog.get_logger()

WITHIN: Final = timedelta(minutes=10)
"""Older messages are left alone: an answer would surprise more than help."""

MOST_CHANNELS: Final = 50
MOST_MESSAGES: Final = 100


class Trail:
    """What was seen lately: the messages of the last ten minutes, and the channels they were in.

    `newest` is the id of the newest message ever seen; ids grow with time.
    """

    def __init__(self) -> None:
        self.newest = 0
        self._messages: dict[int, None] = {}
        self._channels: dict[int, None] = {}

    def note(self, channel: int, message: int) -> bool:
        """Take a message down; whether it is new."""
        if message in self._messages:
            return False
        self.newest = max(self.newest, message)
        self._messages[message] = None
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

    def to_look_into(self, latest: Iterable[tuple[int, int]], since: int) -> list[int]:
        """The channels to look into, out of all with the id of their last message.

        These are the ones where something was said since, that was not seen, and those of late,
        for direct chats are not listed.
        """
        news = [
            (last, channel)
            for channel, last in latest
            if last > since and last not in self._messages
        ]
        found = [channel for _, channel in sorted(news, reverse=True)]
        found += [channel for channel in reversed(self._channels) if channel not in found]
        return found[:MOST_CHANNELS]


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


async def messages_since(
    client: discord.Client, channels: Iterable[int], since: int
) -> list[discord.Message]:
    """The messages in these channels after an id, oldest first. What cannot be read is left out."""
    found: list[discord.Message] = []
    for number in channels:
        channel = client.get_channel(number) or client.get_partial_messageable(number)
        if not isinstance(channel, Messageable):
            continue
        after = discord.Object(since)
        try:
            found += [m async for m in channel.history(limit=MOST_MESSAGES, after=after)]
        except discord.HTTPException as error:
            log.info("cannot look for missed messages", channel=number, error=str(error))
    return sorted(found, key=lambda message: message.id)
