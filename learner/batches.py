"""Encoded examples as tensors: in groups of like length, so that little is computed for padding."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch

from learner.examples import Encoded


@dataclass(frozen=True, slots=True)
class Batch:
    """B examples of at most T tokens, of which N carry loss.

    Attributes:
        ids: [B, T] token ids, padded on the right.
        attention: [B, T], 1 for tokens and 0 for padding.
        predicts: [B, T] bool, the positions whose next token carries loss: N are true.
        targets: [N] the tokens that these positions should predict, row by row.
        rows: [N] the row that each of them belongs to.
        weights: [B] what the loss of each example is multiplied with.
        anchor: whether all rows are anchors (a batch never mixes them with examples).
        tokens: how many tokens are no padding.
    """

    ids: torch.Tensor
    attention: torch.Tensor
    predicts: torch.Tensor
    targets: torch.Tensor
    rows: torch.Tensor
    weights: torch.Tensor
    anchor: bool
    tokens: int


def collate(examples: Sequence[Encoded], *, pad_id: int, device: torch.device) -> Batch:
    """Put examples into one batch. They are all anchors, or none is."""
    width = max(map(len, examples))
    ids = torch.full((len(examples), width), pad_id, dtype=torch.long)
    attention = torch.zeros_like(ids)
    predicts = torch.zeros_like(ids, dtype=torch.bool)
    for row, example in enumerate(examples):
        ids[row, : len(example)] = torch.tensor(example.ids)
        attention[row, : len(example)] = 1
        predicts[row, example.start - 1 : len(example) - 1] = True
    rows, positions = predicts.nonzero(as_tuple=True)
    return Batch(
        ids=ids.to(device),
        attention=attention.to(device),
        predicts=predicts.to(device),
        targets=ids[rows, positions + 1].to(device),
        rows=rows.to(device),
        weights=torch.tensor([example.weight for example in examples], device=device),
        anchor=examples[0].anchor,
        tokens=sum(map(len, examples)),
    )


def in_groups(examples: Sequence[Encoded], *, most_tokens: int) -> list[list[Encoded]]:
    """The examples by length, in groups of at most `most_tokens` tokens with padding.

    Anchors and others come in groups of their own.
    """
    groups: list[list[Encoded]] = []
    for example in sorted(examples, key=lambda e: (e.anchor, -len(e), e.ids)):
        last = groups[-1] if groups else []
        fits = last and last[0].anchor is example.anchor
        if fits and (len(last) + 1) * len(last[0]) <= most_tokens:
            last.append(example)
        else:
            groups.append([example])
    return groups


def epoch_steps(
    examples: Sequence[Encoded],
    anchors: Sequence[Encoded],
    *,
    anchor_count: int,
    epoch: int,
    size: int,
    seed: int,
) -> list[list[Encoded]]:
    """One pass over all examples and `anchor_count` anchors, in steps of `size`.

    The order is the seed's and the epoch's. Anchors take turns over the epochs. Within stretches of
    a few steps, neighbours in length are put into the same step, for speed; the order of the steps
    is random again.
    """
    rng = random.Random(f"{seed}/{epoch}")  # noqa: S311 - an order, no secret
    first = epoch * anchor_count
    turn = [anchors[(first + i) % len(anchors)] for i in range(anchor_count)] if anchors else []
    return [*_mixed([*examples], turn, size, rng)]


def _mixed(
    examples: list[Encoded], anchors: list[Encoded], size: int, rng: random.Random
) -> Iterator[list[Encoded]]:
    count = len(examples) + len(anchors)
    # Not more than there are of the more numerous kind: then no step is empty, and all epochs have
    # the same number of steps, which resuming counts on.
    steps = max(1, min(-(-count // size), max(len(examples), len(anchors))))
    rng.shuffle(examples)
    rng.shuffle(anchors)
    # Every step gets its share of anchors, so that none of them drifts away from the base.
    parts = zip(_dealt(examples, steps, rng), _dealt(anchors, steps, rng), strict=True)
    yield from ([*some, *kept] for some, kept in parts)


def _dealt(items: list[Encoded], steps: int, rng: random.Random) -> list[list[Encoded]]:
    """The items in `steps` even parts, each of like lengths within stretches of 8 parts."""
    bounds = [round(i * len(items) / steps) for i in range(steps + 1)]
    parts: list[list[Encoded]] = []
    for first in range(0, steps, 8):
        last = min(steps, first + 8)
        stretch = sorted(items[bounds[first] : bounds[last]], key=len)
        offset = bounds[first]
        parts += [stretch[bounds[i] - offset : bounds[i + 1] - offset] for i in range(first, last)]
    rng.shuffle(parts)
    return parts
