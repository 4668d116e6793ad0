"""All settings together, and how they are read."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final, Literal

from dotenv.parser import parse_stream
from pydantic import BaseModel, Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, DotEnvSettingsSource, SettingsConfigDict

from bot.errors import SettingsError
from bot.settings import sentences
from bot.settings.learning import LearnSettings
from bot.settings.platforms import PlatformSettings
from bot.settings.talking import TalkSettings

_HALF: Final = re.compile(r"[\ud800-\udfff]")
"""What Python makes of bytes in the environment that are not UTF-8."""


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
        try:
            value = value.expanduser()  # no shell does it in `.env` or in a service's file
        except RuntimeError:
            raise ValueError("takes a path; nobody here has the home that ~ stands for") from None
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
        """Empty means the default, except where it means something: no text, nobody, no words.

        Bytes of the environment that are no text are refused here, before they are kept anywhere.
        """
        if isinstance(value, str) and _HALF.search(value):
            raise ValueError("takes UTF-8 text")
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
        if lines := _unreadable_lines():
            raise SettingsError("\n".join(map(sentences.unreadable, lines)))
        return Settings(**overrides)
    except ValidationError as error:
        problems = [sentences.about(problem, Settings.model_fields) for problem in error.errors()]
        raise SettingsError("\n".join(problems)) from None
    except UnicodeDecodeError:
        raise SettingsError(".env is not UTF-8 text; save it as UTF-8.") from None
    except OSError as error:
        raise SettingsError(f".env cannot be read: {error.strerror or error}.") from error


def _unreadable_lines() -> list[int]:
    """The lines of `.env`, counted from 1, that set nothing: no statements, or no value in them.

    Their numbers only: what stands there may be a secret.
    """
    file = Path(".env")
    if not file.is_file():  # there need not be one; a named pipe can be read only once
        return []
    with file.open(encoding="utf-8") as stream:
        wrong = [
            binding.original
            for binding in parse_stream(stream)
            if binding.error or (binding.key is not None and binding.value is None)
        ]
    return [one.line + _blank_lines(one.string) for one in wrong]


def _blank_lines(statement: str) -> int:
    return statement[: -len(statement.lstrip())].count("\n")


def unknown_names() -> list[str]:
    """A sentence for each name in `.env` (not: in the environment) that is no setting."""
    known = Settings.model_fields
    named = DotEnvSettingsSource(Settings).env_vars
    return [sentences.unknown(name, known) for name in named if name not in known]


def prepared(**overrides: Any) -> Settings:
    """Read the settings, and make DATA_DIR, which nobody else on this machine may look into."""
    settings = load(**overrides)
    try:
        settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise SettingsError(f"DATA_DIR cannot be made: {error.strerror or error}.") from error
    return settings
