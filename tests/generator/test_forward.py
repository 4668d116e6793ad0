"""Models that replies cannot be written with side by side are refused, not found out by members."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
import torch
from transformers import (
    BloomConfig,
    BloomForCausalLM,
    FalconConfig,
    FalconForCausalLM,
    GPTNeoConfig,
    GPTNeoForCausalLM,
    OpenAIGPTConfig,
    OpenAIGPTLMHeadModel,
    RwkvConfig,
    RwkvForCausalLM,
)

from bot.errors import ModelError
from bot.generator.base_model import BaseModel
from bot.generator.engine import Engine
from bot.generator.forward import prove

SIZE: dict[str, Any] = {
    "vocab_size": 400,
    "hidden_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
}


def of(base: BaseModel, model: Any) -> BaseModel:
    return dataclasses.replace(base, model=model.eval().requires_grad_(False))


def test_plain_models_are_suited(tiny_base: BaseModel, tiny_gpt2: BaseModel) -> None:
    prove(tiny_base)
    prove(tiny_gpt2)
    torch.manual_seed(0)
    neo = GPTNeoConfig(
        vocab_size=400,
        hidden_size=64,
        num_layers=2,
        num_heads=4,
        attention_types=[[["global", "local"], 1]],
    )
    prove(of(tiny_base, GPTNeoForCausalLM(neo)))


@pytest.mark.parametrize(
    ("model", "config"),
    [
        (BloomForCausalLM, BloomConfig(**SIZE)),
        (FalconForCausalLM, FalconConfig(**SIZE, alibi=True)),
        (OpenAIGPTLMHeadModel, OpenAIGPTConfig(vocab_size=400, n_embd=64, n_layer=2, n_head=4)),
        (
            RwkvForCausalLM,
            RwkvConfig(
                vocab_size=400, hidden_size=64, attention_hidden_size=64, num_hidden_layers=2
            ),
        ),
    ],
    ids=lambda given: getattr(given, "model_type", ""),
)
def test_an_engine_refuses_models_that_reply_otherwise(
    model: Any, config: Any, tiny_base: BaseModel
) -> None:
    torch.manual_seed(0)
    with pytest.raises(ModelError, match=f"of type {config.model_type}, cannot write replies"):
        Engine(of(tiny_base, model(config)), threads=1)
