"""Anchors: made once, kept, checked, and split in two halves that never meet."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bot.domain import Sampling
from bot.generator.base_model import BaseModel
from learner import anchors
from learner.anchor_prompts import ANCHORS
from learner.ear import Ear, Stopped

SHORT = Sampling(temperature=0.7, top_p=1, top_k=0, repetition_penalty=1, max_new_tokens=6)
PROMPTS = tuple(f"hello {number}" for number in range(11))


async def made(base: BaseModel, directory: Path, **changes: object) -> anchors.Anchors:
    """A few short anchors."""
    given = {"persona": "p", "prompts": PROMPTS, "sampling": SHORT, "threads": 1, **changes}
    return await anchors.ensure(base, directory, **given)  # type: ignore[arg-type]


async def test_they_are_made_once_and_read_back(tiny: BaseModel, tmp_path: Path) -> None:
    first = await made(tiny, tmp_path)
    assert [a.prompt for a in first.trained] == list(PROMPTS[::2])
    assert [a.prompt for a in first.held_out] == list(PROMPTS[1::2])
    (path,) = tmp_path.iterdir()
    assert path.name == f"{tiny.fingerprint}.json"
    before = path.stat().st_mtime_ns
    assert await made(tiny, tmp_path) == first
    assert path.stat().st_mtime_ns == before


async def test_they_are_the_same_wherever_they_are_made(tiny: BaseModel, tmp_path: Path) -> None:
    assert await made(tiny, tmp_path / "a") == await made(tiny, tmp_path / "b")


@pytest.mark.parametrize("damage", ["cut", "changed", "other", "missing"])
async def test_a_damaged_file_is_made_again(tiny: BaseModel, tmp_path: Path, damage: str) -> None:
    first = await made(tiny, tmp_path)
    (path,) = tmp_path.iterdir()
    text = path.read_text()
    if damage == "cut":
        path.write_text(text[: len(text) // 2])
    elif damage == "changed":
        kept = json.loads(text)
        kept["answers"][0]["answer"] = "something else"
        path.write_text(json.dumps(kept))
    elif damage == "other":
        path.write_text("[]")
    else:
        path.unlink()
    assert await made(tiny, tmp_path) == first


async def test_another_persona_makes_them_again(tiny: BaseModel, tmp_path: Path) -> None:
    await made(tiny, tmp_path)
    again = await made(tiny, tmp_path, persona="You are a fox.")
    assert again.persona == "You are a fox."
    assert json.loads(next(tmp_path.iterdir()).read_text())["recipe"]["persona"] == again.persona


async def test_their_loss_is_that_of_the_base_model_s_own_text(
    tiny: BaseModel, tmp_path: Path
) -> None:
    found = await made(tiny, tmp_path)
    trained, held_out = found.encode(tiny, 400)
    assert (len(trained), len(held_out)) == (len(found.trained), len(found.held_out))
    assert all(example.anchor for example in (*trained, *held_out))
    assert found.encode(tiny, 5) == ((), ())


async def test_making_them_can_be_stopped_and_leaves_nothing(
    tiny: BaseModel, tmp_path: Path
) -> None:
    with pytest.raises(Stopped):
        await made(tiny, tmp_path / "a", ear=Ear(told_to_stop=lambda: True))
    assert not (tmp_path / "a").exists()


def test_there_are_enough_general_prompts_and_no_doubles() -> None:
    assert len(set(ANCHORS)) == len(ANCHORS) >= 24
