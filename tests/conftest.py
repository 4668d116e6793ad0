"""Models that tests of every room share."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def tiny_model_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny random Llama with a ChatML template."""
    from tests.tiny_model import make_llama

    return make_llama(tmp_path_factory.mktemp("tiny-llama"))


@pytest.fixture(scope="session")
def tiny_gpt2_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny random GPT-2 without a template."""
    from tests.tiny_model import make_gpt2

    return make_gpt2(tmp_path_factory.mktemp("tiny-gpt2"))


@pytest.fixture(scope="session")
def real_model_dir() -> Path:
    """The embedded model. Turned into a directory once, below data/ of the repository."""
    from bot.model import embedded

    return embedded.ensure(Path(__file__).parents[1] / "data" / "models")
