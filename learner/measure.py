"""The loss of a model on examples: the one measure of early stopping, gate and reports."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

import torch

from bot.generator.base_model import BaseModel
from learner.batches import collate, in_groups
from learner.ear import Ear
from learner.examples import Encoded
from learner.lora import logits
from learner.objective import token_losses

MOST_TOKENS: Final = {"cpu": 256, "cuda": 16384}
"""Tokens in one forward pass. On a CPU larger ones are no faster (measured: 88 tokens/s of training
the embedded model on one core, from 256 to 1024), and the chat has to wait for each to end."""


class Loss(NamedTuple):
    """The cross entropy of one reply, summed over its tokens.

    `right` is how many of them are what the model holds likeliest.
    """

    nats: float
    tokens: int
    right: int = 0


def losses_of(
    base: BaseModel, model: Any, examples: Sequence[Encoded], ear: Ear | None = None
) -> dict[Encoded, Loss]:
    """The loss on each example under `model`: the base's, bare or with an adapter on.

    Raises `Stopped`.
    """
    found: dict[Encoded, Loss] = {}
    training = model.training
    model.eval()
    with torch.no_grad():
        for group in in_groups(examples, most_tokens=MOST_TOKENS[base.device.type]):
            if ear:
                ear.pause()
            batch = collate(group, pad_id=pad_id(base), device=base.device)
            scores = logits(model, batch)
            each = token_losses(scores, batch.targets).double()
            sums = each.new_zeros(len(group)).index_add(0, batch.rows, each).tolist()
            counts = batch.rows.bincount(minlength=len(group)).tolist()
            hits = batch.rows[scores.argmax(dim=-1) == batch.targets]
            right = hits.bincount(minlength=len(group)).tolist()
            found.update(zip(group, map(Loss, sums, counts, right), strict=True))
    model.train(training)
    return found


def mean_of(losses: Iterable[Loss]) -> float:
    """The mean over all tokens, in nats a token.

    Every token counts the same here, so that exp(loss) is the perplexity that others report too.
    """
    total, count = map(sum, zip(*((loss.nats, loss.tokens) for loss in losses), strict=True))
    return float(total / count)


def accuracy_of(losses: Iterable[Loss]) -> float:
    """The share of all tokens that are what the model holds likeliest, 0 to 1."""
    right, count = map(sum, zip(*((loss.right, loss.tokens) for loss in losses), strict=True))
    return float(right / count)


def mean_loss(
    base: BaseModel, model: Any, examples: Sequence[Encoded], ear: Ear | None = None
) -> float:
    """The mean of `losses_of` over examples, of which there is at least one."""
    found = losses_of(base, model, examples, ear)
    return mean_of(found[example] for example in examples)


def pad_id(base: BaseModel) -> int:
    """The token that fills short rows; it is never attended to, so any will do."""
    known = base.tokenizer.pad_token_id
    return int(known if known is not None else base.renderer.end_id or 0)
