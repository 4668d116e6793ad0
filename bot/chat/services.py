"""What the chat room needs from the rest of the house, handed in by the composition root."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from bot.chat.limits import Limits
from bot.generator.protocol import Generator
from bot.settings import Settings
from bot.store.database import Database


@dataclass(frozen=True)
class Services:
    """The chat's dependencies; tests pass a fake generator, a fixed clock and fixed seeds.

    `now` gives aware datetimes; `draw_seed` gives the seed of a reply.
    """

    database: Database
    generator: Generator
    settings: Settings
    now: Callable[[], datetime]
    draw_seed: Callable[[], int]
    limits: Limits = field(init=False)

    def __post_init__(self) -> None:
        """Make the limits that go with the settings."""
        limits = Limits(
            member_rate=self.settings.member_rate, channel_rate=self.settings.channel_rate
        )
        object.__setattr__(self, "limits", limits)
