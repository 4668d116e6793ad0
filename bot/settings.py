"""Every setting, its default and its one line of meaning. `.env.example` is written from here.

Read from the environment, then from `.env` in the working directory. No instance is made at
import; `load()` turns a wrong value into one plain sentence that names the variable.
"""

from __future__ import annotations

import re
from datetime import time
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from bot.domain import Person, Role, Sampling
from bot.errors import SettingsError

Words = Annotated[tuple[str, ...], NoDecode]
"""A comma-separated list in the environment. A backslash-n in a word stands for a line break."""

_PERSON = re.compile(r"^(discord|telegram|terminal|web):[^\s,:]+$")
_COMMUNITY = re.compile(r"^(discord|telegram):-?\d+$")
_QUIET = re.compile(r"^([01]?\d|2[0-3]):([0-5]\d)-([01]?\d|2[0-3]):([0-5]\d)$")


class Settings(BaseSettings):
    """The settings of the bot and its learner. Names in capitals are the environment's."""

    model_config = SettingsConfigDict(
        env_file=".env", extra="ignore", frozen=True, validate_default=True
    )

    # Where things are
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

    # Platforms
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

    # Talking
    persona: str = Field(
        "You are Thumbwise, a friendly and helpful member of this chat.",
        description="The system prompt; a channel can have its own.",
    )
    consent: Literal["opt-out", "opt-in"] = Field(
        "opt-out",
        description="Whether replies to a member who has not chosen may be trained on.",
    )
    context_tokens: int = Field(
        1024, ge=64, le=131072, description="Most tokens of conversation in one prompt."
    )
    member_rate: int = Field(
        12, ge=1, le=10000, description="Most replies to one member in a minute."
    )
    channel_rate: int = Field(60, ge=1, le=10000, description="Most replies in a channel a minute.")
    message_chars: int = Field(
        4000, ge=100, le=100000, description="Longest message that is read, in characters."
    )

    attachment_chars: int = Field(
        8000, ge=0, le=100000, description="Most characters read of a text file; 0 reads none."
    )

    # Sampling
    temperature: float = Field(0.7, ge=0, le=5, description="Randomness of replies; 0 is greedy.")
    top_p: float = Field(0.9, gt=0, le=1, description="Nucleus of probability sampled from.")
    top_k: int = Field(40, ge=0, le=100000, description="Most likely tokens considered; 0 is all.")
    repetition_penalty: float = Field(
        1.1,
        ge=1,
        le=3,
        description="How much a reply avoids what it said; 1 is not at all.",
    )
    max_new_tokens: int = Field(160, ge=1, le=8192, description="Longest reply, in tokens.")
    stop: Words = Field((), description="Strings that end a reply, separated by commas.")
    banned_words: Words = Field((), description="Words that no reply may contain.")
    seed: int | None = Field(
        None, ge=0, lt=2**63, description="Fixed seed of every reply; empty draws a new one each."
    )

    # Generator
    threads: int = Field(0, ge=0, le=256, description="CPU threads of the generator; 0 is all.")
    max_batch: int = Field(8, ge=1, le=256, description="Most replies written side by side.")
    max_queue: int = Field(32, ge=0, le=10000, description="Most replies that wait for a place.")
    cache_mb: int = Field(
        512, ge=0, le=1_000_000, description="Memory for conversations kept warm, in MiB."
    )

    # Learning: when
    learn: bool = Field(True, description="Whether the learner runs beside the bot.")
    learn_every: int = Field(
        360, ge=1, le=100000, description="Minutes between looks at whether a round is due."
    )
    learn_cron: str = Field(
        "", description="Cron expression (five fields) to look by, instead of LEARN_EVERY."
    )
    learn_quiet_hours: str = Field(
        "", description="Hours without scheduled rounds, local time, such as 18:00-23:30."
    )
    learn_min_verdicts: int = Field(
        20, ge=1, le=1_000_000, description="New verdicts that make a scheduled round due."
    )

    # Learning: what and how
    min_examples: int = Field(
        8, ge=2, le=1_000_000, description="Fewest approved replies that a round can learn from."
    )
    refit_limit: int = Field(
        2000,
        ge=0,
        le=10_000_000,
        description="Up to this many approved replies, train from the base model on all of them.",
    )
    replay_share: float = Field(
        0.5, ge=0, lt=1, description="Share of earlier approvals in the training set of a round."
    )
    anchor_share: float = Field(
        0.25, ge=0, lt=1, description="Share of anchors (answers of the base model) in training."
    )
    anchor_weight: float = Field(
        1.0, ge=0, le=100, description="How firmly anchors hold the model; 1 is like an example."
    )
    rater_share: float = Field(
        0.5, gt=0, le=1, description="Largest share of a round's new examples from one rater."
    )
    held_out_share: float = Field(
        0.15, gt=0, le=0.5, description="Share of approved replies kept for the evaluation."
    )
    lora_rank: int = Field(16, ge=1, le=512, description="Rank of the adapter.")
    lora_alpha: int = Field(32, ge=1, le=1024, description="Scale of the adapter times its rank.")
    lora_dropout: float = Field(0.05, ge=0, lt=1, description="Dropout before the adapter.")
    learning_rate: float = Field(3e-4, gt=0, le=1, description="Peak learning rate of AdamW.")
    epochs: int = Field(4, ge=1, le=1000, description="Most passes over the training set.")
    batch_examples: int = Field(
        8, ge=1, le=4096, description="Examples that make one optimiser step."
    )
    example_tokens: int = Field(
        512, ge=32, le=131072, description="Longest training example; older turns are cut first."
    )
    training_dtype: Literal["auto", "float32", "bfloat16"] = Field(
        "auto",
        description="What a CPU multiplies in while training; auto is bfloat16 if built for it.",
    )
    learner_threads: int = Field(
        1, ge=1, le=256, description="CPU threads of the learner, which runs beside the chat."
    )
    learn_seed: int = Field(1, ge=0, lt=2**31, description="Seed of splits, order and dropout.")

    # Learning: the gate
    gate_min_gain: float = Field(
        0.01, ge=-1, le=1, description="Fall of held-out loss that a new adapter must show (share)."
    )
    gate_max_forgetting: float = Field(
        0.05, ge=0, le=10, description="Largest rise of loss on older approvals (share)."
    )
    gate_max_drift: float = Field(
        0.05, ge=0, le=10, description="Largest rise of loss on anchors against the base (share)."
    )
    gate_min_ending: float = Field(
        0.7, ge=0, le=1, description="Least share of sample replies that end by themselves."
    )
    gate_max_repeating: float = Field(
        0.2, ge=0, le=1, description="Largest share of sample replies that repeat themselves."
    )

    gate_max_empty: float = Field(
        0.1, ge=0, le=1, description="Largest share of sample replies that are empty."
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

    @field_validator("admins", "moderators", "communities", "stop", "banned_words", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        words = (word.strip(" ").replace("\\n", "\n") for word in value.split(","))
        return tuple(word for word in words if word)

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

    @field_validator("learn_quiet_hours")
    @classmethod
    def _quiet(cls, value: str) -> str:
        if value and not _QUIET.match(value):
            raise ValueError("takes two times of day such as 18:00-23:30")
        return value

    @field_validator("learn_cron")
    @classmethod
    def _cron(cls, value: str) -> str:
        if value:
            from apscheduler.triggers.cron import CronTrigger

            try:
                CronTrigger.from_crontab(value)
            except ValueError as error:
                raise ValueError(
                    f"takes a cron expression of five fields such as '0 3 * * *' ({error})"
                ) from error
        return value

    @model_validator(mode="after")
    def _shares(self) -> Settings:
        if self.replay_share + self.anchor_share >= 1:
            raise ValueError(
                "REPLAY_SHARE and ANCHOR_SHARE together must stay below 1, to leave room for "
                "new examples"
            )
        return self

    @property
    def sampling(self) -> Sampling:
        """The sampling that chat replies use."""
        return Sampling(
            temperature=self.temperature,
            top_p=self.top_p,
            top_k=self.top_k,
            repetition_penalty=self.repetition_penalty,
            max_new_tokens=self.max_new_tokens,
            stop=self.stop,
            banned_words=self.banned_words,
        )

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

    @property
    def quiet_hours(self) -> tuple[time, time] | None:
        """Start and end of the quiet hours in local time, or None."""
        found = _QUIET.match(self.learn_quiet_hours)
        if not found:
            return None
        h1, m1, h2, m2 = map(int, found.groups())
        return time(h1, m1), time(h2, m2)

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
