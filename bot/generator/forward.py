"""One pass of the model over a block of keys and values, and the proof that a model is made for it.

Not every causal language model is: some place tokens by their column in the mask, some keep a state
instead of keys and values, and some just ignore what they do not know. So each model is tried once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import torch

from bot.errors import ModelError
from bot.generator.base_model import BaseModel
from bot.generator.cache import Block

_TRIAL: Final = "The quick brown fox jumps over the lazy dog, and then asks who is there, please."
_LONG: Final = 16
_SHORT: Final = 9
"""Tokens of the two rows of the trial; the short one is the beginning of the long one."""

_TOLERANCE: Final = {torch.float32: 1e-3}
_COARSE: Final = 0.3
"""How far results may lie apart, as a part of how far scores do; for float32 and for the rest."""


def layers(base: BaseModel) -> int:
    """How many layers of the model keep keys and values."""
    return int(base.model.config.get_text_config().num_hidden_layers)


def forward(base: BaseModel, block: Block, tokens: Sequence[Sequence[int]]) -> torch.Tensor:
    """Append `tokens[i]` to row i of the block; the same number for every row.

    Returns the scores of the next token of each row: [rows, vocabulary], float32 on the CPU.
    """
    inputs = block.inputs(tokens, base.device, base.model.dtype)
    output: Any = base.model(**inputs, logits_to_keep=1)
    block.advance()
    scores: torch.Tensor = output.logits[:, -1].float().cpu()
    return scores


@torch.inference_mode()
def prove(base: BaseModel) -> None:
    """Try whether rows that are read in chunks and written side by side come out as alone.

    Four short passes: a fraction of a second for a small model. Raises `ModelError` if they do not.
    """
    ids = (base.tokenizer.encode(_TRIAL) * _LONG)[:_LONG]
    try:
        whole = base.model(torch.tensor([ids], device=base.device)).logits[0]
        alone = whole[[_LONG - 1, _SHORT - 1]].float().cpu()
        apart = _apart(_together(base, ids), alone)
    except Exception as error:
        raise ModelError(
            f"{_unsuited(base)}: a trial ended with {type(error).__name__}."
        ) from error
    if not apart <= _TOLERANCE.get(base.model.dtype, _COARSE):
        raise ModelError(f"{_unsuited(base)}: they would not be those that it writes alone.")


def _together(base: BaseModel, ids: Sequence[int]) -> torch.Tensor:
    """What the writer does: read in chunks, reuse what was read, and write a token of each row."""
    long = Block(layers(base), 1, _LONG)
    before = _SHORT - 1
    forward(base, long, [ids[:before]])
    short = long.copy(0, before, _SHORT)
    forward(base, long, [ids[before:-1]])
    batch = Block(layers(base))
    for row in (long, short):
        batch.append(row, _LONG)
    return forward(base, batch, [[ids[-1]], [ids[before]]])


def _apart(some: torch.Tensor, others: torch.Tensor) -> float:
    """The largest distance of a row's scores, as a part of their spread; NaN if they are none."""
    spread = (others - others.mean(-1, keepdim=True)).norm(dim=-1)
    return float(((some - others).norm(dim=-1) / spread).max())


def _unsuited(base: BaseModel) -> str:
    return f"The base model, of type {base.model.config.model_type}, cannot write replies here"
