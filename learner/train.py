"""One flat LoRA loop: from a parent to the candidate with the lowest held-out loss.

The result depends only on the data, the recipe and the parent: every step draws its randomness from
the seed and its own number, so a training that was interrupted ends as if it had not been.
"""

from __future__ import annotations

import hashlib
import json
import math
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import torch
from torch.nn.utils import clip_grad_norm_

from bot.domain import Progress
from bot.errors import ThumbwiseError
from bot.generator.base_model import BaseModel
from bot.settings import Settings
from learner import checkpoint, lora
from learner.batches import collate, epoch_steps, in_groups
from learner.checkpoint import Run
from learner.disk import write_whole
from learner.ear import Ear, Stopped
from learner.examples import Encoded
from learner.measure import MOST_TOKENS, mean_loss, pad_id
from learner.objective import anchor_loss, completion_loss

ADAPTER: Final = "adapter"
"""The directory below the round's own that the finished candidate is written to."""


_DONE: Final = "trained.json"


class Diverged(ThumbwiseError):
    """Training has left the realm of numbers."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """All that decides how training goes; the settings of the same names describe them.

    Attributes:
        anchor_weight: what an anchor's divergence from the base counts beside an example's loss.
        warm_up: share of all steps in which the learning rate climbs; then it falls in a line.
        clip: longest gradient.
        patience: epochs without a lower held-out loss after which training ends.
        bfloat16: whether a CPU multiplies in bfloat16; parameters and losses stay float32.
    """

    rank: int
    alpha: int
    dropout: float
    learning_rate: float
    epochs: int
    batch_examples: int
    seed: int
    anchor_weight: float = 1.0
    warm_up: float = 0.1
    clip: float = 1.0
    patience: int = 1
    bfloat16: bool = False

    @classmethod
    def from_settings(cls, settings: Settings, seed: int) -> Recipe:
        """The recipe that the settings ask for."""
        return cls(
            rank=settings.lora_rank,
            alpha=settings.lora_alpha,
            dropout=settings.lora_dropout,
            learning_rate=settings.learning_rate,
            epochs=settings.epochs,
            batch_examples=settings.batch_examples,
            seed=seed,
            anchor_weight=settings.anchor_weight,
            bfloat16=_bfloat16(settings.training_dtype),
        )

    def to_json(self) -> dict[str, Any]:
        """JSON-ready; kept on the adapter's card."""
        return asdict(self)

    def rate(self, step: int, steps: int) -> float:
        """The learning rate of a step, counted from 0: up in a line, then down in a line."""
        warm = max(1, round(self.warm_up * steps))
        if step < warm:
            return self.learning_rate * (step + 1) / warm
        return self.learning_rate * (steps - step) / max(1, steps - warm + 1)


@dataclass(frozen=True, slots=True)
class Material:
    """What is trained on: of `anchors`, `anchor_count` take their turn in each epoch."""

    examples: Sequence[Encoded]
    anchors: Sequence[Encoded]
    anchor_count: int
    held_out: Sequence[Encoded]


@dataclass(frozen=True, slots=True)
class Trained:
    """A finished training. `history` has one entry an epoch: epoch, step, loss, held_out."""

    directory: Path
    held_out: float
    epoch: int
    steps: int
    tokens: int
    history: tuple[Mapping[str, float], ...]

    def to_json(self) -> dict[str, Any]:
        """What the report keeps of it."""
        return {
            "epoch": self.epoch,
            "steps": self.steps,
            "tokens": self.tokens,
            "history": [dict(entry) for entry in self.history],
        }


def train(
    base: BaseModel,
    material: Material,
    recipe: Recipe,
    *,
    parent: Path | None,
    workplace: Path,
    ear: Ear,
    keep_every: float = 60.0,
    clock: Callable[[], float] = time.monotonic,
) -> Trained:
    """Train a candidate, and write it to `workplace / ADAPTER` as a plain PEFT directory.

    Starts from `parent`, a PEFT directory, or from a fresh adapter; or where a checkpoint of the
    same training in `workplace` left off. A checkpoint is kept every `keep_every` seconds and when
    told to stop. Raises `Stopped`, `Diverged`, and `OSError` when the disk is full.
    """
    digest = digest_of(base, material, recipe, parent)
    done = _finished(workplace, digest)
    if done:
        return done
    with _adapter(base, recipe, parent) as model:
        parameters = lora.trainable(model)
        optimizer = torch.optim.AdamW(parameters.values(), lr=recipe.learning_rate, weight_decay=0)
        run = checkpoint.resume(workplace, digest, parameters, optimizer) or Run()
        began, first, kept, seen = clock(), run.step, clock(), 0
        try:
            while run.epoch < recipe.epochs and run.worse < recipe.patience:
                steps = _steps(material, recipe, run.epoch)
                total = len(steps) * recipe.epochs
                for step in steps[run.step - run.epoch * len(steps) :]:
                    loss = _learn(base, model, step, recipe, run.step, total, optimizer, ear)
                    run.took(loss, sum(map(len, step)))
                    seen += sum(map(len, step))
                    spent = max(clock() - began, 1e-6)
                    left = spent / (run.step - first) * (total - run.step)
                    ear.tell(Progress(run.step, total, run.loss, seen / spent, left, "training"))
                    if clock() - kept >= keep_every:
                        checkpoint.keep(workplace, digest, run, parameters, optimizer)
                        kept = clock()
                held_out = mean_loss(base, model, material.held_out, ear)
                _check(held_out, run.step)
                run.ended_epoch(held_out, lora.copy_of(parameters))
        except Stopped:
            checkpoint.keep(workplace, digest, run, parameters, optimizer)
            raise
        lora.put_back(parameters, run.best)
        lora.save_adapter(model, workplace / ADAPTER)
    best = min(run.history, key=lambda entry: entry["held_out"])
    trained = Trained(
        directory=workplace / ADAPTER,
        held_out=best["held_out"],
        epoch=int(best["epoch"]),
        steps=run.step,
        tokens=run.tokens,
        history=tuple(run.history),
    )
    facts = {"digest": digest, "held_out": trained.held_out, **trained.to_json()}
    write_whole(workplace / _DONE, json.dumps(facts))
    checkpoint.drop(workplace)
    return trained


def _finished(workplace: Path, digest: str) -> Trained | None:
    """The result of this very training, if it came to its end before."""
    try:
        facts = json.loads((workplace / _DONE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if facts.pop("digest") != digest:
        return None
    return Trained(directory=workplace / ADAPTER, **{**facts, "history": tuple(facts["history"])})


def _learn(
    base: BaseModel,
    model: Any,
    step: Sequence[Encoded],
    recipe: Recipe,
    number: int,
    total: int,
    optimizer: torch.optim.Optimizer,
    ear: Ear,
) -> float:
    """One step of the optimiser; returns its loss. Raises `Stopped` before anything has changed."""
    model.train()
    optimizer.zero_grad(set_to_none=True)
    devices = [base.device] if base.device.type == "cuda" else []
    loss = 0.0
    with torch.random.fork_rng(devices=devices):
        torch.manual_seed(_seed(recipe.seed, number))
        for group in in_groups(step, most_tokens=MOST_TOKENS[base.device.type]):
            ear.pause()
            part = _loss(base, model, group, recipe) / len(step)
            _check(part.item(), number)
            part.backward()  # type: ignore[no-untyped-call]
            loss += part.item()
    norm = clip_grad_norm_([p for g in optimizer.param_groups for p in g["params"]], recipe.clip)
    _check(norm.item(), number)
    for options in optimizer.param_groups:
        options["lr"] = recipe.rate(number, total)
    optimizer.step()
    return loss


def _loss(base: BaseModel, model: Any, group: Sequence[Encoded], recipe: Recipe) -> torch.Tensor:
    """The summed loss of a group of examples, or of anchors."""
    batch = collate(group, pad_id=pad_id(base), device=base.device)
    expected = None
    on_cpu = base.device.type == "cpu"  # a GPU holds the model in its own dtype already
    with torch.autocast("cpu", torch.bfloat16, enabled=recipe.bfloat16 and on_cpu):
        if batch.anchor:
            model.eval()  # what is held on to is the base as it answers, without its dropout
            with torch.no_grad(), model.disable_adapter():
                expected = lora.logits(model, batch)
            model.train()
        scores = lora.logits(model, batch)
    if expected is None:
        return completion_loss(scores, batch.targets, batch.rows, batch.weights)
    return recipe.anchor_weight * anchor_loss(scores, expected, batch.rows, batch.weights)


def _adapter(base: BaseModel, recipe: Recipe, parent: Path | None) -> AbstractContextManager[Any]:
    if parent is not None:
        return lora.loaded_adapter(base, parent, trainable=True)
    return lora.fresh_adapter(
        base, rank=recipe.rank, alpha=recipe.alpha, dropout=recipe.dropout, seed=recipe.seed
    )


def _steps(material: Material, recipe: Recipe, epoch: int) -> list[list[Encoded]]:
    return epoch_steps(
        material.examples,
        material.anchors,
        anchor_count=material.anchor_count,
        epoch=epoch,
        size=recipe.batch_examples,
        seed=recipe.seed,
    )


def _bfloat16(asked: str) -> bool:
    """Whether to multiply in bfloat16: where the CPU does so in hardware, unless told otherwise."""
    if asked != "auto":
        return asked == "bfloat16"
    able = torch.cpu.get_capabilities()
    return bool(able.get("avx512_bf16") or able.get("amx_bf16"))


def _check(number: float, step: int) -> None:
    if not math.isfinite(number):
        raise Diverged(
            f"Training diverged at step {step + 1}: the loss is not a finite number. "
            "Set LEARNING_RATE lower."
        )


def _seed(seed: int, step: int) -> int:
    return int.from_bytes(hashlib.sha256(f"{seed}/{step}".encode()).digest()[:7], "big")


def digest_of(base: BaseModel, material: Material, recipe: Recipe, parent: Path | None) -> str:
    """A name for this very training: a checkpoint of another one is of no use to it."""
    digest = hashlib.sha256(base.fingerprint.encode())
    digest.update(json.dumps(recipe.to_json(), sort_keys=True).encode())
    digest.update(str(parent and parent.name).encode())
    for part in (material.examples, material.anchors, material.held_out):
        for example in part:
            digest.update(repr((example.ids, example.start, example.weight)).encode())
    digest.update(str(material.anchor_count).encode())
    return digest.hexdigest()
