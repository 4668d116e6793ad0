"""All that a round works with, put together by whoever runs rounds (the command line, a test)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import ParamSpec, TypeVar

import torch

from bot.domain import Progress
from bot.generator.base_model import BaseModel
from bot.settings import Settings
from bot.store.database import Database
from learner.evaluate import Memory

P = ParamSpec("P")
R = TypeVar("R")


def _silent(_progress: Progress) -> None:
    return


@dataclass(frozen=True, slots=True)
class Workshop:
    """What a round is given.

    Attributes:
        base: loads the base model, or gives a loaded one that nothing else uses meanwhile (an
            engine on it must have no adapter resident). Called in a thread, at most once a round,
            and let go at its end.
        fingerprint: of that base model.
        now: the time, aware.
        tell: takes the progress, often, from any thread.
        stopping: whether this process is to end; the round is then left for the next one.
        memory: losses that were measured before in this process.
        threads: CPU threads for torch; 0 leaves them as they are.
    """

    database: Database
    settings: Settings
    base: Callable[[], BaseModel]
    fingerprint: str
    now: Callable[[], datetime]
    tell: Callable[[Progress], None] = _silent
    stopping: Callable[[], bool] = lambda: False
    memory: Memory = field(default_factory=dict)
    threads: int = 0

    def workplace(self, round_id: int) -> Path:
        """The directory of a round's checkpoints and of its unpublished candidate."""
        return self.workplaces / str(round_id)

    @property
    def workplaces(self) -> Path:
        """Where rounds have their directories."""
        return self.settings.data_dir / "rounds"

    async def work(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run heavy work in a thread, with the threads that torch may have."""

        def with_threads() -> R:
            if self.threads:
                torch.set_num_threads(self.threads)  # holds for the calling thread's own pool
            return function(*args, **kwargs)

        return await asyncio.to_thread(with_threads)
