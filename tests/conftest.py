"""What tests of every room share: models, and logs that end with a test."""

from __future__ import annotations

import logging
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog


def pytest_configure() -> None:
    """Programs under test must hear SIGINT, also where this one was started in the background."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def _logs_as_before() -> Iterator[None]:
    """Undoes what a command under test does to the logs of its process."""
    root = logging.getLogger()
    handlers, level = [*root.handlers], root.level
    yield
    for handler in root.handlers:
        if handler not in handlers:
            handler.close()
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


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
