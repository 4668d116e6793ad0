"""One learner at a time on a data directory."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bot.errors import ThumbwiseError


@contextmanager
def alone(data_dir: Path) -> Iterator[None]:
    """Hold the learner's lock for as long as the block runs; it is free when the process is gone.

    Raises `ThumbwiseError` when another learner has it.
    """
    data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (data_dir / "learner.lock").open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ThumbwiseError(
                f"Another learner works on {data_dir} already. Let it end first, or stop it; "
                "/train now asks it for a round."
            ) from None
        yield
