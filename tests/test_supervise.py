"""The learner is started again whatever ended it, until the bot ends."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from bot import supervise


async def test_a_start_that_fails_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries: list[Path | None] = []
    third = asyncio.Event()

    async def one_life(log_file: Path | None) -> int:
        tries.append(log_file)
        if len(tries) == 1:
            with (tmp_path / "missing" / "learner.log").open("ab"):
                return 0
        if len(tries) == 3:
            third.set()
            await asyncio.sleep(60)
        return 1

    monkeypatch.setattr(supervise, "_one_life", one_life)
    monkeypatch.setattr(supervise, "_FIRST_PAUSE", 0.01)
    keeping = asyncio.create_task(supervise.keep_learning(None))
    done, _ = await asyncio.wait(
        [keeping, asyncio.create_task(third.wait())],
        timeout=20,
        return_when=asyncio.FIRST_COMPLETED,
    )
    assert keeping not in done
    assert third.is_set()
    keeping.cancel()
    with pytest.raises(asyncio.CancelledError):
        await keeping
