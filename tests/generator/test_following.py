"""The bot follows the row that is live, and a version that fails leaves the old one live."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from bot.domain import Adapter, AdapterState
from bot.generator import swap
from bot.store import adapters, audit
from bot.store.database import Database
from tests.fakes import START, Clock, EchoGenerator


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    opened = await Database.open(f"sqlite+aiosqlite:///{tmp_path}/t.db")
    yield opened
    await opened.close()


async def publish(database: Database, directory: Path, weights: bytes = b"weights") -> int:
    async with database.write() as tx:
        fresh = Adapter(0, "fake", 0, AdapterState.CANDIDATE, "", "", {}, START)
        version = (await adapters.add(tx, fresh)).version
        name = f"v{version:04}"
        (directory / name).mkdir(parents=True)
        (directory / name / swap.WEIGHTS).write_bytes(weights)
        (directory / name / swap.CONFIG).write_text("{}")
        sha256 = swap.digest(directory / name)
        await adapters.describe(tx, version, directory=name, sha256=sha256)
        await adapters.promote(
            tx, version, base_model="fake", actor="learner", at=START, kind="round"
        )
    return version


async def states(database: Database) -> list[str]:
    async with database.read() as conn:
        return [adapter.state.value for adapter in await adapters.every(conn)]


async def test_follows_promotion_and_rollback(database: Database, tmp_path: Path) -> None:
    generator, clock = EchoGenerator(), Clock()
    assert await swap.reconcile(database, generator, tmp_path, clock) == 0
    await publish(database, tmp_path)
    await publish(database, tmp_path)
    assert await swap.reconcile(database, generator, tmp_path, clock) == 2
    assert generator.live == 2
    async with database.write() as tx:
        await adapters.promote(tx, 0, base_model="fake", actor="a", at=START, kind="rollback")
    assert await swap.reconcile(database, generator, tmp_path, clock) == 0
    assert generator.live == 0


@pytest.mark.parametrize(
    "fault", ["refused", "changed", "settings", "missing", "elsewhere", "above"]
)
async def test_a_version_that_fails_leaves_the_old_one_live(
    database: Database, tmp_path: Path, fault: str
) -> None:
    generator, clock = EchoGenerator(), Clock()
    await publish(database, tmp_path)
    await swap.reconcile(database, generator, tmp_path, clock)
    await publish(database, tmp_path)
    weights = tmp_path / "v0002" / swap.WEIGHTS
    if fault == "refused":
        generator.refuse.add(2)
    elif fault == "changed":
        weights.write_bytes(b"others")
    elif fault == "settings":
        (tmp_path / "v0002" / swap.CONFIG).write_text('{"lora_alpha": 99}')
    elif fault == "missing":
        weights.unlink()
    elif fault == "above":
        for file in (tmp_path / "v0002").iterdir():
            file.rename(tmp_path.parent / file.name)
        async with database.write() as tx:
            await adapters.describe(tx, 2, directory="..")
    else:
        async with database.write() as tx:
            await adapters.describe(tx, 2, directory="../v0001")
    assert await swap.reconcile(database, generator, tmp_path, clock) == 1
    assert generator.live == 1
    assert await states(database) == ["live", "failed"]
    async with database.read() as conn:
        act = (await audit.recent(conn))[0]
        failed = await adapters.get(conn, 2)
    assert act.action == "adapter failed"
    assert failed.reason


async def test_all_versions_failing_ends_at_the_base_model(
    database: Database, tmp_path: Path
) -> None:
    generator = EchoGenerator(refuse={1, 2, 3})
    for _ in range(3):
        await publish(database, tmp_path)
    assert await swap.reconcile(database, generator, tmp_path, Clock()) == 0
    assert await states(database) == ["failed"] * 3


async def test_a_failed_version_cannot_be_promoted_again(
    database: Database, tmp_path: Path
) -> None:
    generator = EchoGenerator(refuse={1})
    await publish(database, tmp_path)
    await swap.reconcile(database, generator, tmp_path, Clock())
    async with database.write() as tx:
        with pytest.raises(Exception, match="cannot go live, it is failed: Version 1 is damaged"):
            await adapters.promote(tx, 1, base_model="fake", actor="a", at=START, kind="promote")


class Forgetful(EchoGenerator):
    """Frees what is not live when the last reply of it ends: just after somebody has looked."""

    def resident(self) -> Sequence[int]:
        found = super().resident()
        if self.live == 2:
            self.loaded.clear()
        return found


async def test_a_rollback_to_a_version_that_is_just_being_freed(
    database: Database, tmp_path: Path
) -> None:
    generator, clock = Forgetful(), Clock()
    for version in (1, 2):
        await publish(database, tmp_path)
        assert await swap.reconcile(database, generator, tmp_path, clock) == version
    async with database.write() as tx:
        await adapters.promote(tx, 1, base_model="fake", actor="a", at=START, kind="rollback")
    assert await swap.reconcile(database, generator, tmp_path, clock) == 1
    assert generator.live == 1
    assert await states(database) == ["live", "retired"]


class Short(EchoGenerator):
    """Has too little memory at first."""

    def __init__(self) -> None:
        super().__init__()
        self.tries = 0
        self.served = asyncio.Event()

    async def load(self, version: int, directory: Path) -> None:
        self.tries += 1
        if self.tries <= 2:
            raise MemoryError
        await super().load(version, directory)

    async def switch(self, version: int) -> None:
        await super().switch(version)
        self.served.set()


async def test_what_nobody_foresaw_is_tried_again_and_fails_no_version(
    database: Database, tmp_path: Path
) -> None:
    generator = Short()
    await publish(database, tmp_path)
    assert await swap.reconcile(database, generator, tmp_path, Clock()) == 0
    following = asyncio.create_task(
        swap.follow(database, generator, tmp_path, Clock(), every_seconds=0.01)
    )
    await asyncio.wait(
        [following, asyncio.create_task(generator.served.wait())],
        timeout=20,
        return_when=asyncio.FIRST_COMPLETED,
    )
    assert (generator.live, generator.tries) == (1, 3)
    assert await states(database) == ["live"]
    following.cancel()
    with pytest.raises(asyncio.CancelledError):
        await following
