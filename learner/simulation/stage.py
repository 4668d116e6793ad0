"""The house that a simulation plays in: its own store and state, but the real rooms.

The chat's engine and the learner each have a copy of the base model, as they have in two processes.
Only what lies in the simulation's own directory is ever touched.
"""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import torch

from bot.domain import BASE, Progress
from bot.generator import base_model
from bot.generator.base_model import BaseModel
from bot.generator.engine import Engine
from bot.generator.swap import reconcile
from bot.settings import Settings
from bot.store import adapters
from bot.store.database import Database
from learner import anchors, evaluate
from learner.bar import Bar
from learner.ear import Ear
from learner.examples import Encoded
from learner.round import begin, run_round
from learner.simulation import chatter
from learner.simulation.community import TOGETHER, Clock, Community
from learner.simulation.result import Exam, Lap, Result
from learner.tastes import Taste
from learner.workshop import Workshop

STATE: Final = ("adapters", "rounds", "thumbwise.db", "thumbwise.db-wal", "thumbwise.db-shm")
"""What an earlier simulation left in the directory. Anchors stay: they are the same each time."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is said, and how often it is learned from.

    Attributes:
        messages: how many messages are said at most before each round.
        enough: liked (or corrected) replies after which a round is begun at once.
        tries: replies that are asked for each message; all are rated.
        unseen: messages of the exam; each is answered `exam_tries` times.
        corrections: share of disliked replies that a moderator writes anew.
    """

    seed: int = 1
    rounds: int = 2
    messages: int = 240
    enough: int = 30
    tries: int = 1
    unseen: int = 50
    exam_tries: int = 2
    corrections: float = 0.0


async def play(settings: Settings, taste: Taste, plan: Plan, bar: Bar) -> Result:
    """A whole simulation in `settings.data_dir`, where an earlier one is wiped out first."""
    began = time.monotonic()
    await asyncio.to_thread(clear, settings.data_dir)
    async with _set(settings, taste, plan, bar) as stage:
        base = await stage.exam("base model")
        first = time.monotonic() - began
        laps = [await stage.lap(number) for number in range(1, plan.rounds + 1)]
    return Result(
        taste=taste,
        seed=plan.seed,
        plan=asdict(plan),
        settings=recipe_of(settings),
        ran_on={
            "device": str(stage.device),
            "cpus": os.cpu_count(),
            "threads": torch.get_num_threads(),
            "torch": torch.__version__,
            "base_model": stage.shop.fingerprint,
        },
        base=base,
        laps=laps,
        seconds={"before": first, "all": time.monotonic() - began},
    )


def clear(directory: Path) -> None:
    """Remove what an earlier simulation left, but for its anchors."""
    for name in STATE:
        path = directory / name
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def recipe_of(settings: Settings) -> dict[str, Any]:
    """The settings that the outcome depends on."""
    names = (
        "persona consent temperature top_p top_k repetition_penalty max_new_tokens stop "
        "banned_words learn_seed min_examples refit_limit replay_share anchor_share anchor_weight "
        "rater_share held_out_share example_tokens lora_rank lora_alpha lora_dropout "
        "learning_rate epochs batch_examples training_dtype gate_min_gain gate_max_forgetting "
        "gate_max_drift gate_min_ending gate_max_repeating gate_max_empty"
    )
    return {name: getattr(settings, name) for name in names.split()}


class Stage:
    """A running simulation.

    Args:
        measured: the held-out anchors.
        base: the learner's copy of the base model.
    """

    def __init__(
        self,
        shop: Workshop,
        base: BaseModel,
        engine: Engine,
        community: Community,
        measured: tuple[Encoded, ...],
        plan: Plan,
        bar: Bar,
    ) -> None:
        self.shop = shop
        self.device = base.device
        self._base = base
        self._engine = engine
        self._community = community
        self._measured = measured
        self._plan = plan
        self._bar = bar
        messages = list(chatter.said(unseen=False))
        random.Random(plan.seed).shuffle(messages)  # noqa: S311 - an order, no secret
        self._messages = messages
        self._said = 0
        unseen = list(chatter.said(unseen=True))
        random.Random(plan.seed).shuffle(unseen)  # noqa: S311 - an order, no secret
        self._unseen = unseen[: plan.unseen]

    async def exam(self, name: str) -> Exam:
        """How what is live does on what nobody ever said, and on the held-out anchors."""
        note = f"{name}: replies to messages that nobody has said"
        replies = await self._community.judge(
            self._unseen, self._plan.exam_tries, lambda at, of: self._tell(at, of, note)
        )
        async with self.shop.database.read() as conn:
            live = await adapters.live(conn, self.shop.fingerprint)
        directory = self.shop.settings.adapters_dir / live.directory if live else None
        losses = await self.shop.work(
            evaluate.measure,
            self._base,
            directory,
            {"anchors": self._measured},
            memory=self.shop.memory,
            ear=Ear(),
        )
        found = Exam(replies, losses["anchors"])
        self._bar.say(f"{name}: approval {found.approval:.1%}, anchors {found.anchor_loss:.3f}")
        return found

    async def lap(self, number: int) -> Lap:
        """Talk, learn, swap, and sit the exam."""
        started = time.monotonic()
        tally = await self._community.talk(
            self._next_messages(),
            self._plan.tries,
            self._plan.enough,
            lambda at, of: self._tell(at, of, f"round {number}: the members talk and rate"),
        )
        self._said += tally.replies // self._plan.tries
        talked = time.monotonic()
        self._bar.say(f"round {number}: {tally.liked} of {tally.replies} replies are liked")
        ended = await run_round(self.shop, await begin(self.shop, trigger="command"))
        live = await reconcile(
            self.shop.database, self._engine, self.shop.settings.adapters_dir, self.shop.now
        )
        learned = time.monotonic()
        self._bar.say(f"round {number}: {ended.state.value}. {ended.reason}")
        exam = await self.exam(f"round {number}")
        return Lap(
            state=ended.state.value,
            reason=ended.reason,
            version=ended.adapter,
            live=live,
            tally=tally,
            report=ended.report,
            seconds={
                "talk": talked - started,
                "learn": learned - talked,
                "exam": time.monotonic() - learned,
            },
            exam=exam,
        )

    def _next_messages(self) -> list[str]:
        """The next messages; after the last one they begin again, for other replies."""
        count = len(self._messages)
        return [self._messages[(self._said + i) % count] for i in range(self._plan.messages)]

    def _tell(self, at: int, of: int, note: str) -> None:
        self._bar.show(Progress(step=at, steps=of, note=note))


@asynccontextmanager
async def _set(settings: Settings, taste: Taste, plan: Plan, bar: Bar) -> AsyncIterator[Stage]:
    bar.show(Progress(note="loading the base model"))

    def load() -> BaseModel:
        return base_model.load(
            settings.base_model, models_dir=settings.models_dir, device=settings.device
        )

    serving = await asyncio.to_thread(load)
    learning = await asyncio.to_thread(load)
    bar.show(Progress(note="the base model answers general prompts, for comparison"))
    kept = await anchors.ensure(
        learning,
        settings.data_dir / "anchors",
        persona=settings.persona,
        threads=settings.threads,
    )
    _, measured = kept.encode(learning, min(settings.example_tokens, learning.window))
    database = await Database.open(settings.database)
    engine = Engine(serving, max_batch=TOGETHER, max_queue=0, threads=settings.threads)
    clock = Clock()
    ended = threading.Event()  # so that Ctrl-C does not wait for a training to its end
    try:
        community = Community(
            database,
            engine,
            await Community.gather(database, clock),
            taste=taste,
            persona=settings.persona,
            sampling=settings.sampling,
            seed=plan.seed,
            corrections=plan.corrections,
            clock=clock,
        )
        shop = Workshop(
            database=database,
            settings=settings,
            base=lambda: learning,
            fingerprint=learning.fingerprint,
            now=clock,
            tell=bar.show,
            stopping=ended.is_set,
            threads=settings.threads,
        )
        yield Stage(shop, learning, engine, community, measured, plan, bar)
        await engine.switch(BASE)
    finally:
        ended.set()
        await engine.close(grace_seconds=0)
        await database.close()
