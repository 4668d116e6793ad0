"""The choice of tokens against transformers' full pipeline."""

from __future__ import annotations

from typing import Any

import torch
from transformers import (
    LogitsProcessorList,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

from bot.domain import Sampling
from bot.generator.base_model import BaseModel
from bot.generator.sampling import Sampler, banned_ids


def test_the_tokens_follow_the_distribution_of_transformers() -> None:
    torch.manual_seed(0)
    logits = torch.randn(300) * 2
    ids: Any = torch.tensor([[5, 7, 9]])
    pipeline = LogitsProcessorList(
        [
            TemperatureLogitsWarper(0.8),
            TopKLogitsWarper(12),
            TopPLogitsWarper(0.85),
        ]
    )
    expected = pipeline(ids, logits[None]).softmax(-1)[0]
    sampling = Sampling(0.8, 0.85, 12, 1.3, max_new_tokens=1)

    counts = torch.zeros(300)
    for seed in range(4000):
        counts[Sampler(sampling, seed, [5, 7, 9], []).choose(logits)] += 1

    assert set(counts.nonzero()[:, 0].tolist()) <= set(expected.nonzero()[:, 0].tolist())
    assert (counts / 4000 - expected).abs().max() < 0.04


def test_greedy_with_a_penalty_avoids_what_was_said() -> None:
    logits = torch.tensor([1.0, 3.0, 2.9, 0.0])
    sampling = Sampling(0, 1, 0, 1.5, max_new_tokens=3)
    sampler = Sampler(sampling, 0, [0], [])
    assert [sampler.choose(logits) for _ in range(3)] == [1, 2, 1]


def test_the_penalty_spares_the_words_of_the_prompt() -> None:
    logits = torch.tensor([3.0, 2.9])
    sampling = Sampling(0, 1, 0, 1.5, max_new_tokens=2)
    sampler = Sampler(sampling, 0, [0, 0], [])
    assert [sampler.choose(logits) for _ in range(2)] == [0, 1]


def test_without_top_k_the_whole_vocabulary_can_come() -> None:
    sampling = Sampling(1, 1, 0, 1, max_new_tokens=1)
    drawn = {Sampler(sampling, seed, [0], []).choose(torch.zeros(5)) for seed in range(200)}
    assert drawn == set(range(5))


def test_banned_sequences_are_never_completed(tiny_base: BaseModel) -> None:
    sequences = banned_ids(tiny_base.tokenizer, ("Damn",))
    texts = {tiny_base.tokenizer.decode(ids) for ids in sequences}
    assert texts == {f"{space}{w}" for space in ("", " ") for w in ("Damn", "damn", "DAMN")}

    sampling = Sampling(0, 1, 0, 1, max_new_tokens=1)
    first = sequences[0]
    logits = torch.zeros(400)
    logits[first[-1]] = 5
    assert Sampler(sampling, 0, first[:-1], sequences).choose(logits) != first[-1]
    assert Sampler(sampling, 0, first[:-1], []).choose(logits) == first[-1]
