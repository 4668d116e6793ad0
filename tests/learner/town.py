"""A small community in a real database: what the learner's tests curate, train and judge with."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bot.domain import (
    BASE,
    Consent,
    Decision,
    Exchange,
    Feedback,
    FeedbackKind,
    Finish,
    Member,
    Person,
    Place,
    Prompt,
    Role,
    Round,
    Ruling,
    Sampling,
    Turn,
)
from bot.generator.base_model import BaseModel
from bot.settings import Settings
from bot.store import adapters, conversations, exchanges, feedback, members
from bot.store.database import Database
from learner.round import begin, run_round
from learner.workshop import Workshop

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
PERSONA = "You are Thumbwise."
QUICK: dict[str, Any] = {
    "persona": PERSONA,
    "consent": "opt-out",
    "lora_rank": 4,
    "lora_alpha": 16,
    "lora_dropout": 0.05,
    "learning_rate": 1e-2,
    "epochs": 3,
    "batch_examples": 4,
    "max_new_tokens": 16,
    "min_examples": 6,
    "held_out_share": 0.2,
    "gate_min_ending": 0,
    "gate_max_repeating": 1,
    "gate_max_empty": 1,
    "gate_max_drift": 10,
    "gate_max_forgetting": 10,
    "anchor_weight": 0.1,
}
"""Settings under which a tiny random model learns in seconds and passes the gate."""


def quick(data_dir: Path, **changes: Any) -> Settings:
    """Settings for a fast round."""
    return Settings(_env_file=None, **{**QUICK, "data_dir": data_dir, **changes})


@dataclass
class Town:
    """A database with people in it, and a clock that moves an hour with each reply."""

    database: Database
    settings: Settings
    base: BaseModel
    hours: itertools.count[int] = field(default_factory=itertools.count)
    at: datetime = START

    def now(self) -> datetime:
        """The time; each look is a moment later."""
        self.at += timedelta(milliseconds=1)
        return self.at

    def shop(self, **changes: Any) -> Workshop:
        """A workshop on the loaded tiny model."""
        given: dict[str, Any] = {
            "database": self.database,
            "settings": self.settings,
            "base": lambda: self.base,
            "fingerprint": self.base.fingerprint,
            "now": self.now,
        }
        return Workshop(**{**given, **changes})

    async def round(self, **changes: Any) -> Round:
        """Run one round to its end."""
        shop = self.shop(**changes)
        return await run_round(shop, await begin(shop, trigger="command"))

    async def member(
        self, name: str, role: Role = Role.MEMBER, *, trained: bool | None = None
    ) -> Member:
        """Somebody who lives here."""
        async with self.database.write() as tx:
            met = await members.meet(tx, Person("terminal", name, name, role), self.now())
            await members.set_consent(tx, met.id, Consent(trained=trained))
            return await members.get(tx, met.id)

    async def reply(
        self,
        asker: Member,
        text: str,
        reply: str,
        *,
        channel: str = "",
        gap: timedelta = timedelta(hours=1),
        finish: Finish = Finish.STOP,
    ) -> Exchange:
        """A reply of the bot, in a channel of its own unless one is named."""
        self.at += gap
        name = channel or f"channel {next(self.hours)}"
        async with self.database.write() as tx:
            place = await conversations.enter(tx, Place("terminal", "home", name), self.at)
            return await exchanges.save(
                tx,
                Exchange(
                    id=0,
                    channel=place.id,
                    asker=asker.id,
                    prompt=Prompt(PERSONA, (Turn("user", text, asker.name, asker.id),)),
                    reply=reply,
                    adapter=BASE,
                    base_model=self.base.fingerprint,
                    sampling=Sampling(),
                    seed=1,
                    finish=finish,
                    created_at=self.at,
                ),
            )

    async def say(
        self, member: Member, exchange: Exchange, kind: FeedbackKind, text: str = ""
    ) -> None:
        """What a member says of a reply."""
        async with self.database.write() as tx:
            await feedback.add(tx, Feedback(exchange.id, member.id, kind, self.now(), text, "test"))

    async def rule(
        self, moderator: Member, exchange: Exchange, ruling: Ruling, text: str = ""
    ) -> None:
        """What a moderator decides."""
        async with self.database.write() as tx:
            decision = Decision(exchange.id, moderator.id, ruling, self.now(), text)
            await feedback.decide(tx, decision)

    async def liked(self, asker: Member, count: int, *, word: str = "fox") -> list[Exchange]:
        """Replies with a taste that can be learned, each liked by the one who asked."""
        made = []
        for _ in range(count):
            number = next(self.hours)
            text = f"hello, how are you, number {number}"
            reply = f"the quick brown {word} jumps over {number % 7}"
            exchange = await self.reply(asker, text, reply)
            await self.say(asker, exchange, FeedbackKind.LIKE)
            made.append(exchange)
        return made


async def live_version(town: Town) -> int:
    """The version that is live."""
    async with town.database.read() as conn:
        live = await adapters.live(conn, town.base.fingerprint)
    return live.version if live else BASE
