"""A trainable LoRA adapter on the base model: put on, read, saved as plain PEFT, taken off again.

The base model is shared: while an adapter is on it, nothing else may use it. Weights are read and
written as safetensors only.
"""

from __future__ import annotations

import inspect
import shutil
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import nn
from transformers.pytorch_utils import Conv1D

from bot.errors import ModelError
from bot.generator.base_model import BaseModel
from learner.batches import Batch
from learner.disk import settle

WEIGHTS: Final = "adapter_model.safetensors"


@contextmanager
def fresh_adapter(
    base: BaseModel, *, rank: int, alpha: int, dropout: float, seed: int
) -> Iterator[Any]:
    """The base model with a new adapter on all its linear layers, that changes nothing yet.

    It starts as LoRA does (Hu et al., 2021): one half random, by the seed, the other zero.
    """
    _check_free(base)
    convolutional = any(isinstance(m, Conv1D) for m in base.model.modules())
    config = LoraConfig(
        r=rank,
        lora_alpha=alpha,
        lora_dropout=dropout,
        target_modules="all-linear",
        task_type="CAUSAL_LM",
        fan_in_fan_out=convolutional,  # GPT-2 keeps its weights the other way round
    )
    with torch.random.fork_rng(devices=_devices(base)):
        torch.manual_seed(seed)
        with _without_noise():
            model = get_peft_model(base.model, config)
    with _taken_off(model):
        yield model


@contextmanager
def loaded_adapter(base: BaseModel, directory: Path, *, trainable: bool) -> Iterator[Any]:
    """The base model with an adapter read from a PEFT directory. Raises `ModelError`."""
    _check_free(base)
    try:
        if not (directory / WEIGHTS).is_file():  # PEFT would go on to look for a pickle
            raise FileNotFoundError(f"it holds no {WEIGHTS}")
        with _without_noise():
            model = PeftModel.from_pretrained(base.model, str(directory), is_trainable=trainable)
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        raise ModelError(f"The adapter in {directory} cannot be read: {error}.") from error
    with _taken_off(model):
        yield model


@contextmanager
def _without_noise() -> Iterator[None]:
    """PEFT still asks transformers 5 by a deprecated name, and is warned each time."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*is_gradient_checkpointing.*", FutureWarning)
        yield


@contextmanager
def _taken_off(model: Any) -> Iterator[None]:
    try:
        yield
    finally:
        plain = model.unload()
        plain.requires_grad_(False).eval()
        if hasattr(plain, "peft_config"):
            del plain.peft_config


def _check_free(base: BaseModel) -> None:
    """An engine's resident adapters would quietly take part in all that is computed here."""
    if any(module._forward_hooks for module in base.model.modules()):  # noqa: SLF001
        raise ModelError(
            "The base model still serves adapters elsewhere in this process; it cannot be trained "
            "with at the same time."
        )


def logits(model: Any, batch: Batch) -> torch.Tensor:
    """The scores [N, V] at the positions of the batch that carry loss, and no others."""
    output: Any = model(
        input_ids=batch.ids, attention_mask=batch.attention, use_cache=False, **_keep(model, batch)
    )
    scores: torch.Tensor = output.logits
    return scores[batch.predicts] if scores.ndim == 3 else scores


def _keep(model: Any, batch: Batch) -> dict[str, torch.Tensor]:
    """The argument that spares the vocabulary's scores where nobody asks for them."""
    inner = model.get_base_model() if isinstance(model, PeftModel) else model
    known = "logits_to_keep" in inspect.signature(inner.forward).parameters
    return {"logits_to_keep": batch.predicts} if known else {}


def trainable(model: Any) -> dict[str, nn.Parameter]:
    """The parameters that training changes, by name, in a stable order."""
    return {name: p for name, p in model.named_parameters() if p.requires_grad}


def copy_of(parameters: Mapping[str, nn.Parameter]) -> dict[str, torch.Tensor]:
    """The values as they are now, on the CPU."""
    return {name: p.detach().to("cpu", copy=True) for name, p in parameters.items()}


def put_back(parameters: Mapping[str, nn.Parameter], values: Mapping[str, torch.Tensor]) -> None:
    """Set the parameters to values that `copy_of` took."""
    with torch.no_grad():
        for name, parameter in parameters.items():
            parameter.copy_(values[name])


def save_adapter(model: Any, directory: Path) -> None:
    """Write the adapter as a plain PEFT directory, which appears whole or not at all.

    Raises `OSError` when the disk is full.
    """
    directory.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix=f".{directory.name}.tmp-", dir=directory.parent))
    try:
        try:
            # Asked to look for changed embeddings, PEFT would call the hub.
            model.save_pretrained(str(fresh), save_embedding_layers=False)
        except SafetensorError as error:
            raise OSError(f"the adapter cannot be written: {error}") from error
        (fresh / "README.md").unlink(missing_ok=True)  # PEFT's empty form of a model card
        settle(fresh, directory)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def write_tensors(path: Path, tensors: Mapping[str, torch.Tensor]) -> None:
    """Write tensors as safetensors. A full disk is an `OSError`, not safetensors' own error."""
    path.write_bytes(save({name: t.detach().cpu().contiguous() for name, t in tensors.items()}))


def read_tensors(path: Path) -> dict[str, torch.Tensor]:
    """Read what `write_tensors` wrote. Raises `OSError` or `SafetensorError`."""
    return load(path.read_bytes())


def _devices(base: BaseModel) -> list[torch.device]:
    return [base.device] if base.device.type == "cuda" else []
