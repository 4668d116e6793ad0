"""Candidate against live and base: what it gained, kept, and lost, and how its replies look.

Everything is read from directories as they would be published, and the sample replies are written
by the engine that would serve them: a candidate that cannot be loaded is found out here.
"""

from __future__ import annotations

import asyncio
import hashlib
import math
from collections.abc import Mapping, MutableMapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from bot.domain import Finish, Prompt, Sampling
from bot.generator.base_model import BaseModel
from bot.generator.protocol import Job
from learner import lora
from learner.asking import ask
from learner.disk import sha256
from learner.ear import Ear
from learner.examples import Encoded
from learner.measure import Loss, losses_of, mean_of
from learner.replies import Samples, Written, look_at

Memory = MutableMapping[str, Loss]
"""Losses that were measured before, by what they are of. Lasts as long as a process."""

MOST_REMEMBERED: Final = 20_000
"""How many of them are kept: those of some dozens of rounds."""


@dataclass(frozen=True, slots=True)
class Losses:
    """The mean loss on `count` examples, in nats a token. `base` is the bare base model's.

    `noise` is the standard error of the difference between candidate and live: how much of it the
    choice of just these examples explains. 0 where there are too few to tell.
    """

    count: int
    candidate: float
    live: float
    base: float
    noise: float = 0.0

    def to_json(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "count": self.count,
            "candidate": self.candidate,
            "live": self.live,
            "base": self.base,
            "noise": self.noise,
        }


@dataclass(frozen=True, slots=True)
class Report:
    """All figures of one evaluation.

    Attributes:
        held_out: on approved replies that no adapter was trained on.
        retention: on replies that taught earlier adapters; None in a first round.
        anchors: on the base model's own answers to general prompts.
        samples: what the candidate's replies look like.
        live_samples: what the live adapter's look like; only there when they were needed to judge.
        withdrawn: how many exchanges taught the live adapter and were forgotten, or lost their
            consent.
    """

    held_out: Losses
    retention: Losses | None
    anchors: Losses
    samples: Samples
    live_samples: Samples | None = None
    withdrawn: int = 0

    def to_json(self) -> dict[str, Any]:
        """JSON-ready; the adapter's metrics."""
        return {
            "held_out": self.held_out.to_json(),
            "retention": self.retention and self.retention.to_json(),
            "anchors": self.anchors.to_json(),
            "samples": self.samples.to_json(),
            "live_samples": self.live_samples and self.live_samples.to_json(),
            "withdrawn": self.withdrawn,
        }


@dataclass(frozen=True, slots=True)
class Exam:
    """What is evaluated on: three sets of examples, and prompts to write sample replies to."""

    held_out: Sequence[Encoded]
    retention: Sequence[Encoded]
    anchors: Sequence[Encoded]
    prompts: Sequence[Prompt]
    sampling: Sampling
    seed: int


def losses(
    base: BaseModel,
    exam: Exam,
    *,
    candidate: Path,
    live: Path | None,
    memory: Memory,
    ear: Ear,
) -> tuple[Losses, Losses | None, Losses]:
    """(held-out, retention, anchors) for all three models. Blocks; raises `Stopped`."""
    sets = {"held_out": exam.held_out, "retention": exam.retention, "anchors": exam.anchors}
    wanted = {name: examples for name, examples in sets.items() if examples}
    every = [example for examples in wanted.values() for example in examples]
    bare = _each(base, None, every, memory=memory, ear=ear)
    lived = _each(base, live, every, memory=memory, ear=ear)
    tried = _each(base, candidate, every, memory=memory, ear=ear)
    found = {
        name: Losses(
            len(examples),
            candidate=mean_of(tried[e] for e in examples),
            live=mean_of(lived[e] for e in examples),
            base=mean_of(bare[e] for e in examples),
            noise=noise([lived[e] for e in examples], [tried[e] for e in examples]),
        )
        for name, examples in wanted.items()
    }
    return found["held_out"], found.get("retention"), found["anchors"]


def measure(
    base: BaseModel,
    adapter: Path | None,
    sets: Mapping[str, Sequence[Encoded]],
    *,
    memory: Memory,
    ear: Ear,
) -> dict[str, float]:
    """The mean loss on each set under an adapter, or bare."""
    every = [example for examples in sets.values() for example in examples]
    found = _each(base, adapter, every, memory=memory, ear=ear)
    return {name: mean_of(found[e] for e in examples) for name, examples in sets.items()}


def noise(before: Sequence[Loss], after: Sequence[Loss]) -> float:
    """The standard error of the change of the mean loss, in nats a token, over the same examples.

    Examples are what chance draws, not tokens: those of one reply rise and fall together. So it is
    that of a ratio: the sum of the changes over the sum of the tokens. 0 for a single example.
    """
    count = len(before)
    if count < 2:
        return 0.0
    mean = mean_of(after) - mean_of(before)
    off = (a.nats - b.nats - mean * b.tokens for b, a in zip(before, after, strict=True))
    spread = math.sqrt(sum(x * x for x in off) * count / (count - 1))
    return spread / sum(loss.tokens for loss in before)


def _each(
    base: BaseModel,
    adapter: Path | None,
    examples: Sequence[Encoded],
    *,
    memory: Memory,
    ear: Ear,
) -> dict[Encoded, Loss]:
    """The loss on each example; what `memory` holds of the same weights is not measured again."""
    weights = sha256(adapter / lora.WEIGHTS) if adapter else "bare"
    keys = {example: _key(base, weights, example) for example in examples}
    missing = [example for example, key in keys.items() if key not in memory]
    if missing:
        with _wearing(base, adapter) as model:
            found = losses_of(base, model, missing, ear)
        memory.update((keys[example], loss) for example, loss in found.items())
    losses = {example: memory[key] for example, key in keys.items()}
    for oldest in [*memory][: max(0, len(memory) - MOST_REMEMBERED)]:
        del memory[oldest]
    return losses


def _wearing(base: BaseModel, adapter: Path | None) -> AbstractContextManager[Any]:
    if adapter is None:
        return nullcontext(base.model)
    return lora.loaded_adapter(base, adapter, trainable=False)


def _key(base: BaseModel, weights: str, example: Encoded) -> str:
    """Under which name a loss is remembered: of this model, these weights, this example."""
    text = f"{base.fingerprint}/{weights}/{example.start}/{example.ids}"
    return hashlib.sha256(text.encode()).hexdigest()


async def write_samples(
    base: BaseModel, adapter: Path | None, exam: Exam, *, threads: int, ear: Ear
) -> list[Written]:
    """Replies to the sample prompts by the engine that serves. Raises `AdapterError`, `Stopped`."""
    jobs = [
        Job(prompt, exam.sampling, seed=exam.seed + number)
        for number, prompt in enumerate(exam.prompts)
    ]
    done = await ask(base, adapter, jobs, threads=threads, ear=ear)
    return [Written(c.text, c.finish is Finish.STOP) for c in done]


async def evaluate(
    base: BaseModel,
    exam: Exam,
    *,
    candidate: Path,
    live: Path | None,
    memory: Memory,
    threads: int,
    ear: Ear,
) -> Report:
    """The whole report but for `live_samples`, which the gate may ask for. Raises `Stopped`."""
    held_out, retention, anchors = await asyncio.to_thread(
        losses, base, exam, candidate=candidate, live=live, memory=memory, ear=ear
    )
    written = await write_samples(base, candidate, exam, threads=threads, ear=ear)
    samples = look_at(written, exam.sampling.banned_words)
    return Report(held_out, retention, anchors, samples)


async def with_live_samples(
    report: Report, base: BaseModel, exam: Exam, *, live: Path | None, threads: int, ear: Ear
) -> Report:
    """The report with what the live adapter's replies to the same prompts look like."""
    written = await write_samples(base, live, exam, threads=threads, ear=ear)
    return replace(report, live_samples=look_at(written, exam.sampling.banned_words))
