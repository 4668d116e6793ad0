"""Keys and values: of the running batch, of a prompt being read, and of conversations kept warm.

A `Block` is one tensor of keys and one of values a layer, [rows, heads, capacity, dim], each row
filled from the left to its own length. It is handed to the model as transformers' `Cache`, with an
explicit mask, so that rows of different lengths run side by side and a step reads no further than
the longest of them. Memory starts as zeros: a masked value still counts, times nought, and garbage
may be NaN. There is no paging: a row is copied three times in its life (into the batch,
out of it, into the next prompt), which costs a few ms and keeps the attention kernel on plain
strided memory.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import torch
from transformers import Cache

_GROWTH: Final = 128
"""Capacity is a multiple of this many tokens."""


class Block(Cache):
    """Keys and values of some rows.

    Attributes:
        lengths: how many tokens of each row are filled.
    """

    def __init__(self, layers: int, rows: int = 0, capacity: int = 0) -> None:
        super().__init__(layers=[])
        self.lengths = [0] * rows
        self._capacity = capacity
        self._keys: list[torch.Tensor | None] = [None] * layers
        self._values: list[torch.Tensor | None] = [None] * layers
        self._positions: torch.Tensor | None = None
        self._fresh = 0

    @property
    def bytes(self) -> int:
        """The memory that this block holds."""
        tensors = [t for t in (*self._keys, *self._values) if t is not None]
        return sum(t.numel() * t.element_size() for t in tensors)

    def inputs(
        self, tokens: Sequence[Sequence[int]], device: torch.device, dtype: torch.dtype
    ) -> dict[str, Any]:
        """The model's arguments that append `tokens[i]` to row i; the same number for every row.

        The mask is additive, [rows, 1, tokens, longest]: each new token sees its row's tokens up to
        itself.
        """
        count = len(tokens[0])
        starts = torch.tensor(self.lengths, device=device)
        positions = starts[:, None] + torch.arange(count, device=device)
        columns = torch.arange(max(self.lengths) + count, device=device)
        hidden = columns[None, None, :] > positions[:, :, None]
        mask = torch.zeros(hidden.shape, dtype=dtype, device=device)
        mask.masked_fill_(hidden, torch.finfo(dtype).min)
        self._positions, self._fresh = positions, count
        return {
            "input_ids": torch.tensor(tokens, device=device),
            "position_ids": positions,
            "attention_mask": mask[:, None],
            "past_key_values": self,
            "use_cache": True,
        }

    def update(
        self,
        key_states: torch.Tensor,
        value_states: torch.Tensor,
        layer_idx: int,
        *_: Any,
        **__: Any,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Called by each attention layer: write the new tokens, return all that may be attended."""
        positions = self._positions
        if positions is None:
            raise RuntimeError("inputs() comes before the model's forward pass")
        rows, end = len(self.lengths), max(self.lengths) + self._fresh
        held = []
        for store, states in ((self._keys, key_states), (self._values, value_states)):
            tensor = store[layer_idx]
            if tensor is None:
                tensor = states.new_zeros((rows, states.shape[1], self._capacity, states.shape[3]))
                store[layer_idx] = tensor
            if rows == 1:
                tensor[0, :, self.lengths[0] : end] = states[0]
            else:
                index = torch.arange(rows, device=states.device)[:, None]
                tensor[index, :, positions] = states.transpose(1, 2)
            held.append(tensor[:rows, :, :end])
        return held[0], held[1]

    def advance(self) -> None:
        """Count the tokens of the last forward pass as filled; a failed pass is not counted."""
        self.lengths = [length + self._fresh for length in self.lengths]

    def get_seq_length(self, layer_idx: int = 0) -> int:
        """The longest row; some models ask, though positions and mask are given."""
        del layer_idx
        return max(self.lengths, default=0)

    def append(self, row: Block, capacity: int) -> None:
        """Copy a block of one row in as the last row, with room for `capacity` tokens in all."""
        rows, length = len(self.lengths), row.lengths[0]
        for mine, other in ((self._keys, row._keys), (self._values, row._values)):
            for layer, source in enumerate(other):
                if source is not None:
                    tensor = self._grown(mine[layer], source, rows, capacity)
                    tensor[rows, :, :length] = source[0, :, :length]
                    mine[layer] = tensor
        self.lengths.append(length)

    def _grown(
        self, tensor: torch.Tensor | None, like: torch.Tensor, rows: int, capacity: int
    ) -> torch.Tensor:
        room = -(-capacity // _GROWTH) * _GROWTH
        if tensor is None:
            return like.new_zeros((rows + 1, like.shape[1], room, like.shape[3]))
        have_rows, heads, have_room, dim = tensor.shape
        if have_rows > rows and have_room >= room:
            return tensor
        need_rows = have_rows if have_rows > rows else 2 * have_rows
        grown = tensor.new_zeros((need_rows, heads, max(room, have_room), dim))
        grown[:rows, :, :have_room] = tensor[:rows]
        return grown

    def remove(self, row: int, *, wipe: bool = False) -> None:
        """Drop a row; the last row takes its place. The memory goes when no row is left.

        `wipe` clears what a broken row left behind, so that its NaNs reach no other row.
        """
        last = len(self.lengths) - 1
        for store in (self._keys, self._values):
            for layer, tensor in enumerate(store):
                if tensor is not None and last == 0:
                    store[layer] = None
                elif tensor is not None:
                    if wipe:
                        tensor[row] = 0
                    filled = self.lengths[last] if row != last else 0
                    tensor[row, :, :filled] = tensor[last, :, :filled]
        self.lengths[row] = self.lengths[last]
        self.lengths.pop()

    def copy(self, row: int, length: int, capacity: int) -> Block:
        """A block of its own with the first `length` tokens of a row, and room for `capacity`."""
        block = Block(len(self._keys), 1, capacity)
        block.lengths = [length]
        for mine, other in ((self._keys, block._keys), (self._values, block._values)):
            for layer, source in enumerate(mine):
                if source is not None:
                    shape = (1, source.shape[1], capacity, source.shape[3])
                    other[layer] = source.new_zeros(shape)
                    other[layer][0, :, :length] = source[row, :, :length]  # type: ignore[index]
        return block


@dataclass(frozen=True, slots=True, repr=False)
class Kept:
    """A conversation kept warm: the tokens whose keys and values `block` holds, in one row."""

    version: int
    ids: tuple[int, ...]
    block: Block


class Sessions:
    """The conversations kept warm, least recently used first, within `limit` bytes."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._kept: OrderedDict[str, Kept] = OrderedDict()

    @property
    def bytes(self) -> int:
        """The memory held in all."""
        return sum(kept.block.bytes for kept in self._kept.values())

    @property
    def names(self) -> tuple[str, ...]:
        """The sessions kept, least recently used first."""
        return tuple(self._kept)

    def find(
        self, session: str | None, version: int, ids: Sequence[int]
    ) -> tuple[Block, int] | None:
        """The block of a session and how many tokens of `ids` it can stand for, if any.

        Keys and values of another adapter version never match. At least one token is left over,
        since the model must read one to continue.
        """
        kept = self._kept.get(session) if session is not None else None
        if kept is None or session is None or kept.version != version:
            return None
        self._kept.move_to_end(session)
        shared = 0
        for mine, theirs in zip(kept.ids, ids[:-1], strict=False):
            if mine != theirs:
                break
            shared += 1
        return (kept.block, shared) if shared else None

    def keep(self, session: str, kept: Kept) -> None:
        """Keep a conversation in place of what the session had, dropping others to make room."""
        self._kept.pop(session, None)
        if kept.block.bytes > self._limit:
            return
        self._kept[session] = kept
        while self.bytes > self._limit:
            self._kept.popitem(last=False)

    def forget(self, version: int) -> None:
        """Drop what a freed adapter version computed."""
        for session in [name for name, kept in self._kept.items() if kept.version == version]:
            del self._kept[session]
