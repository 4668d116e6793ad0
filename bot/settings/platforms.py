"""Settings of the platforms: tokens, addresses, and who is who."""

from __future__ import annotations

import re
from typing import Final

from pydantic import BaseModel, Field, SecretStr, field_validator

from bot.domain import Person, Role
from bot.settings.words import Words

_PERSON: Final = re.compile(r"^(discord|telegram|terminal|web):[^\s,:]+$")
_COMMUNITY: Final = re.compile(r"^(discord|telegram):-?\d+$")


class PlatformSettings(BaseModel):
    """Where the bot talks, and to whom it listens."""

    discord_token: SecretStr = Field(
        SecretStr(""), description="Token of the Discord bot; empty leaves Discord out."
    )
    discord_api_base: str = Field(
        "", description="Another Discord REST address (a proxy or a local server)."
    )
    discord_gateway: str = Field("", description="Another Discord gateway address.")
    discord_shards: int = Field(
        0, ge=0, le=1000, description="Gateway connections to Discord; 0 is as many as it advises."
    )
    telegram_token: SecretStr = Field(
        SecretStr(""), description="Token of the Telegram bot; empty leaves Telegram out."
    )
    telegram_api_base: str = Field(
        "", description="Another Telegram Bot API address (a self-hosted server)."
    )
    telegram_webhook_url: str = Field(
        "", description="Public https address for Telegram's updates; empty is long polling."
    )
    telegram_webhook_listen: str = Field(
        "127.0.0.1:8443", description="Where the webhook listens, behind your proxy: host:port."
    )
    telegram_webhook_secret: SecretStr = Field(
        SecretStr(""), description="Secret that Telegram sends along; empty makes one each start."
    )
    communities: Words = Field(
        (),
        description="Servers and groups whose own moderators count, as discord:ID; empty is all.",
    )
    console: bool = Field(True, description="Whether `run` opens the web console.")
    console_listen: str = Field(
        "127.0.0.1:8080", description="Where the web console listens: host:port."
    )
    console_key: SecretStr = Field(
        SecretStr(""), description="Key of the web console; empty makes one and keeps it."
    )
    admins: Words = Field(
        ("terminal:owner",),
        description="Who may train and roll back: discord:ID, telegram:ID, terminal:NAME, ...",
    )
    moderators: Words = Field((), description="Who may judge replies, in the form of ADMINS.")

    @field_validator("admins", "moderators")
    @classmethod
    def _people(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for person in value:
            if not _PERSON.match(person):
                raise ValueError(
                    f"takes people such as discord:123456 or terminal:ana, not {person!r}"
                )
        return value

    @field_validator("communities")
    @classmethod
    def _places(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for place in value:
            if not _COMMUNITY.match(place):
                raise ValueError(f"takes communities such as discord:123456, not {place!r}")
        return value

    @field_validator("console_listen", "telegram_webhook_listen")
    @classmethod
    def _address(cls, value: str) -> str:
        host, _, port = value.rpartition(":")
        if not host or not port.isdecimal() or not 0 <= int(port) < 65536:
            raise ValueError(f"takes an address such as 127.0.0.1:8080, not {value!r}")
        return value

    def role_of(self, person: Person) -> Role:
        """The higher of what these settings and the platform grant a person."""
        named = (
            Role.ADMIN
            if person.key in self.admins
            else Role.MODERATOR
            if person.key in self.moderators
            else Role.MEMBER
        )
        return named if named.may_act_as(person.role) else person.role
