"""The event loops of the tests that talk with a local platform, and where bot processes live."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.walks.conftest import World, world_in
from tests.wire.brisk import factories


def pytest_asyncio_loop_factories(item: pytest.Item) -> dict[str, Any]:
    """Waiting goes quickly here, but for tests that say `asyncio(loop_factories=["real"])`."""
    marker = item.get_closest_marker("asyncio")
    return factories(realtime=marker is not None and "loop_factories" in marker.kwargs)


@pytest.fixture
def world(tmp_path: Path, tiny_model_dir: Path) -> World:
    """Where processes of the bot live."""
    return world_in(tmp_path, tiny_model_dir)
