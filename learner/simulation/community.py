"""The community: it asks, reads every reply, and rates it by its taste, all in the real store."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from bot.domain import (
    ChannelKind,
    Exchange,
    Feedback,
    FeedbackKind,
    Member,
    Message,
    Person,
    Place,
    Prompt,
    Role,
    Sampling,
    Turn,
)
from bot.generator.protocol import Completion, Generator, Job
from bot.store import conversations, exchanges, feedback, members
from bot.store.database import Database
from learner.tastes import Taste

PLATFORM: Final = "simulation"
NAMES: Final = ("Ana", "Ben", "Chloe", "Dev", "Elif", "Finn", "Grace", "Hugo", "Iris", "Jonas")
MODERATOR: Final = "Mona"

TOGETHER: Final = 32
"""Replies that are written side by side: on a CPU, 32 cost little more time than 8."""

_WAVE: Final = 2 * TOGETHER
"""Replies after which the community looks whether it has said enough."""

Heard = Callable[[int, int], None]
"""Is told how many replies of how many are there."""


class Clock:
    """A time of the simulation's own, so that its figures do not depend on the day."""

    def __init__(self) -> None:
        self._time = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        """The time; each look is a moment later."""
        self._time += timedelta(milliseconds=1)
        return self._time

    def pass_pause(self) -> None:
        """Let so much time go by that what is said next is another conversation."""
        self._time += timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Reply:
    """What the bot answered to a message, and whether the community likes it."""

    message: str
    text: str
    liked: bool


@dataclass(frozen=True, slots=True)
class Tally:
    """How a time of talking went."""

    replies: int = 0
    liked: int = 0
    corrected: int = 0

    @property
    def approved(self) -> int:
        """How many can be learned from."""
        return self.liked + self.corrected

    def __add__(self, other: Tally) -> Tally:
        """Both together."""
        return Tally(
            self.replies + other.replies,
            self.liked + other.liked,
            self.corrected + other.corrected,
        )


class Community:
    """Members with one hidden taste. Make one with `await Community.gather(...)`.

    Args:
        corrections: share of the disliked replies that the moderator writes anew.
    """

    def __init__(
        self,
        database: Database,
        generator: Generator,
        people: Sequence[Member],
        *,
        taste: Taste,
        persona: str,
        sampling: Sampling,
        seed: int,
        corrections: float,
        clock: Clock,
    ) -> None:
        self._database = database
        self._generator = generator
        *self._members, self._moderator = people
        self._taste = taste
        self._persona = persona
        self._sampling = sampling
        self._corrections = corrections
        self._clock = clock
        self._random = random.Random(f"community {seed}")  # noqa: S311 - a simulation, no secret
        self._seed = seed

    @staticmethod
    async def gather(database: Database, clock: Clock) -> list[Member]:
        """Everybody who lives here, the moderator last."""
        people = [Person(PLATFORM, name.lower(), name) for name in NAMES]
        people.append(Person(PLATFORM, MODERATOR.lower(), MODERATOR, Role.MODERATOR))
        async with database.write() as tx:
            return [await members.meet(tx, person, clock()) for person in people]

    async def talk(self, messages: Sequence[str], tries: int, enough: int, heard: Heard) -> Tally:
        """Say each message once, ask for `tries` replies to it, and rate them all.

        Ends early, between two waves of messages, when `enough` replies were liked or corrected.
        """
        tally = Tally()
        wave = max(1, _WAVE // tries)

        def hear(at: int, _of: int) -> None:
            heard(tally.replies + at, len(messages) * tries)

        for first in range(0, len(messages), wave):
            if tally.approved < enough:
                tally += await self._talk(messages[first : first + wave], tries, hear)
        return tally

    async def _talk(self, messages: Sequence[str], tries: int, heard: Heard) -> Tally:
        asked = [(i, text) for i, text in enumerate(messages) for _ in range(tries)]
        askers = [self._random.choice(self._members) for _ in messages]
        turns = [
            Turn("user", text, member.name, member.id)
            for text, member in zip(messages, askers, strict=True)
        ]
        jobs = [self._job(turns[i], self._random.getrandbits(32)) for i, _ in asked]
        tally = Tally()
        last = place = -1

        async def keep(number: int, completion: Completion) -> None:
            nonlocal tally, last, place
            at, text = asked[number]
            if at != last:
                place, last = await self._hear(askers[at], text), at
            exchange = await self._save(place, askers[at], jobs[number], completion)
            likes = self._taste.likes(exchange.reply)
            draws = not likes and self._random.random() < self._corrections
            corrects = draws and bool(exchange.reply)
            await self._rate(exchange, askers[at], likes=likes, corrects=corrects)
            tally += Tally(1, int(likes), int(corrects))
            heard(number + 1, len(jobs))

        await self._write(jobs, keep)
        return tally

    async def judge(self, messages: Sequence[str], tries: int, heard: Heard) -> list[Reply]:
        """Replies to messages that nobody ever said, and nothing of it is kept.

        Their seeds are the same each time, so that what differs is the model.
        """
        asked = [text for text in messages for _ in range(tries)]
        seeds = random.Random(f"exam {self._seed}")  # noqa: S311 - a simulation, no secret
        turns = [Turn("user", text, self._members[0].name) for text in asked]
        jobs = [self._job(turn, seeds.getrandbits(32)) for turn in turns]
        found: list[Reply] = []

        async def keep(number: int, completion: Completion) -> None:
            liked = self._taste.likes(completion.text)
            found.append(Reply(asked[number], completion.text, liked))
            heard(number + 1, len(jobs))

        await self._write(jobs, keep)
        return found

    def _job(self, turn: Turn, seed: int) -> Job:
        # One session for all: every prompt begins with the same persona, which is then read once.
        return Job(Prompt(self._persona, (turn,)), self._sampling, seed, session=PLATFORM)

    async def _write(
        self, jobs: Sequence[Job], keep: Callable[[int, Completion], Awaitable[None]]
    ) -> None:
        """Have all replies written, `TOGETHER` at a time; keep them in the order of the jobs."""
        places = asyncio.Semaphore(TOGETHER)

        async def write(job: Job) -> Completion:
            async with places:
                return await (await self._generator.submit(job)).completion()

        tasks = [asyncio.create_task(write(job)) for job in jobs]
        try:
            for number, task in enumerate(tasks):
                await keep(number, await task)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _hear(self, member: Member, text: str) -> int:
        """Keep a message, as the beginning of a conversation in the member's direct channel."""
        self._clock.pass_pause()
        name = member.name.lower()
        place = Place(PLATFORM, "community", name, ChannelKind.DIRECT, member.name)
        author = Person(PLATFORM, name, member.name)
        at = self._clock()
        message = Message(place, author, text, external_id=at.isoformat(), at=at)
        async with self._database.write() as tx:
            channel = await conversations.enter(tx, place, at)
            await conversations.reset(tx, channel.id)
            await conversations.hear(tx, channel.id, member, message, text)
        return channel.id

    async def _save(
        self, channel: int, member: Member, job: Job, completion: Completion
    ) -> Exchange:
        exchange = Exchange(
            id=0,
            channel=channel,
            asker=member.id,
            prompt=job.prompt,
            reply=completion.text,
            adapter=completion.adapter,
            base_model=self._generator.base_model,
            sampling=job.sampling,
            seed=job.seed,
            finish=completion.finish,
            created_at=self._clock(),
            prompt_tokens=completion.prompt_tokens,
            reply_tokens=completion.reply_tokens,
            latency_ms=completion.latency_ms,
            first_token_ms=completion.first_token_ms,
            origin=PLATFORM,
        )
        async with self._database.write() as tx:
            kept = await exchanges.save(tx, exchange)
            await conversations.say(tx, channel, kept.id, exchange.created_at)
        return kept

    async def _rate(
        self, exchange: Exchange, member: Member, *, likes: bool, corrects: bool
    ) -> None:
        kind = FeedbackKind.LIKE if likes else FeedbackKind.DISLIKE
        said = [Feedback(exchange.id, member.id, kind, self._clock(), via=PLATFORM)]
        if corrects:
            better = self._taste.mend(exchange.reply)
            kind, who = FeedbackKind.CORRECTION, self._moderator.id
            said.append(Feedback(exchange.id, who, kind, self._clock(), better, PLATFORM))
        async with self._database.write() as tx:
            for event in said:
                await feedback.add(tx, event)
