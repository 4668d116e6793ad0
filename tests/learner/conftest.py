"""The tiny models, loaded once, a town for each test, and the looks of a watching learner."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
import torch

from bot.generator.base_model import BaseModel, load
from bot.store.database import Database
from learner import anchors, watch
from learner.schedule import Due, Look, due
from tests.learner.town import PERSONA, Town, quick
from tests.learner.watching import Looks


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> None:
    """More threads make a tiny model slower, and results depend on their number."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def tiny(tiny_model_dir: Path) -> BaseModel:
    """The tiny model, loaded."""
    return load(str(tiny_model_dir), models_dir=tiny_model_dir, device="cpu")


@pytest.fixture(scope="session")
def tiny_gpt2(tiny_gpt2_dir: Path) -> BaseModel:
    """The tiny model without a chat template, loaded."""
    return load(str(tiny_gpt2_dir), models_dir=tiny_gpt2_dir, device="cpu")


@pytest.fixture(scope="session")
def anchors_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the tiny model's anchors are kept once some test has made them."""
    return tmp_path_factory.mktemp("anchors")


@pytest.fixture
async def town(tmp_path: Path, tiny: BaseModel, anchors_dir: Path) -> AsyncIterator[Town]:
    """A town with an empty store."""
    if not any(anchors_dir.iterdir()):
        await anchors.ensure(tiny, anchors_dir, persona=PERSONA, threads=1)
    shutil.copytree(anchors_dir, tmp_path / "anchors")
    settings = quick(tmp_path)
    database = await Database.open(settings.database)
    yield Town(database, settings, tiny)
    await database.close()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets a watching learner look about at once."""
    monkeypatch.setattr(watch, "POLL_SECONDS", 0.05)
    monkeypatch.setattr(watch, "SHOW_SECONDS", 0.05)
    monkeypatch.setattr("learner.schedule.SOON", timedelta(seconds=0.1))


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> Looks:
    """What a watching learner finds at each look."""
    found = Looks()

    def note(look: Look) -> Due:
        found.put_nowait(due(look))
        return due(look)

    monkeypatch.setattr(watch, "due", note)
    return found
