"""A whole benchmark: all arms on the same tasks, base model and seed, one after the other."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from bot.domain import Progress
from bot.errors import SettingsError
from bot.generator import base_model
from bot.generator.base_model import BaseModel
from bot.settings import Settings
from learner import anchors, lora
from learner.bar import Bar
from learner.bench.arms import Stage, needed, selections, stages
from learner.bench.figures import Exam
from learner.bench.plan import Arm, Plan
from learner.bench.result import Lap, Result, said
from learner.bench.tasks import Task, answered, deal
from learner.ear import Ear
from learner.examples import Encoded, Example, encode
from learner.gather import shares_of
from learner.measure import accuracy_of, losses_of, mean_of
from learner.train import Material, Recipe, train


def run(settings: Settings, plan: Plan, directory: Path, bar: Bar) -> Result:
    """Learn and measure. Blocks for minutes; adapters are left in `directory`.

    Raises `ThumbwiseError` when the plan asks for too much, the base model cannot be used or
    training diverges, and `OSError` when the disk is full.
    """
    began = time.monotonic()
    shares = shares_of(settings)
    counts = needed(plan.tasks, plan.examples, shares, plan.seed)
    subjects = deal(counts, held_out=plan.held_out, seed=plan.seed)
    bar.show(Progress(note="loading the base model"))
    base = base_model.load(
        settings.base_model, models_dir=settings.models_dir, device=settings.device
    )
    if settings.threads:
        torch.set_num_threads(settings.threads)

    async def ask() -> tuple[list[Task], anchors.Anchors]:
        given: dict[str, Any] = {"persona": settings.persona, "threads": settings.threads}
        tasks = await answered(base, subjects, ear=Ear(tell=bar.show), **given)
        bar.show(Progress(note="the base model answers general prompts, for comparison"))
        return tasks, await anchors.ensure(base, settings.data_dir / "anchors", **given)

    tasks, kept = asyncio.run(ask())
    chosen = selections([task.examples for task in tasks], shares, plan.seed)
    courses = {arm: stages(arm, tasks, chosen, batch=settings.batch_examples) for arm in plan.arms}
    hall = _hall(base, settings, plan, tasks, kept)
    bar.show(Progress(note="measuring the base model"))
    bare = hall.exam(None)
    bar.say(f"base model: {said(bare, bare)}")
    ready = time.monotonic()
    laps = _run(hall, courses, bare, directory, bar)
    return Result(
        plan=plan,
        tasks=tasks,
        tokens=[sum(len(e) - e.start for e in some) for some in hall.held_out],
        base=bare,
        arms=laps,
        settings=recipe_of(settings),
        ran_on={
            "device": str(base.device),
            "cpus": os.cpu_count(),
            "threads": torch.get_num_threads(),
            "bfloat16": Recipe.from_settings(settings, plan.seed).bfloat16,
            "torch": torch.__version__,
            "base_model": base.fingerprint,
        },
        seconds={"before": ready - began, "all": time.monotonic() - began},
    )


def recipe_of(settings: Settings) -> dict[str, Any]:
    """The settings that the outcome depends on."""
    names = (
        "persona replay_share anchor_share anchor_weight held_out_share lora_rank lora_alpha "
        "lora_dropout learning_rate epochs batch_examples example_tokens training_dtype"
    )
    return {name: getattr(settings, name) for name in names.split()}


@dataclass(frozen=True, slots=True)
class Hall:
    """What all arms share: the model, the recipe, and what they are measured with.

    Attributes:
        recipe: but for its `batch_examples`, which is each stage's own.
        limit: most tokens of an example.
        anchors: for training.
        held_out: of each task.
        held_out_anchors: for measuring.
    """

    base: BaseModel
    recipe: Recipe
    limit: int
    anchors: Sequence[Encoded]
    held_out: Sequence[Sequence[Encoded]]
    held_out_anchors: Sequence[Encoded]

    def exam(self, adapter: Path | None) -> Exam:
        """Measure an adapter, or the bare base model, on every task and on the anchors."""
        wearing = (
            lora.loaded_adapter(self.base, adapter, trainable=False)
            if adapter
            else nullcontext(self.base.model)
        )
        each = [example for some in self.held_out for example in some]
        with wearing as model:
            found = losses_of(self.base, model, [*each, *self.held_out_anchors])
        by_task = [[found[example] for example in some] for some in self.held_out]
        return Exam(
            loss=tuple(map(mean_of, by_task)),
            accuracy=tuple(map(accuracy_of, by_task)),
            anchors=mean_of(found[example] for example in self.held_out_anchors),
        )

    def lap(self, stage: Stage, parent: Path | None, workplace: Path, ear: Ear) -> tuple[Lap, Path]:
        """Train one stage and measure what came of it; also returns the adapter's directory."""
        began = time.monotonic()
        material = Material(
            examples=encoded(self.base, (*stage.new, *stage.replay), self.limit),
            anchors=self.anchors,
            anchor_count=stage.anchors,
            held_out=encoded(self.base, stage.validation, self.limit),
        )
        trained = train(
            self.base,
            material,
            replace(self.recipe, batch_examples=stage.size),
            parent=parent,
            workplace=workplace,
            ear=ear,
            keep_every=float("inf"),
        )
        ended = time.monotonic()
        found = self.exam(trained.directory)
        lap = Lap(
            stage=stage,
            exam=found,
            steps=trained.steps,
            tokens=trained.tokens,
            epoch=trained.epoch,
            seconds={"train": ended - began, "exam": time.monotonic() - ended},
        )
        return lap, trained.directory


def _hall(
    base: BaseModel,
    settings: Settings,
    plan: Plan,
    tasks: Sequence[Task],
    kept: anchors.Anchors,
) -> Hall:
    limit = min(settings.example_tokens, base.window)
    held_out = [encoded(base, task.held_out, limit) for task in tasks]
    trained, measured = kept.encode(base, limit)
    recipe = Recipe.from_settings(settings, plan.seed)
    # Nobody stops early: all arms take the same number of steps.
    return Hall(base, replace(recipe, patience=recipe.epochs), limit, trained, held_out, measured)


def _run(
    hall: Hall,
    courses: Mapping[Arm, Sequence[Stage]],
    bare: Exam,
    directory: Path,
    bar: Bar,
) -> dict[Arm, list[Lap]]:
    """Take every arm through its stages."""
    epochs = hall.recipe.epochs
    total = sum(stage.steps * epochs for todo in courses.values() for stage in todo)
    done = 0
    found: dict[Arm, list[Lap]] = {}
    for arm, todo in courses.items():
        found[arm] = []
        parent: Path | None = None
        for number, stage in enumerate(todo, start=1):
            name = f"{arm.value}, after {stage.name}"

            def tell(at: Progress, before: int = done, note: str = name) -> None:
                bar.show(replace(at, step=before + at.step, steps=total, note=note))

            lap, parent = hall.lap(
                stage, parent, directory / arm.value / str(number), Ear(tell=tell)
            )
            done += lap.steps
            found[arm].append(lap)
            bar.say(f"{name}: {said(lap.exam, bare)} ({lap.seconds['train']:.0f} s)")
    return found


def encoded(base: BaseModel, examples: Sequence[Example], limit: int) -> list[Encoded]:
    """The examples as token ids. Raises `SettingsError` when one is longer than `limit`."""
    found = [encode(base.renderer, e.prompt, e.reply, limit=limit) for e in examples]
    whole = [example for example in found if example]
    if len(whole) < len(found):
        raise SettingsError(
            f"The benchmark's messages do not fit into {limit} tokens. Raise EXAMPLE_TOKENS, or "
            "shorten PERSONA."
        )
    return whole
