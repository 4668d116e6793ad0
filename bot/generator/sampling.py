"""Chooses one row's next token with transformers' own processors and a generator of its own.

Every row samples alone, from its own seed, on the CPU in float32: what runs beside it, and on which
device, does not change a reply.
"""

from __future__ import annotations

from typing import Any

import torch
from transformers import (
    LogitsProcessorList,
    NoBadWordsLogitsProcessor,
    RepetitionPenaltyLogitsProcessor,
    TemperatureLogitsWarper,
    TopPLogitsWarper,
)

from bot.domain import Sampling


class Sampler:
    """The choice of tokens for one reply.

    The order is that of `transformers.generate`: repetition penalty and banned words, then
    temperature, top-k, top-p. The penalty counts the reply's own tokens only: with the prompt's,
    small models shun the very words that they were asked about.
    """

    def __init__(
        self, sampling: Sampling, seed: int, prompt_ids: list[int], banned_ids: list[list[int]]
    ) -> None:
        self._top_k = sampling.top_k
        self._greedy = sampling.temperature == 0
        self._random = torch.Generator().manual_seed(seed)
        self._ids: Any = torch.empty(
            (1, len(prompt_ids) + sampling.max_new_tokens), dtype=torch.long
        )
        self._ids[0, : len(prompt_ids)] = torch.tensor(prompt_ids)
        self._count = len(prompt_ids)
        self._processors = LogitsProcessorList()
        if sampling.repetition_penalty != 1:
            self._processors.append(
                RepetitionPenaltyLogitsProcessor(
                    sampling.repetition_penalty, prompt_ignore_length=len(prompt_ids)
                )
            )
        if banned_ids:
            self._processors.append(NoBadWordsLogitsProcessor(banned_ids))
        self._warpers = LogitsProcessorList()
        if not self._greedy and sampling.temperature != 1:
            self._warpers.append(TemperatureLogitsWarper(sampling.temperature))
        if not self._greedy and sampling.top_p < 1:
            self._warpers.append(TopPLogitsWarper(sampling.top_p))

    def choose(self, logits: torch.Tensor) -> int:
        """The next token id for `logits` of shape [vocabulary], float32 on the CPU."""
        ids = self._ids[:, : self._count]
        scores = self._processors(ids, logits.unsqueeze(0))
        token = int(scores.argmax()) if self._greedy else self._draw(ids, scores)
        self._ids[0, self._count] = token
        self._count += 1
        return token

    def _draw(self, ids: Any, scores: torch.Tensor) -> int:
        # Temperature keeps the order of scores, so top-k may come first: all that follows then
        # runs over k candidates instead of the whole vocabulary, which is ten times faster.
        candidates = None
        if 0 < self._top_k < scores.shape[-1]:
            scores, candidates = scores.topk(self._top_k)
        probabilities = self._warpers(ids, scores).softmax(-1)
        drawn = int(torch.multinomial(probabilities, 1, generator=self._random))
        return drawn if candidates is None else int(candidates[0, drawn])


def banned_ids(tokenizer: Any, words: tuple[str, ...]) -> list[list[int]]:
    """The token sequences that spell the banned words: with and without a leading space, in the
    usual capitalisations."""
    sequences: dict[tuple[int, ...], None] = {}
    for word in words:
        for form in dict.fromkeys((word, word.lower(), word.capitalize(), word.upper())):
            for text in (form, f" {form}"):
                if ids := tokenizer.encode(text, add_special_tokens=False):
                    sequences[tuple(ids)] = None
    return [list(ids) for ids in sequences]
