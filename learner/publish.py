"""From a finished candidate to a version: temporary directory, fsync, rename, and last the row.

The row is made first, to get a version that was never used, and says `candidate` until everything
is on disk. So whenever the power fails, one of these is true: there is no version; there is a
candidate without files that `tidy` marks failed; or there are files whose row does not name them
yet, which `tidy` removes. A row that names a directory always finds it whole, until `prune` takes
away the files of a version that can never go live.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain import Adapter, AdapterState
from bot.errors import AdapterError
from bot.generator.swap import checked, digest
from bot.store import adapters
from bot.store.database import Database
from learner.disk import settle

CARD: Final = "card.json"
KEPT: Final = 3
"""Of the versions that can never go live, how many keep their files, for who wants to look."""

_STOPPED: Final = "The learner stopped while it was publishing this version."


def directory_of(version: int) -> str:
    """The name of a version's directory: `v0012`."""
    return f"v{version:04d}"


def write(candidate: Path, adapters_dir: Path, version: int, card: Mapping[str, Any]) -> str:
    """Copy a candidate's files, with their card, into the version's directory; return their digest.

    `candidate` is a plain PEFT directory; so is the result. Raises `OSError` when the disk is full.
    """
    adapters_dir.mkdir(parents=True, exist_ok=True)
    name = directory_of(version)
    sha256 = digest(candidate)
    fresh = Path(tempfile.mkdtemp(prefix=f".{name}.tmp-", dir=adapters_dir))
    try:
        for file in candidate.iterdir():
            shutil.copyfile(file, fresh / file.name)
        text = json.dumps({"version": version, **card, "sha256": sha256}, indent=1)
        (fresh / CARD).write_text(f"{text}\n", encoding="utf-8")
        fresh.chmod(0o755)  # mkdtemp makes it ours alone; whoever may read DATA_DIR may read this
        settle(fresh, adapters_dir / name)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return sha256


def published(adapters_dir: Path, adapter: Adapter | None) -> Path | None:
    """The directory of an adapter (None for none), its files checked against its row.

    Raises `AdapterError`: nothing is learned from, or compared with, files that were changed.
    """
    if adapter is None:
        return None
    try:
        return checked(adapter, adapters_dir)
    except AdapterError as error:
        raise AdapterError(f"{error} /rollback takes it out of use.") from error


async def reserve(
    tx: AsyncConnection, *, base_model: str, parent: int, round_id: int, at: datetime
) -> Adapter:
    """A candidate with a version of its own, whose files are yet to come."""
    return await adapters.add(
        tx,
        Adapter(
            version=0,
            base_model=base_model,
            parent=parent,
            state=AdapterState.CANDIDATE,
            directory="",
            sha256="",
            metrics={},
            created_at=at,
            round=round_id,
        ),
    )


async def tidy(database: Database, adapters_dir: Path, at: datetime) -> int:
    """Clear away what a killed learner left half-published; return how many versions that were.

    Only one learner works on a store at a time, so no candidate belongs to anybody else.
    """
    async with database.read() as conn:
        every = await adapters.every(conn)
    left = [adapter for adapter in every if adapter.state is AdapterState.CANDIDATE]
    await asyncio.to_thread(_remove, adapters_dir, left)
    for adapter in left:
        async with database.write() as tx:
            await adapters.fail(tx, adapter.version, _STOPPED, base_model=adapter.base_model, at=at)
    return len(left)


async def prune(database: Database, adapters_dir: Path) -> None:
    """Remove the files of rejected and failed versions, but for the newest `KEPT`. Rows stay."""
    async with database.read() as conn:
        every = await adapters.every(conn)
    ended = (AdapterState.REJECTED, AdapterState.FAILED)
    # No row's word decides what is deleted: a version's directory has its name from its number.
    useless = [a for a in every if a.state in ended and a.directory == directory_of(a.version)]
    await asyncio.to_thread(_remove, adapters_dir, useless[:-KEPT])


def _remove(adapters_dir: Path, left: Sequence[Adapter]) -> None:
    for adapter in left:
        shutil.rmtree(adapters_dir / directory_of(adapter.version), ignore_errors=True)
    for leftover in adapters_dir.glob(".v*.tmp-*"):
        shutil.rmtree(leftover, ignore_errors=True)
