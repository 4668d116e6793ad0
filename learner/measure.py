"""The loss of a model on examples: the one measure of early stopping, gate and reports."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import torch

from bot.generator.base_model import BaseModel
from learner.batches import collate, in_groups
from learner.ear import Ear
from learner.examples import Encoded
from learner.lora import logits
from learner.objective import token_losses

MOST_TOKENS: Final = {"cpu": 512, "cuda": 16384}
"""Tokens in one forward pass: more is faster until memory is short (a score for each word of the
vocabulary, for each token of a reply, is kept)."""


def mean_loss(
    base: BaseModel, model: Any, examples: Sequence[Encoded], ear: Ear | None = None
) -> float:
    """The mean cross entropy over all tokens of the replies, in nats a token.

    `model` is the base's model, bare or with an adapter on. Every token counts the same here, so
    that exp(loss) is the perplexity that others report too. Raises `Stopped`.
    """
    if not examples:
        raise ValueError("no examples to measure with")
    total, count = 0.0, 0
    training = model.training
    model.eval()
    with torch.no_grad():
        for group in in_groups(examples, most_tokens=MOST_TOKENS[base.device.type]):
            if ear:
                ear.pause()
            batch = collate(group, pad_id=pad_id(base), device=base.device)
            total += token_losses(logits(model, batch), batch.targets).double().sum().item()
            count += len(batch.targets)
    model.train(training)
    return total / count


def pad_id(base: BaseModel) -> int:
    """The token that fills short rows; it is never attended to, so any will do."""
    known = base.tokenizer.pad_token_id
    return int(known if known is not None else base.renderer.end_id or 0)
