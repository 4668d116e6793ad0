"""The schema as it is now. Every change comes with a revision in migrations/versions/."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    UniqueConstraint,
    text,
)

from bot.domain import (
    AdapterState,
    ChannelKind,
    ChannelMode,
    FeedbackKind,
    Finish,
    Part,
    RequestKind,
    Role,
    RoundState,
    Ruling,
)
from bot.store.types import UtcDateTime, Words

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(column_0_label)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _id() -> Column[int]:
    return Column("id", Integer, primary_key=True)


def _at(name: str = "created_at", **options: Any) -> Column[datetime]:
    return Column(name, UtcDateTime, **({"nullable": False} | options))


def _link(name: str, target: str, **options: Any) -> Column[int]:
    return Column(name, Integer, ForeignKey(f"{target}.id"), **({"nullable": False} | options))


def _choice(name: str, choices: type[StrEnum]) -> tuple[Column[str], CheckConstraint]:
    allowed = ", ".join(f"'{choice.value}'" for choice in choices)
    return Column(name, String(20), nullable=False), CheckConstraint(
        f"{name} IN ({allowed})", name=name
    )


_NEVER_REUSED: dict[str, Any] = {"sqlite_autoincrement": True}

communities = Table(
    "communities",
    metadata,
    _id(),
    Column("platform", String(20), nullable=False),
    Column("external_id", String(100), nullable=False),
    Column("name", Words, nullable=False, default=""),
    _at(),
    UniqueConstraint("platform", "external_id"),
)

channels = Table(
    "channels",
    metadata,
    _id(),
    _link("community_id", "communities"),
    Column("external_id", String(100), nullable=False),
    Column("name", Words, nullable=False, default=""),
    *_choice("kind", ChannelKind),
    *_choice("mode", ChannelMode),
    Column("persona", Words, nullable=False, default=""),
    Column("reset_position", Integer, nullable=False, default=0),
    Column("announce", Boolean),
    _at(),
    UniqueConstraint("community_id", "external_id"),
)

members = Table(
    "members",
    metadata,
    _id(),
    Column("platform", String(20), nullable=False),
    Column("external_id", String(100), nullable=False),
    Column("name", Words, nullable=False, default=""),
    *_choice("role", Role),
    Column("answered", Boolean, nullable=False, default=True),
    Column("remembered", Boolean, nullable=False, default=True),
    Column("trained", Boolean),
    Column("trust", Float, nullable=False, default=1.0),
    _at(),
    UniqueConstraint("platform", "external_id"),
    CheckConstraint("trust BETWEEN 0 AND 1", name="trust"),
)

exchanges = Table(
    "exchanges",
    metadata,
    _id(),
    _link("channel_id", "channels", index=True),
    _link("asker_id", "members", nullable=True, index=True),
    Column("prompt", JSON, nullable=False),
    Column("reply", Words, nullable=False),
    Column("adapter", Integer, nullable=False),
    Column("base_model", String(64), nullable=False),
    Column("sampling", JSON, nullable=False),
    Column("seed", BigInteger, nullable=False),
    *_choice("finish", Finish),
    Column("prompt_tokens", Integer, nullable=False),
    Column("reply_tokens", Integer, nullable=False),
    Column("latency_ms", Integer, nullable=False),
    Column("first_token_ms", Integer, nullable=False),
    Column("origin", String(20), nullable=False),
    # No foreign key: SQLite can add none to a table that exists.
    Column("retry_of", Integer, index=True),
    _at(),
    **_NEVER_REUSED,
)

messages = Table(
    "messages",
    metadata,
    _id(),
    _link("channel_id", "channels"),
    Column("position", Integer, nullable=False),
    Column("external_id", String(100)),
    Column("reply_to", String(100)),
    _link("member_id", "members", nullable=True, index=True),
    _link("exchange_id", "exchanges", nullable=True, index=True),
    Column("speaker", Words, nullable=False, default=""),
    Column("text", Words, nullable=False),
    _at(),
    UniqueConstraint("channel_id", "position"),
    Index("ix_messages_seen", "channel_id", "external_id", unique=True),
)

deliveries = Table(
    "deliveries",
    metadata,
    _link("channel_id", "channels", primary_key=True),
    Column("external_id", String(100), primary_key=True),
    _link("exchange_id", "exchanges", index=True),
)

feedback = Table(
    "feedback",
    metadata,
    _id(),
    _link("exchange_id", "exchanges", index=True),
    _link("member_id", "members", index=True),
    *_choice("kind", FeedbackKind),
    Column("text", Words, nullable=False, default=""),
    Column("via", String(20), nullable=False, default=""),
    _at(index=True),
    **_NEVER_REUSED,
)

decisions = Table(
    "decisions",
    metadata,
    _id(),
    _link("exchange_id", "exchanges", index=True),
    _link("moderator_id", "members", index=True),
    *_choice("ruling", Ruling),
    Column("text", Words, nullable=False, default=""),
    _at(index=True),
    **_NEVER_REUSED,
)

rounds = Table(
    "rounds",
    metadata,
    _id(),
    *_choice("state", RoundState),
    Column("trigger", String(20), nullable=False),
    _link("requested_by", "members", nullable=True),
    Column("base_model", String(64), nullable=False),
    Column("seed", BigInteger, nullable=False),
    Column("progress", JSON, nullable=False),
    Column("report", JSON, nullable=False),
    Column("reason", Words, nullable=False, default=""),
    Column("adapter", Integer, ForeignKey("adapters.version")),
    _at(),
    _at("started_at", nullable=True),
    _at("finished_at", nullable=True),
    **_NEVER_REUSED,
)

adapters = Table(
    "adapters",
    metadata,
    Column("version", Integer, primary_key=True),
    Column("base_model", String(64), nullable=False),
    Column("parent", Integer, nullable=False),
    *_choice("state", AdapterState),
    Column("directory", String(100), nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("metrics", JSON, nullable=False),
    Column("reason", Words, nullable=False, default=""),
    # No foreign key: rounds already point here, and a cycle helps nobody.
    Column("round", Integer, index=True),
    _at(),
    Index(
        "ix_adapters_one_live",
        "base_model",
        unique=True,
        sqlite_where=text("state = 'live'"),
        postgresql_where=text("state = 'live'"),
    ),
    **_NEVER_REUSED,
)

promotions = Table(
    "promotions",
    metadata,
    _id(),
    Column("base_model", String(64), nullable=False, index=True),
    Column("version", Integer, nullable=False),
    Column("previous", Integer, nullable=False),
    Column("kind", String(20), nullable=False),
    Column("actor", String(130), nullable=False),
    _at(),
    **_NEVER_REUSED,
)

round_examples = Table(
    "round_examples",
    metadata,
    _link("round_id", "rounds", primary_key=True),
    _link("exchange_id", "exchanges", primary_key=True),
    *_choice("part", Part),
    Column("weight", Float, nullable=False),
)

requests = Table(
    "requests",
    metadata,
    _id(),
    *_choice("kind", RequestKind),
    _link("member_id", "members", nullable=True),
    _at(),
    _at("answered_at", nullable=True),
    Column("answer", Words, nullable=False, default=""),
    **_NEVER_REUSED,
)

audit = Table(
    "audit",
    metadata,
    _id(),
    Column("actor", String(130), nullable=False),
    Column("action", String(40), nullable=False),
    Column("subject", String(200), nullable=False, default=""),
    Column("detail", JSON, nullable=False),
    _at(index=True),
    **_NEVER_REUSED,
)

presence = Table(
    "presence",
    metadata,
    Column("process", String(20), primary_key=True),
    Column("pid", Integer, nullable=False),
    Column("detail", JSON, nullable=False),
    _at("started_at"),
    _at("seen_at"),
    _at("busy_until", nullable=True),
)

memos = Table(
    "memos",
    metadata,
    Column("name", String(60), primary_key=True),
    Column("value", JSON, nullable=False),
    _at("written_at"),
)
