"""Loads the base model: found, checked, frozen and named by a fingerprint of its contents.

The bot's engine and the learner both start here, so that an adapter is trained on exactly what
serves it. Weights are read from safetensors only, and no code that comes with a model is run.
"""

from __future__ import annotations

import hashlib
import json
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import torch
from huggingface_hub import snapshot_download
from huggingface_hub.errors import (
    HfHubHTTPError,
    HFValidationError,
    LocalEntryNotFoundError,
    StrictDataclassError,
)
from safetensors import SafetensorError
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer, PreTrainedConfig
from transformers import logging as _transformers_logging
from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES

from bot.errors import ModelError
from bot.model import embedded
from bot.prompt import Renderer

EMBEDDED: Final = "embedded"
"""The value of BASE_MODEL that means the model which comes with the packages."""

_logging: Any = _transformers_logging  # carries no type information

Device = Literal["auto", "cpu", "cuda"]

_LOCAL: Final = {"local_files_only": True, "trust_remote_code": False}
"""How everything is read. Left unsaid, transformers would ask on stdin whether to run its code."""

_FILES: Final = ("*.json", "*.safetensors", "*.model", "*.txt", "*.jinja")
"""What is fetched of a hub repository: weights, tokenizer and settings; no pickles, no code."""

_VOLATILE: Final = {"_name_or_path", "transformers_version", "torch_dtype", "dtype"}
"""Keys of config.json that change without changing the model."""

_WHOLE: Final = 1 << 16
_PIECE: Final = 1 << 12
_PIECES: Final = 8


@dataclass(frozen=True, slots=True)
class BaseModel:
    """A loaded base model, frozen (no gradients) and in evaluation mode.

    Attributes:
        model: a causal language model; float32 on a CPU, bfloat16 on CUDA.
        tokenizer: its tokenizer.
        renderer: turns prompts and replies into token ids for both serving and training.
        fingerprint: names the contents; adapters belong to one fingerprint.
        window: the most tokens that prompt and reply may have together.
        device: where the weights are.
        directory: where they were read from.
    """

    model: Any
    tokenizer: Any
    renderer: Renderer
    fingerprint: str
    window: int
    device: torch.device
    directory: Path


def load(base_model: str, *, models_dir: Path, device: Device = "auto") -> BaseModel:
    """Load the model that BASE_MODEL names; see `resolve`. Blocks for seconds.

    Raises `ModelError` when it cannot be found or read, is no causal language model, or the device
    is not there.
    """
    target = _device(device)
    directory = resolve(base_model, models_dir)
    _logging.set_verbosity_error()
    _logging.disable_progress_bar()
    config = _config(base_model, directory)
    model = _model(base_model, directory, config, target)
    try:
        tokenizer = AutoTokenizer.from_pretrained(str(directory), **_LOCAL)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(
            f"The tokenizer of {base_model} cannot be read: {_first(error)}"
        ) from error
    return BaseModel(
        model=model,
        tokenizer=tokenizer,
        renderer=Renderer(tokenizer),
        fingerprint=fingerprint(directory),
        window=_window(config),
        device=target,
        directory=directory,
    )


def resolve(base_model: str, models_dir: Path) -> Path:
    """The directory of the model that BASE_MODEL names, fetched or unpacked first if need be.

    `embedded` is the model in the packages, an existing directory is itself, and anything else is
    the id of a repository on the Hugging Face hub. Raises `ModelError`.
    """
    if base_model == EMBEDDED:
        return embedded.ensure(models_dir)
    path = Path(base_model).expanduser()
    if path.is_dir():
        return path
    if path.is_absolute() or base_model.startswith((".", "~")) or len(path.parts) > 2:
        raise ModelError(f"BASE_MODEL names the directory {base_model}, which does not exist.")
    try:
        return Path(snapshot_download(base_model, allow_patterns=list(_FILES)))
    except HFValidationError as error:
        raise ModelError(
            f"BASE_MODEL is neither a directory nor a hub id: {base_model}."
        ) from error
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError) as error:
        raise ModelError(
            f"The model {base_model} could not be fetched from the Hugging Face hub; check its "
            "name and the network, or set BASE_MODEL to a local directory or to `embedded`."
        ) from error


def fingerprint(directory: Path) -> str:
    """A short name for a model's contents, such as `llama-0f3a5c7e9b1d2468`.

    SHA-256 over the configuration, the names and shapes of all tensors, small tensors whole and
    evenly spaced pieces of large ones: the same for a copy elsewhere, other after fine-tuning, and
    read in well under a second. Raises `ModelError` when a file is damaged.
    """
    try:
        config = json.loads((directory / "config.json").read_text(encoding="utf-8"))
        stable = {key: value for key, value in config.items() if key not in _VOLATILE}
        digest = hashlib.sha256(json.dumps(stable, sort_keys=True).encode())
        for path in _weights(directory):
            _digest_tensors(path, digest)
    except (OSError, ValueError, KeyError, struct.error) as error:
        raise ModelError(f"The model in {directory} cannot be read: {_first(error)}") from error
    return f"{config.get('model_type', 'model')}-{digest.hexdigest()[:16]}"


def _digest_tensors(path: Path, digest: Any) -> None:
    # The layout of a safetensors file: u64 length of a JSON header, the header, the tensors' bytes.
    with path.open("rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        if length > path.stat().st_size:
            raise ValueError(f"{path.name} is cut off")
        header = json.loads(file.read(length))
        header.pop("__metadata__", None)
        for name, entry in sorted(header.items()):
            digest.update(json.dumps([name, entry["dtype"], entry["shape"]]).encode())
            start, end = entry["data_offsets"]
            for offset, size in _pieces(end - start):
                file.seek(8 + length + start + offset)
                digest.update(file.read(size))


def _pieces(size: int) -> list[tuple[int, int]]:
    """(offset, bytes) of what is read of a tensor: its first and last bytes are always among it."""
    if size <= _WHOLE:
        return [(0, size)]
    return [((size - _PIECE) * i // (_PIECES - 1), _PIECE) for i in range(_PIECES)]


def _weights(directory: Path) -> list[Path]:
    index = directory / "model.safetensors.index.json"
    if index.is_file():
        names = sorted(set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()))
        return [directory / name for name in names]
    return [directory / "model.safetensors"]


def _device(device: Device) -> torch.device:
    there = torch.cuda.is_available()
    if device == "cuda" and not there:
        raise ModelError("DEVICE is cuda, but PyTorch finds no CUDA device; set it to cpu or auto.")
    return torch.device("cuda" if there and device != "cpu" else "cpu")


def _config(base_model: str, directory: Path) -> PreTrainedConfig:
    try:
        config: PreTrainedConfig = AutoConfig.from_pretrained(str(directory), **_LOCAL)
    except (OSError, ValueError, KeyError, TypeError, StrictDataclassError) as error:
        raise ModelError(
            f"{base_model} holds no model that this version of transformers knows: {_first(error)}"
        ) from error
    causal: set[str] = set()
    for names in MODEL_FOR_CAUSAL_LM_MAPPING_NAMES.values():
        causal.update((names,) if isinstance(names, str) else names)
    kinds = config.architectures or []
    if config.is_encoder_decoder or (kinds and not causal.intersection(kinds)):
        raise ModelError(
            f"{base_model} is not a causal language model ({', '.join(kinds) or 'unknown'}); "
            "BASE_MODEL takes models that continue text, such as Llama, Qwen or GPT-2."
        )
    return config


def _model(base_model: str, directory: Path, config: PreTrainedConfig, device: torch.device) -> Any:
    if not all(path.is_file() for path in _weights(directory)):
        raise ModelError(
            f"{base_model} holds no whole set of safetensors weights; weights in pickle files "
            "(pytorch_model.bin) are never read."
        )
    try:
        loaded: Any = AutoModelForCausalLM.from_pretrained(
            str(directory),
            config=config,
            dtype=torch.float32 if device.type == "cpu" else torch.bfloat16,
            use_safetensors=True,
            output_loading_info=True,
            **_LOCAL,
        )
        model, found = loaded
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        raise ModelError(f"The weights of {base_model} cannot be read: {_first(error)}") from error
    if found["missing_keys"]:
        missing = ", ".join(sorted(found["missing_keys"])[:3])
        raise ModelError(f"The weights of {base_model} are incomplete: {missing} is missing.")
    return model.to(device).eval().requires_grad_(False)


def _window(config: PreTrainedConfig) -> int:
    text: Any = config.get_text_config()
    layers = set(getattr(text, "layer_types", None) or ())
    if layers - {"full_attention", "sliding_attention"}:
        raise ModelError(
            f"Models of type {text.model_type} are not supported: not all of their layers attend "
            "to the whole text."
        )
    window = int(getattr(text, "max_position_embeddings", 0) or 2048)
    slides = getattr(text, "sliding_window", None)
    uses = "sliding_attention" in layers or (not layers and text.model_type == "mistral")
    if "local" in getattr(text, "attention_layers", ()):  # GPT-Neo's name for it
        slides, uses = text.window_size, True
    # Within one sliding window, sliding attention is plain attention: the engine knows only that.
    return min(window, int(slides)) if slides and uses else window


def _first(error: BaseException) -> str:
    """The first line of an error's text, as part of a sentence."""
    if "trust_remote_code" in str(error):
        return "it needs code of its own, which is never run."
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0] if lines[0].endswith(".") else f"{lines[0]}."
