"""Resident adapter versions, and the routing of each row of a batch through its own.

Adapters are read straight from PEFT's format, and checked whole before anything changes. While
serving, each touched layer has a forward hook that adds `x A^T B^T * alpha / rank` (Hu et al.,
LoRA, 2021) to the rows of each version; with no adapter resident there is no hook and no cost.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import torch
from safetensors import SafetensorError
from safetensors.torch import load
from torch import nn
from torch.nn.functional import linear
from transformers.pytorch_utils import Conv1D

from bot.domain import BASE
from bot.errors import AdapterError

CONFIG: Final = "adapter_config.json"
WEIGHTS: Final = "adapter_model.safetensors"

_PREFIX: Final = "base_model.model."
_HALVES: Final = {".lora_A.weight": 0, ".lora_B.weight": 1}

_REFUSED: Final = (
    "use_dora",
    "use_qalora",
    "lora_bias",
    "modules_to_save",
    "rank_pattern",
    "alpha_pattern",
    "layer_replication",
    "megatron_config",
    "trainable_token_indices",
    "target_parameters",
    "alora_invocation_tokens",
    "arrow_config",
)
"""Settings of PEFT that change what an adapter computes in ways that are not served here."""

_PLAIN_INIT: Final = (True, False, None, "gaussian", "eva", "orthogonal")
"""Ways of PEFT to start an adapter that leave the base model's weights alone."""


@dataclass(frozen=True, slots=True)
class Delta:
    """The low-rank change of one layer: `down` is [rank, in], `up` [out, rank], scale included."""

    down: torch.Tensor
    up: torch.Tensor


Adapter = Mapping[str, Delta]
"""Deltas by the name of the layer in the model."""


def read(directory: Path, model: nn.Module) -> Adapter:
    """Read a PEFT LoRA directory for `model`. Safe in another thread than the model's.

    Raises `AdapterError` unless it is plain LoRA, whole, finite and of this model's shapes.
    """
    scale, tensors = _open(directory)
    layers = {name: m for name, m in model.named_modules() if isinstance(m, nn.Linear | Conv1D)}
    halves: dict[str, dict[int, torch.Tensor]] = {}
    for key, tensor in tensors.items():
        suffix = next((end for end in _HALVES if key.endswith(end)), None)
        name = key.removeprefix(_PREFIX).removesuffix(suffix or "")
        if suffix is None or not key.startswith(_PREFIX) or name not in layers:
            raise AdapterError(f"The adapter {directory} changes {key}, which this model lacks.")
        if tensor.ndim != 2 or not tensor.is_floating_point() or not tensor.isfinite().all():
            raise AdapterError(f"The adapter {directory} is damaged: {key} is no finite matrix.")
        halves.setdefault(name, {})[_HALVES[suffix]] = tensor
    if not halves:
        raise AdapterError(f"The adapter {directory} holds no tensors.")
    return {
        name: _delta(directory, name, pair, layers[name], scale) for name, pair in halves.items()
    }


def _open(directory: Path) -> tuple[tuple[int, float], dict[str, torch.Tensor]]:
    """((rank, scale), tensors) of a directory whose settings can be served."""
    try:
        config = json.loads((directory / CONFIG).read_text(encoding="utf-8"))
        # Read, not mapped: what is served must not change or vanish with the file.
        tensors = load((directory / WEIGHTS).read_bytes())
    except (OSError, ValueError, SafetensorError) as error:
        raise AdapterError(f"The adapter {directory} cannot be read: {error}.") from error
    if not isinstance(config, dict) or config.get("peft_type") != "LORA":
        raise AdapterError(f"The adapter {directory} is not of type LORA.")
    odd = [key for key in _REFUSED if config.get(key)]
    if config.get("bias", "none") != "none":
        odd.append("bias")
    init = config.get("init_lora_weights")
    if init not in _PLAIN_INIT:
        odd.append("init_lora_weights")
    if odd:
        raise AdapterError(f"The adapter {directory} uses {', '.join(odd)}: not supported.")
    rank, alpha = config.get("r"), config.get("lora_alpha")
    if not isinstance(rank, int) or rank < 1 or not isinstance(alpha, int | float):
        raise AdapterError(f"The adapter {directory} has no usable rank and alpha.")
    scale = alpha / (math.sqrt(rank) if config.get("use_rslora") else rank)
    if not math.isfinite(scale):
        raise AdapterError(f"The adapter {directory} has no usable rank and alpha.")
    return (rank, scale), tensors


def _delta(
    directory: Path,
    name: str,
    pair: Mapping[int, torch.Tensor],
    layer: nn.Module,
    settings: tuple[int, float],
) -> Delta:
    rank, scale = settings
    weight: Any = layer.weight
    # GPT-2's Conv1D keeps its weight as [in, out], nn.Linear as [out, in].
    inputs, outputs = weight.shape if isinstance(layer, Conv1D) else reversed(weight.shape)
    if len(pair) != 2:
        raise AdapterError(f"The adapter {directory} is damaged: half of {name} is missing.")
    if pair[0].shape != (rank, inputs) or pair[1].shape != (outputs, rank):
        raise AdapterError(
            f"The adapter {directory} was made for another model: {name} has shapes "
            f"{tuple(pair[0].shape)} and {tuple(pair[1].shape)}."
        )
    up = pair[1].float() * scale
    return Delta(pair[0].to(weight.device, weight.dtype), up.to(weight.device, weight.dtype))


class Residents:
    """The adapter versions in memory. Belongs to the inference thread.

    Call `route` before each forward pass of the model: it tells which rows have which version.

    Attributes:
        versions: what is resident, oldest first; replaced whole, so any thread may read it.
    """

    def __init__(self, model: nn.Module) -> None:
        self._layers = dict(model.named_modules())
        self._adapters: dict[int, Adapter] = {}
        self._hooks: dict[str, Any] = {}
        self._groups: list[tuple[int, torch.Tensor | None]] = []
        self.versions: tuple[int, ...] = ()

    def add(self, version: int, adapter: Adapter) -> None:
        """Make a version resident; rows reach it once they are routed to it."""
        self._adapters[version] = adapter
        self.versions = tuple(self._adapters)
        for name in adapter:
            if name not in self._hooks:
                self._hooks[name] = self._layers[name].register_forward_hook(self._hook(name))

    def remove(self, version: int) -> None:
        """Free a version, and the hooks that only it needed."""
        del self._adapters[version]
        self.versions = tuple(self._adapters)
        self._groups = []
        needed = {name for adapter in self._adapters.values() for name in adapter}
        for name in self._hooks.keys() - needed:
            self._hooks.pop(name).remove()

    def route(self, versions: Sequence[int]) -> None:
        """Give row i of the coming forward passes `versions[i]`; `BASE` rows get no delta."""
        rows: dict[int, list[int]] = {}
        for row, version in enumerate(versions):
            rows.setdefault(version, []).append(row)
        alone = len(rows) == 1
        self._groups = [
            (version, None if alone else torch.tensor(members))
            for version, members in rows.items()
            if version != BASE
        ]

    def _hook(self, name: str) -> Any:
        def add_deltas(_layer: nn.Module, inputs: tuple[Any, ...], output: torch.Tensor) -> None:
            # The output is this layer's own fresh tensor, so it can be changed in place.
            for version, rows in self._groups:
                delta = self._adapters[version].get(name)
                if delta is None:
                    continue
                x = inputs[0] if rows is None else inputs[0][rows]
                change = linear(linear(x, delta.down), delta.up)
                if rows is None:
                    output += change
                else:
                    output[rows] += change

        return add_deltas
