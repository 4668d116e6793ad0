"""Finding, checking and naming base models."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from huggingface_hub.errors import LocalEntryNotFoundError
from safetensors.torch import load_file, save_file

from bot.errors import ModelError
from bot.generator import base_model
from bot.generator.base_model import BaseModel, fingerprint
from tests.tiny_model import WINDOW, make_llama


def test_a_loaded_model_is_frozen_and_described(tiny_base: BaseModel, tiny_gpt2: BaseModel) -> None:
    assert not tiny_base.model.training
    assert not any(p.requires_grad for p in tiny_base.model.parameters())
    assert tiny_base.model.dtype == torch.float32
    assert (tiny_base.window, tiny_gpt2.window) == (WINDOW, WINDOW)
    assert tiny_base.fingerprint.startswith("llama-")
    assert tiny_gpt2.fingerprint.startswith("gpt2-")


def test_the_fingerprint_is_of_the_contents(tiny_model_dir: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(tiny_model_dir, copy)
    assert fingerprint(copy) == fingerprint(tiny_model_dir)
    assert fingerprint(make_llama(tmp_path / "other", seed=9)) != fingerprint(copy)

    weights = load_file(copy / "model.safetensors")
    weights["model.norm.weight"][3] += 1e-3
    save_file(weights, copy / "model.safetensors", {"format": "pt"})
    assert fingerprint(copy) != fingerprint(tiny_model_dir)


def change_config(**changes: Any) -> Callable[[Path], None]:
    def change(directory: Path) -> None:
        held = json.loads((directory / "config.json").read_text())
        (directory / "config.json").write_text(json.dumps(held | changes))

    return change


def with_code(directory: Path) -> None:
    own = {"AutoConfig": "own.Config", "AutoModelForCausalLM": "own.Model"}
    change_config(model_type="own", auto_map=own)(directory)
    (directory / "own.py").write_text("raise SystemExit('the code of a model was run')")


def pickle_only(directory: Path) -> None:
    (directory / "model.safetensors").rename(directory / "pytorch_model.bin")


def cut(directory: Path) -> None:
    file = directory / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-1000])


def incomplete(directory: Path) -> None:
    weights = load_file(directory / "model.safetensors")
    del weights["model.norm.weight"]
    save_file(weights, directory / "model.safetensors", {"format": "pt"})


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (lambda d: (d / "config.json").unlink(), "no model"),
        (lambda d: (d / "config.json").write_text("{"), "no model"),
        (change_config(architectures=["BertForMaskedLM"]), "not a causal language model"),
        (change_config(model_type="unheard-of"), "no model"),
        (change_config(max_position_embeddings="many"), "no model"),
        (with_code, "code of its own, which is never run"),
        (pickle_only, "never read"),
        (cut, "cannot be read"),
        (incomplete, "incomplete"),
        (lambda d: [f.unlink() for f in d.glob("tokenizer*")], "tokenizer"),
    ],
)
def test_unusable_models_are_refused_in_a_sentence(
    damage: Callable[[Path], Any], sentence: str, tiny_model_dir: Path, tmp_path: Path
) -> None:
    directory = tmp_path / "bad"
    shutil.copytree(tiny_model_dir, directory)
    damage(directory)
    with pytest.raises(ModelError, match=sentence):
        base_model.load(str(directory), models_dir=tmp_path, device="cpu")


@pytest.mark.parametrize("name", ["./missing", "/missing/model", "~/missing", "a/b/c"])
def test_a_missing_directory_is_named(name: str, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="does not exist"):
        base_model.resolve(name, tmp_path)


def test_an_unreachable_hub_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(*_: Any, **__: Any) -> str:
        raise LocalEntryNotFoundError("offline")

    monkeypatch.setattr(base_model, "snapshot_download", unreachable)
    with pytest.raises(ModelError, match="could not be fetched"):
        base_model.resolve("some/model", tmp_path)
    monkeypatch.undo()
    with pytest.raises(ModelError, match="neither"):
        base_model.resolve("no model", tmp_path)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_cuda_must_be_there(tiny_model_dir: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no CUDA device"):
        base_model.load(str(tiny_model_dir), models_dir=tmp_path, device="cuda")


def test_sliding_attention_narrows_the_window() -> None:
    from transformers import GPTNeoConfig, MistralConfig, Qwen2Config

    assert base_model._window(MistralConfig(sliding_window=64)) == 64
    assert base_model._window(Qwen2Config(use_sliding_window=False)) == 32768
    assert base_model._window(GPTNeoConfig(window_size=128)) == 128
    everywhere = GPTNeoConfig(num_layers=2, attention_types=[[["global"], 2]])
    assert base_model._window(everywhere) == 2048
    with pytest.raises(ModelError, match="not supported"):
        base_model._window(Qwen2Config(layer_types=["linear_attention"] * 32))
