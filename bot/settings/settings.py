"""All settings together, and how they are read."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from bot.errors import SettingsError
from bot.settings.learning import LearnSettings
from bot.settings.platforms import PlatformSettings
from bot.settings.talking import TalkSettings


class HouseSettings(BaseModel):
    """Where things are."""

    data_dir: Path = Field(Path("data"), description="Directory that holds all state.")
    database_url: str = Field(
        "", description="SQLAlchemy URL of the database; empty is SQLite under DATA_DIR."
    )
    base_model: str = Field(
        "embedded", description="Causal language model: a directory, a hub id, or `embedded`."
    )
    device: Literal["auto", "cpu", "cuda"] = Field(
        "auto", description="Where the model runs: auto, cpu or cuda."
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", description="Least severe level that is logged: DEBUG, INFO, WARNING or ERROR."
    )
    log_format: Literal["auto", "json", "text"] = Field(
        "auto", description="Log lines: json, text, or auto (text on a terminal)."
    )

    @field_validator("data_dir")
    @classmethod
    def _plain(cls, value: Path) -> Path:
        if "?" in str(value):
            raise ValueError("takes a path without a question mark, which database URLs read")
        return value


class Settings(LearnSettings, TalkSettings, PlatformSettings, HouseSettings, BaseSettings):
    """The settings of the bot and its learner. Names in capitals are the environment's."""

    model_config = SettingsConfigDict(
        env_file=".env", extra="ignore", frozen=True, validate_default=True
    )

    @field_validator("*", mode="before")
    @classmethod
    def _empty(cls, value: Any, info: ValidationInfo) -> Any:
        """Empty means the default, except where it means something: no text, nobody, no words."""
        default = cls.model_fields[info.field_name or ""].default
        may_be_empty = default == "" or info.field_name == "persona"
        if value == "" and not may_be_empty and not isinstance(default, (tuple, SecretStr)):
            return default
        return value

    @property
    def database(self) -> str:
        """The database URL in force."""
        return self.database_url or f"sqlite+aiosqlite:///{self.data_dir / 'thumbwise.db'}"

    @property
    def adapters_dir(self) -> Path:
        """Where adapter versions are published."""
        return self.data_dir / "adapters"

    @property
    def models_dir(self) -> Path:
        """Where the embedded model is kept once it is turned into a directory."""
        return self.data_dir / "models"


def load(**overrides: Any) -> Settings:
    """Read the settings. Raises `SettingsError`, one sentence a wrong value, without the value of
    a secret."""
    try:
        return Settings(**overrides)
    except ValidationError as error:
        raise SettingsError("\n".join(_sentence(problem) for problem in error.errors())) from None


def prepared(**overrides: Any) -> Settings:
    """Read the settings, and make DATA_DIR, which nobody else on this machine may look into."""
    settings = load(**overrides)
    try:
        settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise SettingsError(f"DATA_DIR cannot be made: {error.strerror or error}.") from error
    return settings


def _sentence(problem: Any) -> str:
    message = str(problem["msg"]).removeprefix("Value error, ")
    if not problem["loc"]:
        return f"{message}."
    name = str(problem["loc"][0])
    takes = (
        message
        if message.startswith("takes")
        else f"cannot be used: {message[0].lower()}{message[1:]}"
    )
    field = Settings.model_fields[name]
    return f"{name.upper()} {takes}. It means: {field.description}"
