"""The training loop on the tiny model."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM

from bot.domain import Progress, Prompt, Sampling, Turn
from bot.errors import ModelError
from bot.generator.base_model import BaseModel, load
from bot.generator.engine import Engine
from bot.generator.protocol import Job
from learner import lora
from learner.asking import ask
from learner.batches import collate
from learner.ear import Ear, Stopped
from learner.examples import Encoded, encode
from learner.measure import mean_loss
from learner.objective import anchor_loss
from learner.train import Diverged, Material, Recipe, train

RECIPE = Recipe(
    rank=4, alpha=16, dropout=0.1, learning_rate=1e-2, epochs=3, batch_examples=4, seed=5
)
WEIGHTS = lora.WEIGHTS


def prompt(number: int) -> Prompt:
    """A prompt like the others."""
    return Prompt("You are Thumbwise.", (Turn("user", f"hello, how are you, {number}"),))


def taught(base: BaseModel, numbers: range, *, anchor: bool = False) -> list[Encoded]:
    """Examples with a taste that can be learned."""
    found = [
        encode(
            base.renderer,
            prompt(number),
            "it is a good day" if anchor else f"the quick brown fox {'jumps ' * (number % 3)}over",
            limit=300,
            anchor=anchor,
        )
        for number in numbers
    ]
    return [example for example in found if example]


@pytest.fixture
def material(tiny: BaseModel) -> Material:
    """A small training set."""
    return Material(
        taught(tiny, range(14)),
        taught(tiny, range(100, 104), anchor=True),
        3,
        taught(tiny, range(20, 24)),
    )


def run(
    base: BaseModel,
    material: Material,
    workplace: Path,
    *,
    ear: Ear | None = None,
    recipe: Recipe = RECIPE,
    parent: Path | None = None,
) -> bytes:
    """Train; return the bytes of the weights."""
    done = train(
        base, material, recipe, parent=parent, workplace=workplace, ear=ear or Ear(), keep_every=0
    )
    return (done.directory / WEIGHTS).read_bytes()


def after(calls: int) -> Callable[[], bool]:
    """A wish to stop that comes after some questions."""
    count = itertools.count()
    return lambda: next(count) >= calls


def test_training_lowers_the_loss_and_leaves_the_base_alone(
    tiny: BaseModel, material: Material, tmp_path: Path
) -> None:
    before = {name: value.clone() for name, value in tiny.model.state_dict().items()}
    bare = mean_loss(tiny, tiny.model, material.held_out)
    told: list[Progress] = []
    done = train(tiny, material, RECIPE, parent=None, workplace=tmp_path, ear=Ear(tell=told.append))
    assert done.held_out < 0.5 * bare
    assert done.epoch == len(done.history) == 3
    assert [p.step for p in told] == list(range(1, told[-1].steps + 1))
    assert told[-1].seconds_left == 0
    assert told[-1].tokens_per_second > 0
    after_it = tiny.model.state_dict()
    assert after_it.keys() == before.keys()
    assert all(torch.equal(before[name], after_it[name]) for name in before)
    assert not any(p.requires_grad for p in tiny.model.parameters())
    with lora.loaded_adapter(tiny, done.directory, trainable=False) as model:
        assert mean_loss(tiny, model, material.held_out) == done.held_out


def test_the_same_seed_gives_the_same_weights(
    tiny: BaseModel, material: Material, tmp_path: Path
) -> None:
    one = run(tiny, material, tmp_path / "1")
    torch.rand(7)  # whatever else happens in the process
    assert run(tiny, material, tmp_path / "2") == one
    other = Recipe(**{**RECIPE.to_json(), "seed": 6})
    assert run(tiny, material, tmp_path / "3", recipe=other) != one


@pytest.mark.parametrize("stops", [(1,), (9,), (25,), (2, 3, 5, 8, 13)])
def test_an_interrupted_training_ends_as_if_it_had_not_been(
    tiny: BaseModel, material: Material, tmp_path: Path, stops: tuple[int, ...]
) -> None:
    whole = run(tiny, material, tmp_path / "whole")
    for calls in stops:
        with pytest.raises(Stopped):
            run(tiny, material, tmp_path / "cut", ear=Ear(told_to_stop=after(calls)))
    assert not any(isinstance(m, PeftModel) for m in tiny.model.modules())
    assert run(tiny, material, tmp_path / "cut") == whole


def test_a_killed_training_goes_on_from_its_last_checkpoint(
    tiny: BaseModel, material: Material, tmp_path: Path
) -> None:
    whole = run(tiny, material, tmp_path / "whole")

    def die(progress: Progress) -> None:
        if progress.step == 7:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(tiny, material, tmp_path / "cut", ear=Ear(tell=die))
    steps: list[int] = []
    ear = Ear(tell=lambda progress: steps.append(progress.step))
    assert run(tiny, material, tmp_path / "cut", ear=ear) == whole
    assert steps[0] == 7, "step 7 was not on disk yet, the six before it were"


def test_a_checkpoint_of_another_training_is_not_taken_up(
    tiny: BaseModel, material: Material, tmp_path: Path
) -> None:
    with pytest.raises(Stopped):
        run(tiny, material, tmp_path / "a", ear=Ear(told_to_stop=after(12)))
    less = Material(material.examples[1:], material.anchors, 3, material.held_out)
    steps: list[int] = []
    ear = Ear(tell=lambda progress: steps.append(progress.step))
    assert run(tiny, less, tmp_path / "a", ear=ear) == run(tiny, less, tmp_path / "b")
    assert steps[0] == 1


def test_a_damaged_checkpoint_is_as_good_as_none(
    tiny: BaseModel, material: Material, tmp_path: Path
) -> None:
    with pytest.raises(Stopped):
        run(tiny, material, tmp_path / "a", ear=Ear(told_to_stop=after(12)))
    (kept,) = tmp_path.glob("a/checkpoint-*")
    tensors = kept / "optimizer.safetensors"
    tensors.write_bytes(tensors.read_bytes()[:-100])
    assert run(tiny, material, tmp_path / "a") == run(tiny, material, tmp_path / "b")


def test_a_finished_training_is_not_done_again(
    tiny: BaseModel, material: Material, tmp_path: Path
) -> None:
    first = run(tiny, material, tmp_path)
    told: list[Progress] = []
    assert run(tiny, material, tmp_path, ear=Ear(tell=told.append)) == first
    assert told == []
    assert sorted(p.name for p in tmp_path.iterdir()) == ["adapter", "trained.json"]


def test_it_ends_when_the_held_out_loss_no_longer_falls_and_keeps_the_best(
    tiny: BaseModel, material: Material, tmp_path: Path
) -> None:
    contrary = Material(material.examples, material.anchors, 3, taught(tiny, range(3), anchor=True))
    long = Recipe(**{**RECIPE.to_json(), "epochs": 30})
    done = train(tiny, contrary, long, parent=None, workplace=tmp_path, ear=Ear())
    losses = [entry["held_out"] for entry in done.history]
    assert len(losses) < 30
    assert done.held_out == min(losses)
    assert losses[-1] > min(losses)
    with lora.loaded_adapter(tiny, done.directory, trainable=False) as model:
        assert mean_loss(tiny, model, contrary.held_out) == done.held_out


def test_anchors_hold_the_model_where_it_was(
    tiny: BaseModel, material: Material, tmp_path: Path
) -> None:
    watched = taught(tiny, range(200, 206), anchor=True)
    free = Material(material.examples, [], 0, material.held_out)
    run(tiny, free, tmp_path / "free")
    run(tiny, material, tmp_path / "held")
    drift = {}
    for name in ("free", "held"):
        with lora.loaded_adapter(tiny, tmp_path / name / "adapter", trainable=False) as model:
            drift[name] = mean_loss(tiny, model, watched)
    bare = mean_loss(tiny, tiny.model, watched)
    assert abs(drift["held"] - bare) < 0.5 * abs(drift["free"] - bare)


def test_anchors_hold_on_to_the_base_as_it_answers(
    tiny_gpt2_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gpt2 = load(str(tiny_gpt2_dir), models_dir=tiny_gpt2_dir, device="cpu")
    assert gpt2.model.config.resid_pdrop > 0, "a base with dropout of its own"
    anchors = taught(gpt2, range(1), anchor=True)
    held = taught(gpt2, range(20, 22))
    seen: list[torch.Tensor] = []

    def spy(scores: torch.Tensor, base: torch.Tensor, *rest: Any) -> torch.Tensor:
        seen.append(base)
        return anchor_loss(scores, base, *rest)

    monkeypatch.setattr("learner.train.anchor_loss", spy)
    run(gpt2, Material(taught(gpt2, range(2)), anchors, 1, held), tmp_path)
    (batch,) = [collate(anchors, pad_id=0, device=gpt2.device)]
    with torch.no_grad():
        answers = lora.logits(gpt2.model.eval(), batch)
    assert len(seen) == 3
    assert all(torch.equal(expected, answers) for expected in seen)


def test_an_interrupted_training_of_single_examples_skips_none(
    tiny: BaseModel, material: Material, tmp_path: Path
) -> None:
    single = Recipe(**{**RECIPE.to_json(), "batch_examples": 1})
    whole = run(tiny, material, tmp_path / "whole", recipe=single)
    told: list[int] = []
    ear = Ear(tell=lambda p: told.append(p.step), told_to_stop=after(40))
    with pytest.raises(Stopped):
        run(tiny, material, tmp_path / "cut", ear=ear, recipe=single)
    ear = Ear(tell=lambda p: told.append(p.step))
    assert run(tiny, material, tmp_path / "cut", ear=ear, recipe=single) == whole
    assert told == list(range(1, 3 * len(material.examples) + 1))


def test_training_goes_on_from_a_parent(
    tiny: BaseModel, material: Material, tmp_path: Path
) -> None:
    run(tiny, material, tmp_path / "parent")
    parent = tmp_path / "parent" / "adapter"
    with lora.loaded_adapter(tiny, parent, trainable=False) as model:
        start = mean_loss(tiny, model, material.held_out)
    more = Material(taught(tiny, range(30, 38)), material.anchors, 2, material.held_out)
    careful = Recipe(**{**RECIPE.to_json(), "learning_rate": 1e-4, "epochs": 1})
    done = train(tiny, more, careful, parent=parent, workplace=tmp_path / "child", ear=Ear())
    assert done.held_out == pytest.approx(start, rel=0.1)
    assert (done.directory / WEIGHTS).read_bytes() != (parent / WEIGHTS).read_bytes()


def test_a_loss_that_is_no_number_is_a_clear_failure(
    tiny: BaseModel, material: Material, tmp_path: Path
) -> None:
    wild = Recipe(**{**RECIPE.to_json(), "learning_rate": 1e30})
    with pytest.raises(Diverged, match="LEARNING_RATE"):
        run(tiny, material, tmp_path, recipe=wild)
    assert not (tmp_path / "adapter").exists()
    assert mean_loss(tiny, tiny.model, material.held_out) < 20, "the base is as it was"


def test_it_asks_for_leave_before_each_part_of_a_step(
    tiny: BaseModel, material: Material, tmp_path: Path
) -> None:
    waits: list[None] = []
    told: list[Progress] = []
    run(tiny, material, tmp_path, ear=Ear(wait=lambda: waits.append(None), tell=told.append))
    evaluations, anchor_parts = 3, 9
    assert len(waits) >= len(told) + evaluations + anchor_parts


def test_nothing_is_ever_pickled(tiny: BaseModel, material: Material, tmp_path: Path) -> None:
    with pytest.raises(Stopped):
        run(tiny, material, tmp_path, ear=Ear(told_to_stop=after(12)))
    kinds = {path.suffix for path in tmp_path.rglob("*") if path.is_file()}
    assert kinds == {".json", ".safetensors"}
    (kept,) = tmp_path.glob("checkpoint-*")
    assert json.loads((kept / "run.json").read_text())["step"] > 0


async def test_peft_alone_writes_the_same_reply_as_the_engine(
    tiny: BaseModel, material: Material, tmp_path: Path
) -> None:
    run(tiny, material, tmp_path)
    greedy = Sampling(temperature=0, top_p=1, top_k=0, repetition_penalty=1, max_new_tokens=20)
    (served,) = await ask(tiny, tmp_path / "adapter", [Job(prompt(50), greedy, seed=0)], threads=1)
    plain = AutoModelForCausalLM.from_pretrained(tiny.directory)
    alone: Any = PeftModel.from_pretrained(plain, str(tmp_path / "adapter"))
    ids = tiny.renderer.prompt_ids(prompt(50))
    written = alone.generate(
        input_ids=torch.tensor([ids]),
        attention_mask=torch.ones(1, len(ids), dtype=torch.long),
        max_new_tokens=20,
        do_sample=False,
    )
    assert tiny.renderer.decode(written[0, len(ids) :].tolist()).strip() == served.text
    assert "fox" in served.text


async def test_a_model_that_serves_adapters_is_not_trained(
    tiny: BaseModel, material: Material, tmp_path: Path
) -> None:
    run(tiny, material, tmp_path)
    engine = Engine(tiny, threads=1)
    try:
        await engine.load(1, tmp_path / "adapter")
        with pytest.raises(ModelError, match="at the same time"):
            run(tiny, material, tmp_path / "other")
        await engine.switch(1)
        await engine.switch(0)
    finally:
        await engine.close()
    run(tiny, material, tmp_path / "other")
