"""Versions appear whole, and what a killed learner left is cleared away."""

from __future__ import annotations

import errno
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.domain import BASE, Adapter, AdapterState
from bot.errors import AdapterError
from bot.generator.swap import digest
from bot.store import adapters
from learner import disk, publish
from learner.ending import clear_leftovers
from tests.learner.town import START, Town


@pytest.fixture
def candidate(tmp_path: Path) -> Path:
    """The files of an adapter, as far as publishing looks at them."""
    made = tmp_path / "candidate"
    made.mkdir()
    (made / "adapter_model.safetensors").write_bytes(b"weights")
    (made / "adapter_config.json").write_text("{}")
    return made


async def reserved(town: Town) -> Adapter:
    """A version whose files are yet to come."""
    async with town.database.write() as tx:
        return await publish.reserve(
            tx, base_model=town.base.fingerprint, parent=BASE, round_id=1, at=START
        )


def test_a_version_s_directory_holds_the_files_and_the_card(
    candidate: Path, tmp_path: Path
) -> None:
    weights = publish.write(candidate, tmp_path / "adapters", 12, {"parent": 3})
    target = tmp_path / "adapters" / "v0012"
    assert sorted(p.name for p in target.iterdir()) == [
        "adapter_config.json",
        "adapter_model.safetensors",
        "card.json",
    ]
    card = json.loads((target / "card.json").read_text())
    assert card == {"version": 12, "parent": 3, "sha256": weights}
    assert weights == digest(target)
    assert [p.name for p in (tmp_path / "adapters").iterdir()] == ["v0012"]


def test_a_full_disk_leaves_nothing_half_done(
    candidate: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_args: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(disk, "sync", full)
    with pytest.raises(OSError, match="No space"):
        publish.write(candidate, tmp_path / "adapters", 1, {})
    assert list((tmp_path / "adapters").iterdir()) == []


@pytest.mark.parametrize("file", ["adapter_model.safetensors", "adapter_config.json"])
async def test_files_that_were_changed_are_not_learned_from(
    town: Town, candidate: Path, file: str
) -> None:
    directory = town.settings.adapters_dir
    adapter = await reserved(town)
    with pytest.raises(AdapterError, match="Version 1"):
        publish.published(directory, adapter)
    weights = publish.write(candidate, directory, adapter.version, {})
    named = replace(adapter, directory="v0001", sha256=weights)
    assert publish.published(directory, named) == directory / "v0001"
    assert publish.published(directory, None) is None
    (directory / "v0001" / file).write_bytes(b"other")
    with pytest.raises(AdapterError, match="/rollback"):
        publish.published(directory, named)


async def test_only_the_newest_of_the_useless_versions_keep_their_files(
    town: Town, candidate: Path
) -> None:
    directory, name = town.settings.adapters_dir, publish.directory_of

    async def published(kind: str) -> int:
        version = (await reserved(town)).version
        publish.write(candidate, directory, version, {})
        base = town.base.fingerprint
        async with town.database.write() as tx:
            await adapters.describe(tx, version, directory=name(version), sha256="x")
            if kind == "rejected":
                await adapters.reject(tx, version, "not better")
                return version
            await adapters.promote(tx, version, base_model=base, actor="t", at=START, kind="round")
            if kind == "failed":
                await adapters.fail(tx, version, "changed", base_model=base, at=START)
        return version

    first, *useless = [await published(kind) for kind in ("live", "failed", "rejected", "failed")]
    retired, *newer = [await published(kind) for kind in ("live", "rejected", "rejected", "live")]
    (directory / "mine").mkdir()
    async with town.database.read() as conn:
        before = await adapters.every(conn)
    await clear_leftovers(town.shop())
    kept = [first, *[*useless, *newer[:2]][-publish.KEPT :], retired, newer[-1]]
    left = sorted(path.name for path in directory.iterdir())
    assert left == sorted(["mine", *map(name, kept)])
    async with town.database.read() as conn:
        assert await adapters.every(conn) == before


async def test_what_a_killed_learner_left_is_cleared_away(town: Town, candidate: Path) -> None:
    directory = town.settings.adapters_dir
    without_files = await reserved(town)
    without_name = await reserved(town)
    publish.write(candidate, directory, without_name.version, {})
    (directory / ".v0009.tmp-abc").mkdir()
    finished = await reserved(town)
    publish.write(candidate, directory, finished.version, {})
    async with town.database.write() as tx:
        name = publish.directory_of(finished.version)
        await adapters.describe(tx, finished.version, directory=name, sha256="x", metrics={})
        await adapters.promote(
            tx,
            finished.version,
            base_model=town.base.fingerprint,
            actor="t",
            at=START,
            kind="round",
        )
    assert await publish.tidy(town.database, directory, START) == 2
    async with town.database.read() as conn:
        states = {a.version: a.state for a in await adapters.every(conn)}
    assert states == {
        without_files.version: AdapterState.FAILED,
        without_name.version: AdapterState.FAILED,
        finished.version: AdapterState.LIVE,
    }
    assert [p.name for p in directory.iterdir()] == [publish.directory_of(finished.version)]
    assert await publish.tidy(town.database, directory, START) == 0
