"""The embedded model: a batch of mixed adapters writes what each row would be written alone."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM

from bot.domain import Prompt, Sampling, Turn
from bot.generator import base_model
from bot.generator.engine import Engine
from bot.generator.protocol import Job
from tests.tiny_model import make_adapter

ASKED = ("Hi!", "Tell me in one sentence what a fox is.")
TOKENS = 8


@pytest.mark.real
async def test_mixed_adapters_equal_solo_replies(real_model_dir: Path, tmp_path: Path) -> None:
    base = base_model.load(str(real_model_dir), models_dir=real_model_dir.parent, device="cpu")
    versions = {
        seed: make_adapter(
            tmp_path / str(seed),
            real_model_dir,
            seed=seed,
            scale=0.5,
            targets=["q_proj", "v_proj", "down_proj"],
        )
        for seed in (1, 2)
    }
    prompts = [Prompt("You are a friendly bot.", (Turn("user", text, "ana"),)) for text in ASKED]
    sampling = Sampling(temperature=0, repetition_penalty=1, max_new_tokens=TOKENS)
    rows = [(asked, version) for version in (0, 1, 2) for asked in prompts]

    engine = Engine(base, max_batch=8, threads=2)
    for version, directory in versions.items():
        await engine.load(version, directory)
    streams = [await engine.submit(Job(p, sampling, seed=0, adapter=v)) for p, v in rows]
    replies = [(await stream.completion()).text for stream in streams]
    await engine.close()

    plain: Any = AutoModelForCausalLM.from_pretrained(real_model_dir, dtype=torch.float32)
    peers: Any = PeftModel.from_pretrained(plain, str(versions[1]), adapter_name="1")
    peers.load_adapter(str(versions[2]), adapter_name="2")

    @functools.cache
    def alone(asked: Prompt, version: int) -> str:
        ids = base.renderer.prompt_ids(asked)
        inputs = {
            "input_ids": torch.tensor([ids]),
            "attention_mask": torch.ones((1, len(ids)), dtype=torch.long),
        }
        options = {"do_sample": False, "max_new_tokens": TOKENS}
        with torch.no_grad():
            if version:
                peers.set_adapter(str(version))
                out = peers.generate(**inputs, **options)
            else:
                with peers.disable_adapter():
                    out = peers.generate(**inputs, **options)
        return base.renderer.decode(out[0, len(ids) :].tolist()).strip()

    assert replies == [alone(asked, version) for asked, version in rows]
    assert len({alone(prompts[0], version) for version in (0, 1, 2)}) == 3
