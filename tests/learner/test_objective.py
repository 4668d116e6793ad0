"""Batches and losses: only replies carry loss, and splitting a step changes nothing."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from bot.domain import Prompt, Turn
from bot.generator.base_model import BaseModel
from learner import lora
from learner.batches import collate, epoch_steps, in_groups
from learner.examples import Encoded, encode
from learner.measure import mean_loss, pad_id
from learner.objective import anchor_loss, completion_loss, example_means, token_losses

CPU = torch.device("cpu")


def examples(base: BaseModel, *texts: str, weight: float = 1.0) -> list[Encoded]:
    """One example for each text, as prompt and reply."""
    found = [
        encode(base.renderer, Prompt("p", (Turn("user", t),)), f"{t} yes", limit=400, weight=weight)
        for t in texts
    ]
    return [example for example in found if example]


def test_the_mask_covers_the_reply_and_its_end_and_nothing_else() -> None:
    batch = collate(
        [Encoded((5, 6, 7, 8, 9), 3), Encoded((1, 2, 3), 1, weight=0.5)], pad_id=0, device=CPU
    )
    assert batch.ids.tolist() == [[5, 6, 7, 8, 9], [1, 2, 3, 0, 0]]
    assert batch.attention.tolist() == [[1, 1, 1, 1, 1], [1, 1, 1, 0, 0]]
    assert batch.predicts.long().tolist() == [[0, 0, 1, 1, 0], [1, 1, 0, 0, 0]]
    assert batch.targets.tolist() == [8, 9, 2, 3]
    assert batch.rows.tolist() == [0, 0, 1, 1]
    assert batch.weights.tolist() == [1, 0.5]
    assert batch.tokens == 8


def test_prompt_tokens_have_no_influence_on_the_gradient_through_their_own_prediction(
    tiny: BaseModel,
) -> None:
    one = examples(tiny, "hello")[0]
    batch = collate([one], pad_id=pad_id(tiny), device=CPU)
    reply = one.ids[one.start :]
    assert tuple(batch.targets.tolist()) == reply
    full = tiny.model(input_ids=batch.ids).logits[0]
    expected = torch.log_softmax(full[one.start - 1 : -1].float(), -1)
    picked = -expected[range(len(reply)), list(reply)]
    scores = lora.logits(tiny.model, batch)
    assert torch.allclose(token_losses(scores, batch.targets), picked, atol=1e-5)


def test_one_thumb_counts_as_one_thumb_however_long_the_reply() -> None:
    logits = torch.zeros(6, 4)
    targets = torch.tensor([0, 1, 2, 3, 0, 1])
    rows = torch.tensor([0, 1, 1, 1, 1, 1])
    weights = torch.tensor([1.0, 1.0])
    each = example_means(token_losses(logits, targets), rows, 2)
    assert torch.allclose(each, torch.full((2,), 4.0).log())
    loss = completion_loss(logits, targets, rows, torch.tensor([1.0, 0.25]))
    assert loss.item() == pytest.approx(1.25 * torch.tensor(4.0).log().item())
    assert completion_loss(logits, targets, rows, weights * 0).item() == 0


def test_splitting_a_step_into_parts_changes_nothing(tiny: BaseModel) -> None:
    some = [
        *examples(tiny, "hello", "how are you today, fox", weight=0.5),
        *examples(tiny, "yes"),
    ]

    def total(group: list[Encoded]) -> float:
        batch = collate(group, pad_id=pad_id(tiny), device=CPU)
        scores = lora.logits(tiny.model, batch)
        return completion_loss(scores, batch.targets, batch.rows, batch.weights).item()

    assert total(some) == pytest.approx(sum(total([one]) for one in some), rel=1e-4)
    assert mean_loss(tiny, tiny.model, some) == pytest.approx(
        mean_loss(tiny, tiny.model, some[::-1]), rel=1e-6
    )


def test_an_anchor_has_no_loss_while_the_model_is_the_base() -> None:
    base = torch.randn(5, 7, generator=torch.Generator().manual_seed(0))
    rows, weights = torch.tensor([0, 0, 1, 1, 1]), torch.ones(2)
    assert anchor_loss(base, base, rows, weights).item() == pytest.approx(0, abs=1e-6)
    assert anchor_loss(base + 3.0, base, rows, weights).item() == pytest.approx(0, abs=1e-5)
    moved = base.clone()
    moved[0, 0] += 2
    p, q = torch.softmax(base[0], -1), torch.softmax(moved[0], -1)
    expected = (p * (p / q).log()).sum().item() / 2
    assert anchor_loss(moved, base, rows, weights).item() == pytest.approx(expected, rel=1e-4)


@given(st.lists(st.tuples(st.integers(2, 60), st.booleans()), min_size=1, max_size=40))
def test_groups_hold_all_examples_within_their_bound(sizes: list[tuple[int, bool]]) -> None:
    some = [Encoded((1,) * size, 1, anchor=anchor) for size, anchor in sizes]
    groups = in_groups(some, most_tokens=100)
    assert sorted(map(len, some)) == sorted(len(e) for group in groups for e in group)
    for group in groups:
        assert len({e.anchor for e in group}) == 1
        assert len(group) == 1 or len(group) * max(map(len, group)) <= 100


@given(st.integers(1, 50), st.integers(0, 20), st.integers(1, 12), st.integers(0, 3))
def test_an_epoch_holds_every_example_once_and_its_turn_of_anchors(
    count: int, anchor_count: int, size: int, epoch: int
) -> None:
    some = [Encoded((i,) * (2 + i % 9), 1) for i in range(count)]
    anchors = [Encoded((i,) * (2 + i % 5), 1, anchor=True) for i in range(100, 107)]

    def steps(seed: int) -> list[list[Encoded]]:
        return epoch_steps(
            some, anchors, anchor_count=anchor_count, epoch=epoch, size=size, seed=seed
        )

    found = [e for step in steps(1) for e in step]
    assert sorted(e.ids for e in found if not e.anchor) == sorted(e.ids for e in some)
    turn = [anchors[(epoch * anchor_count + i) % 7].ids for i in range(anchor_count)]
    assert sorted(e.ids for e in found if e.anchor) == sorted(turn)
    assert all(0 < len(step) <= size + 1 for step in steps(1))
    assert len(steps(1)) == len(steps(2)), "resuming counts on epochs of the same length"
    assert steps(1) == steps(1)


def test_other_seeds_and_epochs_come_in_another_order() -> None:
    some = [Encoded((i,), 1) for i in range(40)]

    def order(seed: int, epoch: int) -> list[list[Encoded]]:
        return epoch_steps(some, [], anchor_count=0, epoch=epoch, size=4, seed=seed)

    assert order(1, 0) != order(2, 0)
    assert order(1, 0) != order(1, 1)
