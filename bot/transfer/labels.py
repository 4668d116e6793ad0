"""How channels, raters and exchanges of the store are called in a file."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from bot.domain import Channel, Exchange, Member, Prompt
from bot.transfer.lines import Example, clean, clean_name

PLATFORM: Final = "import"
"""The platform, community, origin and base model of what was imported."""


def channel_labels(channels: Iterable[Channel]) -> dict[int, str]:
    """What each channel is called: as it was imported, or by a number that tells nothing."""
    return {
        channel.id: channel.place.channel
        if channel.place.platform == PLATFORM
        else f"channel-{channel.id}"
        for channel in channels
    }


def rater_label(member: Member) -> str:
    """What a rater is called: as imported, or by a number that tells nothing."""
    return member.external_id if member.platform == PLATFORM else f"member-{member.id}"


def example_of(exchange: Exchange, channel: str) -> Example:
    """The exchange as a line says it, unrated; it may be one that no line can hold."""
    turns = tuple(
        replace(
            turn,
            text=clean(turn.text),
            speaker=clean_name(turn.speaker) if turn.role == "user" else "",
            member=None,
        )
        for turn in exchange.prompt.turns
    )
    said = tuple(turn for turn in turns if turn.text.strip())
    prompt = Prompt(clean(exchange.prompt.persona), said)
    return Example(prompt, clean(exchange.reply), channel)
