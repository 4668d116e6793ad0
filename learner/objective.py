"""The losses, as pure functions of tensors.

N stands for the tokens of a batch that carry loss, B for its examples, V for the vocabulary. `rows`
[N] tells which example each token belongs to.

Within an example the mean over its tokens is taken, not the sum: one thumb counts as one thumb,
however long the reply it was given to. Over examples the weighted sum is taken, and the caller
divides by the number of examples in the step, so that splitting a step into parts changes nothing.
"""

from __future__ import annotations

import torch
from torch.nn import functional


def token_losses(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """The cross entropy of each token in nats: [N] from logits [N, V] and targets [N]."""
    return functional.cross_entropy(logits.float(), targets, reduction="none")


def example_means(values: torch.Tensor, rows: torch.Tensor, count: int) -> torch.Tensor:
    """The mean of `values` [N] over each example's tokens: [B]."""
    sums = values.new_zeros(count).index_add(0, rows, values)
    sizes = values.new_zeros(count).index_add(0, rows, torch.ones_like(values))
    return sums / sizes.clamp(min=1)


def completion_loss(
    logits: torch.Tensor, targets: torch.Tensor, rows: torch.Tensor, weights: torch.Tensor
) -> torch.Tensor:
    """How unlikely the approved replies are: the weighted sum over examples, a scalar.

    Args:
        logits: [N, V] at the positions that predict a token of a reply.
        targets: [N] these tokens.
        weights: [B] what each example counts.
    """
    means = example_means(token_losses(logits, targets), rows, len(weights))
    return (means * weights).sum()


def anchor_loss(
    logits: torch.Tensor, base_logits: torch.Tensor, rows: torch.Tensor, weights: torch.Tensor
) -> torch.Tensor:
    """How far the model has moved from the base on its answers: weighted sum of KL(base || model).

    The whole distribution of the base is the target (distillation; Hinton et al., 2015), which
    holds the model firmer than the one token that was sampled from it: learning without forgetting
    (Li & Hoiem, 2016). Its expected value is the rise of the cross entropy on the base's own
    answers, which is what the gate bounds.

    Args:
        logits, base_logits: [N, V] of the model and of the base at the same positions.
    """
    model = functional.log_softmax(logits.float(), dim=-1)
    base = functional.log_softmax(base_logits.float(), dim=-1)
    divergence = functional.kl_div(model, base, reduction="none", log_target=True).sum(dim=-1)
    return (example_means(divergence, rows, len(weights)) * weights).sum()
