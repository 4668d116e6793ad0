"""Damaged or foreign adapters are refused before anything changes."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from bot.errors import AdapterError
from bot.generator.base_model import BaseModel
from bot.generator.engine import Engine
from bot.generator.lora import CONFIG, WEIGHTS, Residents, read

Q = "base_model.model.model.layers.0.self_attn.q_proj.lora_"


def tensors(change: Callable[[dict[str, torch.Tensor]], Any]) -> Callable[[Path], None]:
    def damage(directory: Path) -> None:
        held = {name: t.clone() for name, t in load_file(directory / WEIGHTS).items()}
        change(held)
        save_file(held, directory / WEIGHTS)

    return damage


def config(**changes: Any) -> Callable[[Path], None]:
    def damage(directory: Path) -> None:
        held = json.loads((directory / CONFIG).read_text())
        (directory / CONFIG).write_text(json.dumps(held | changes))

    return damage


def cut(directory: Path) -> None:
    (directory / WEIGHTS).write_bytes((directory / WEIGHTS).read_bytes()[:-100])


DAMAGES: dict[str, Callable[[Path], Any]] = {
    "no directory": shutil.rmtree,
    "no settings": lambda d: (d / CONFIG).unlink(),
    "no weights": lambda d: (d / WEIGHTS).unlink(),
    "settings cut": lambda d: (d / CONFIG).write_text('{"peft_type": "LO'),
    "settings no object": lambda d: (d / CONFIG).write_text("[]"),
    "weights cut": cut,
    "weights empty": lambda d: (d / WEIGHTS).write_bytes(b""),
    "no tensors": tensors(lambda t: t.clear()),
    "half missing": tensors(lambda t: t.pop(f"{Q}B.weight")),
    "not finite": tensors(lambda t: t[f"{Q}B.weight"].fill_(float("nan"))),
    "infinite": tensors(lambda t: t[f"{Q}A.weight"].fill_(float("inf"))),
    "wrong width": tensors(lambda t: t.update({f"{Q}A.weight": torch.ones(4, 63)})),
    "wrong height": tensors(lambda t: t.update({f"{Q}B.weight": torch.ones(63, 4)})),
    "wrong rank": tensors(lambda t: t.update({f"{Q}A.weight": torch.ones(5, 64)})),
    "no matrix": tensors(lambda t: t.update({f"{Q}A.weight": torch.ones(4)})),
    "integers": tensors(lambda t: t.update({f"{Q}A.weight": torch.ones(4, 64).int()})),
    "unknown layer": tensors(
        lambda t: t.update({Q.replace("layers.0", "layers.9") + "A.weight": torch.ones(4, 64)})
    ),
    "unknown part": tensors(lambda t: t.update({f"{Q}magnitude_vector": torch.ones(64)})),
    "embedding": tensors(
        lambda t: t.update({"base_model.model.model.embed_tokens.lora_A.weight": torch.ones(4, 9)})
    ),
    "another type": config(peft_type="IA3"),
    "dora": config(use_dora=True),
    "bias": config(bias="all"),
    "saved modules": config(modules_to_save=["lm_head"]),
    "ranks by layer": config(rank_pattern={"q_proj": 8}),
    "changed base": config(init_lora_weights="pissa"),
    "rank nought": config(r=0),
    "no alpha": config(lora_alpha=None),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
def test_damage_is_refused(
    damage: Callable[[Path], Any], adapters: dict[int, Path], tiny_base: BaseModel, tmp_path: Path
) -> None:
    directory = tmp_path / "bad"
    shutil.copytree(adapters[1], directory)
    assert read(directory, tiny_base.model)
    damage(directory)
    with pytest.raises(AdapterError):
        read(directory, tiny_base.model)


async def test_a_refused_adapter_leaves_the_engine_as_it_was(
    adapters: dict[int, Path], tiny_base: BaseModel, tmp_path: Path
) -> None:
    engine = Engine(tiny_base, threads=1)
    await engine.load(1, adapters[1])
    await engine.switch(1)
    with pytest.raises(AdapterError):
        await engine.load(2, tmp_path)
    with pytest.raises(AdapterError):
        await engine.load(0, adapters[1])
    assert (engine.live, engine.resident()) == (1, (1,))
    await engine.close()
    assert not engine._writer.residents._hooks


def test_only_touched_layers_are_hooked(adapters: dict[int, Path], tiny_base: BaseModel) -> None:
    residents = Residents(tiny_base.model)
    residents.add(3, read(adapters[3], tiny_base.model))
    assert {name.rsplit(".", 1)[1] for name in residents._hooks} == {"q_proj", "down_proj"}
    residents.add(1, read(adapters[1], tiny_base.model))
    residents.remove(1)
    assert {name.rsplit(".", 1)[1] for name in residents._hooks} == {"q_proj", "down_proj"}
    residents.remove(3)
    assert not any(module._forward_hooks for module in tiny_base.model.modules())


def test_rslora_scales_by_the_root_of_the_rank(
    adapters: dict[int, Path], tiny_base: BaseModel, tmp_path: Path
) -> None:
    directory = tmp_path / "rs"
    shutil.copytree(adapters[1], directory)
    config(use_rslora=True)(directory)
    name = "model.layers.0.self_attn.q_proj"
    plain, rooted = read(adapters[1], tiny_base.model), read(directory, tiny_base.model)
    torch.testing.assert_close(rooted[name].up, plain[name].up * 2)


def test_what_was_read_does_not_change_with_its_file(
    adapters: dict[int, Path], tiny_base: BaseModel, tmp_path: Path
) -> None:
    directory = tmp_path / "live"
    shutil.copytree(adapters[1], directory)
    adapter = read(directory, tiny_base.model)
    with (directory / WEIGHTS).open("r+b") as file:
        file.write(bytes((directory / WEIGHTS).stat().st_size))
    for name, delta in read(adapters[1], tiny_base.model).items():
        torch.testing.assert_close(adapter[name].down, delta.down)
        torch.testing.assert_close(adapter[name].up, delta.up)
