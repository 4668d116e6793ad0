"""Settings of the platforms: tokens, addresses, and who is who."""

from __future__ import annotations

import re
from typing import Final

from pydantic import BaseModel, Field, SecretStr, ValidationInfo, field_validator

from bot.domain import Person, Role
from bot.settings.addresses import is_listening_place, is_url
from bot.settings.words import Words

_PERSON: Final = re.compile(r"(discord|telegram):[0-9]+|(terminal|web):[^\s,:]+")
_COMMUNITY: Final = re.compile(r"(discord|telegram):-?[0-9]+")
_SECRET: Final = re.compile(r"[A-Za-z0-9_-]{0,256}")


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
        for place, person in enumerate(value, start=1):
            if not _PERSON.fullmatch(person):
                raise ValueError(
                    "takes people such as terminal:ana or, always by number, discord:123456 and "
                    f"telegram:123456; entry {place} is none"
                )
        return value

    @field_validator("communities")
    @classmethod
    def _places(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for place, community in enumerate(value, start=1):
            if not _COMMUNITY.fullmatch(community):
                raise ValueError(
                    "takes communities such as discord:123456 or telegram:-100123456; "
                    f"entry {place} is none"
                )
        return value

    @field_validator("console_listen", "telegram_webhook_listen")
    @classmethod
    def _place(cls, value: str) -> str:
        if not is_listening_place(value):
            raise ValueError("takes host:port, such as 127.0.0.1:8080")
        return value

    @field_validator("discord_api_base", "telegram_api_base")
    @classmethod
    def _server(cls, value: str) -> str:
        if value and not is_url(value, "http", "https"):
            raise ValueError(
                "takes an address such as https://example.org or http://127.0.0.1:8081"
            )
        return value

    @field_validator("discord_gateway")
    @classmethod
    def _gateway(cls, value: str) -> str:
        if value and not is_url(value, "ws", "wss"):
            raise ValueError("takes an address such as wss://example.org or ws://127.0.0.1:8081")
        return value

    @field_validator("telegram_webhook_url")
    @classmethod
    def _webhook(cls, value: str, info: ValidationInfo) -> str:
        if not value or is_url(value, "https"):
            return value
        if info.data.get("telegram_api_base") and is_url(value, "http"):
            return value  # a Bot API server of one's own takes http as well
        raise ValueError("takes an https address, such as https://bot.example.org/telegram")

    @field_validator("telegram_webhook_secret")
    @classmethod
    def _header(cls, value: SecretStr) -> SecretStr:
        if not _SECRET.fullmatch(value.get_secret_value()):
            raise ValueError("takes up to 256 letters, digits, underscores and hyphens")
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
