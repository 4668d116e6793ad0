"""Blocks of keys and values, and the conversations kept warm."""

from __future__ import annotations

import torch

from bot.generator.base_model import BaseModel
from bot.generator.cache import Block, Kept, Sessions
from tests.generator.conftest import TEXTS, prompt


def read(base: BaseModel, block: Block, tokens: list[list[int]]) -> torch.Tensor:
    inputs = block.inputs(tokens, base.device, base.model.dtype)
    with torch.inference_mode():
        logits: torch.Tensor = base.model(**inputs).logits
    block.advance()
    return logits[:, -1]


def alone(base: BaseModel, ids: list[int]) -> torch.Tensor:
    with torch.inference_mode():
        logits: torch.Tensor = base.model(torch.tensor([ids])).logits
    return logits[0, -1]


def test_rows_join_leave_and_move_without_mixing(tiny_base: BaseModel) -> None:
    batch = Block(3)
    rows: list[list[int]] = []
    for text in TEXTS[:5]:
        ids = tiny_base.renderer.prompt_ids(prompt(text))
        block = Block(3, 1, len(ids))
        for start in range(0, len(ids), 16):
            read(tiny_base, block, [ids[start : start + 16]])
        batch.append(block, len(ids) + 8)
        rows.append(ids)
    for leaving in (1, 3, 0, 1):
        tokens = [[7 + i] for i in range(len(rows))]
        rows = [ids + token for ids, token in zip(rows, tokens, strict=True)]
        logits = read(tiny_base, batch, tokens)
        for ids, scores in zip(rows, logits, strict=True):
            torch.testing.assert_close(scores, alone(tiny_base, ids), atol=1e-4, rtol=1e-4)
        batch.remove(leaving, wipe=leaving == 3)
        rows[leaving] = rows[-1]
        rows.pop()
    batch.remove(0)
    assert (batch.lengths, batch.bytes) == ([], 0)


def test_what_a_broken_row_leaves_behind_reaches_no_other(tiny_base: BaseModel) -> None:
    batch = Block(3)
    ids = [3, 4, 5, 6, 7, 8]
    for length in (6, 2):
        block = Block(3, 1, length)
        read(tiny_base, block, [ids[:length]])
        batch.append(block, 16)
    for tensor in batch._values:
        assert tensor is not None
        tensor[0] = torch.nan
    batch.remove(0, wipe=True)
    logits = read(tiny_base, batch, [[9]])
    torch.testing.assert_close(logits[0], alone(tiny_base, [3, 4, 9]), atol=1e-4, rtol=1e-4)


def kept(base: BaseModel, version: int, ids: list[int]) -> Kept:
    block = Block(3, 1, len(ids))
    read(base, block, [ids])
    return Kept(version, tuple(ids), block)


def test_the_longest_common_prefix_is_found(tiny_base: BaseModel) -> None:
    sessions = Sessions(1 << 30)
    sessions.keep("c", kept(tiny_base, 1, [3, 4, 5, 6]))

    def shared(session: str | None, version: int, ids: list[int]) -> int:
        found = sessions.find(session, version, ids)
        return found[1] if found else 0

    assert shared("c", 1, [3, 4, 5, 6, 7]) == 4
    assert shared("c", 1, [3, 4, 5, 6]) == 3
    assert shared("c", 1, [3, 4, 9, 6, 7]) == 2
    assert shared("c", 1, [9, 4, 5]) == 0
    assert shared("c", 2, [3, 4, 5, 6, 7]) == 0
    assert shared("d", 1, [3, 4, 5, 6, 7]) == 0
    assert shared(None, 1, [3, 4, 5, 6, 7]) == 0


def test_the_least_recently_used_goes_first(tiny_base: BaseModel) -> None:
    one = kept(tiny_base, 0, [3, 4, 5, 6])
    sessions = Sessions(3 * one.block.bytes)
    for name in "abc":
        sessions.keep(name, kept(tiny_base, int(name == "b"), [3, 4, 5, 6]))
    sessions.find("a", 0, [3, 4])
    sessions.keep("d", one)
    assert sessions.names == ("c", "a", "d")
    assert sessions.bytes == 3 * one.block.bytes

    sessions.keep("d", kept(tiny_base, 5, [3] * 40))
    assert "d" not in sessions.names
    sessions.keep("e", kept(tiny_base, 5, [3, 4, 5, 6]))
    sessions.forget(5)
    assert list(sessions.names) == ["c", "a"]
