"""Where a training stands, on disk: enough to go on as if nothing had happened.

A checkpoint is a directory that appears by one rename: tensors as safetensors, the rest as JSON.
Only the newest is kept.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import structlog
import torch
from safetensors import SafetensorError
from torch import nn

from learner import lora
from learner.disk import settle

_NAME: Final = "checkpoint-"
_MOMENTS: Final = ("exp_avg", "exp_avg_sq")
_log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Run:
    """How far a training has come. Steps and epochs are counted from 0.

    Attributes:
        loss: the running mean of the loss, as progress shows it.
        worse: epochs since the held-out loss was lowest.
        best: the parameters of the epoch with the lowest held-out loss.
    """

    step: int = 0
    epoch: int = 0
    tokens: int = 0
    loss: float = 0.0
    worse: int = 0
    history: list[dict[str, float]] = field(default_factory=list)
    best: dict[str, torch.Tensor] = field(default_factory=dict)

    def took(self, loss: float, tokens: int) -> None:
        """Count one step."""
        self.loss = loss if self.step == 0 else 0.8 * self.loss + 0.2 * loss
        self.step += 1
        self.tokens += tokens

    def ended_epoch(self, held_out: float, parameters: dict[str, torch.Tensor]) -> None:
        """Count one epoch, and keep its parameters if they are the best so far."""
        if all(held_out < entry["held_out"] for entry in self.history):
            self.best, self.worse = parameters, 0
        else:
            self.worse += 1
        self.epoch += 1
        self.history.append(
            {"epoch": self.epoch, "step": self.step, "loss": self.loss, "held_out": held_out}
        )


def keep(
    workplace: Path,
    digest: str,
    run: Run,
    parameters: Mapping[str, nn.Parameter],
    optimizer: torch.optim.Optimizer,
) -> None:
    """Write a checkpoint, then drop the older ones. Raises `OSError` when the disk is full."""
    workplace.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix=f".{_NAME}tmp-", dir=workplace))
    try:
        lora.write_tensors(fresh / "adapter.safetensors", parameters)
        lora.write_tensors(fresh / "best.safetensors", run.best)
        lora.write_tensors(fresh / "optimizer.safetensors", _moments(parameters, optimizer))
        facts = {
            "digest": digest,
            "step": run.step,
            "epoch": run.epoch,
            "tokens": run.tokens,
            "loss": run.loss,
            "worse": run.worse,
            "history": run.history,
        }
        (fresh / "run.json").write_text(json.dumps(facts, indent=1), encoding="utf-8")
        target = workplace / f"{_NAME}{run.step:08d}-{run.epoch:04d}"
        settle(fresh, target)
        for older in workplace.glob(f"{_NAME}*"):
            if older != target:
                shutil.rmtree(older)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def resume(
    workplace: Path,
    digest: str,
    parameters: Mapping[str, nn.Parameter],
    optimizer: torch.optim.Optimizer,
) -> Run | None:
    """Take up the checkpoint of this very training (see `digest`), or None when there is none."""
    for directory in sorted(workplace.glob(f"{_NAME}*"), reverse=True):
        try:
            facts = json.loads((directory / "run.json").read_text(encoding="utf-8"))
            if facts.pop("digest") != digest:
                continue
            values = lora.read_tensors(directory / "adapter.safetensors")
            moments = lora.read_tensors(directory / "optimizer.safetensors")
            run = Run(**facts, best=lora.read_tensors(directory / "best.safetensors"))
        except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
            _log.warning("a checkpoint cannot be read", path=str(directory), error=str(error))
            continue
        lora.put_back(parameters, values)
        optimizer.load_state_dict(_state(parameters, moments, optimizer))
        return run
    return None


def drop(workplace: Path) -> None:
    """Remove all checkpoints."""
    for directory in workplace.glob(f"{_NAME}*"):
        shutil.rmtree(directory)


def _moments(
    parameters: Mapping[str, nn.Parameter], optimizer: torch.optim.Optimizer
) -> dict[str, torch.Tensor]:
    return {
        f"{key}/{name}": optimizer.state[parameter][key]
        for name, parameter in parameters.items()
        if parameter in optimizer.state
        for key in ("step", *_MOMENTS)
    }


def _state(
    parameters: Mapping[str, nn.Parameter],
    moments: Mapping[str, torch.Tensor],
    optimizer: torch.optim.Optimizer,
) -> dict[str, Any]:
    """What AdamW's `load_state_dict` takes: it numbers its parameters in our order."""
    state = {
        number: {key: moments[f"{key}/{name}"] for key in ("step", *_MOMENTS)}
        for number, name in enumerate(parameters)
        if f"step/{name}" in moments
    }
    return {"state": state, "param_groups": optimizer.state_dict()["param_groups"]}
