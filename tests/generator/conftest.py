"""Engines over tiny models, and the peer that their replies are held against."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM

from bot.domain import BASE, Prompt, Sampling, Turn
from bot.generator import base_model
from bot.generator.base_model import BaseModel
from bot.platforms.formatting import harmless
from tests.tiny_model import make_adapter

torch.set_num_threads(1)  # tiny matrices: a second thread only waits

Solo = Callable[[Prompt, int, int], str]
"""(prompt, version, tokens) -> the greedy reply."""

TEXTS = (
    "hello",
    "who is there, and how are you today?",
    "please tell me of the quick brown fox, the lazy dog, and " * 3,
    "yes",
    "it is a good day to learn something new " * 5,
    "no, thank you",
    "äöü 🙂 日本",
    "the dog",
)


def prompt(text: str, persona: str = "You are a friendly member.") -> Prompt:
    """A prompt of one user turn."""
    return Prompt(persona, (Turn("user", text, "ana"),))


def greedy(tokens: int = 24, **more: object) -> Sampling:
    """Greedy sampling without penalties."""
    plain = {"temperature": 0.0, "repetition_penalty": 1.0, "max_new_tokens": tokens}
    return Sampling(**{**plain, **more})  # type: ignore[arg-type]


@pytest.fixture(scope="session")
def tiny_base(tiny_model_dir: Path) -> BaseModel:
    """The tiny Llama, loaded."""
    return base_model.load(str(tiny_model_dir), models_dir=tiny_model_dir, device="cpu")


@pytest.fixture(scope="session")
def tiny_gpt2(tiny_gpt2_dir: Path) -> BaseModel:
    """The tiny GPT-2, loaded."""
    return base_model.load(str(tiny_gpt2_dir), models_dir=tiny_gpt2_dir, device="cpu")


@pytest.fixture(scope="session")
def adapters(tiny_model_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    """Three adapter versions of the tiny Llama; the third has another rank and fewer layers."""
    root = tmp_path_factory.mktemp("adapters")
    return {
        1: make_adapter(root / "1", tiny_model_dir, seed=1),
        2: make_adapter(root / "2", tiny_model_dir, seed=2),
        3: make_adapter(
            root / "3", tiny_model_dir, seed=3, rank=2, targets=["q_proj", "down_proj"]
        ),
    }


@pytest.fixture(scope="session")
def solo(tiny_base: BaseModel, adapters: dict[int, Path]) -> Solo:
    """What transformers and peft reply alone, for the tiny Llama."""
    return peer(tiny_base, adapters)


def peer(base: BaseModel, adapters: dict[int, Path]) -> Solo:
    """`model.generate` of transformers, under peft where the version is an adapter."""
    models: dict[int, Any] = {
        BASE: AutoModelForCausalLM.from_pretrained(base.directory, dtype=torch.float32)
    }
    for version, directory in adapters.items():
        plain = AutoModelForCausalLM.from_pretrained(base.directory, dtype=torch.float32)
        models[version] = PeftModel.from_pretrained(plain, directory)
    known: dict[tuple[Prompt, int, int], str] = {}

    def reply(asked: Prompt, version: int, tokens: int) -> str:
        key = (asked, version, tokens)
        if key not in known:
            ids = base.renderer.prompt_ids(asked)
            with torch.no_grad():
                out = models[version].generate(
                    input_ids=torch.tensor([ids]),
                    attention_mask=torch.ones((1, len(ids)), dtype=torch.long),
                    do_sample=False,
                    max_new_tokens=tokens,
                )
            text = base.renderer.decode(out[0, len(ids) :].tolist())
            # A random model may end within a character, and write what no platform shows.
            known[key] = harmless(text).rstrip("\N{REPLACEMENT CHARACTER}").strip()
        return known[key]

    return reply
