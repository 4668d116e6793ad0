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
_LENGTHS: Final = (16, 9)
"""Tokens of the two rows of the trial."""

_TOLERANCE: Final = {torch.float32: 1e-3}
_COARSE: Final = 0.1
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

    Six short passes: a fraction of a second for a small model. Raises `ModelError` if they do not.
    """
    ids = base.tokenizer.encode(_TRIAL)
    rows = [ids[:length] for length in _LENGTHS]
    try:
        alone = torch.cat([base.model(torch.tensor([row], device=base.device)).logits[:, -1] for row in rows])
        apart = _apart(_together(base, rows), alone.float().cpu())
    except Exception as error:
        raise ModelError(f"{_unsuited(base)}: a trial ended with {type(error).__name__}.") from error
    if not apart <= _TOLERANCE.get(base.model.dtype, _COARSE):
        raise ModelError(f"{_unsuited(base)}: replies would depend on what is written beside them.")


def _together(base: BaseModel, rows: Sequence[Sequence[int]]) -> torch.Tensor:
    """What the writer does: each row but its last token in chunks, then a step of all."""
    batch = Block(layers(base))
    for row in rows:
        block = Block(layers(base), 1, len(row))
        half = len(row) // 2
        forward(base, block, [row[:half]])
        forward(base, block, [row[half:-1]])
        batch.append(block, len(row))
    return forward(base, batch, [[row[-1]] for row in rows])


def _apart(some: torch.Tensor, others: torch.Tensor) -> float:
    """The largest distance of a row's scores, as a part of their spread; NaN if they are none."""
    spread = (others - others.mean(-1, keepdim=True)).norm(dim=-1)
    return float(((some - others).norm(dim=-1) / spread).max())


def _unsuited(base: BaseModel) -> str:
    return f"The base model, of type {base.model.config.model_type}, cannot write replies here"
