"""Follows the adapter that the store says is live: check it, load it, switch to it.

The learner and the admins only ever write rows. This is the other end: it reads which version is
live, makes sure that its directory is whole, loads it beside what runs, and gives it to new
replies. A version that cannot be loaded is marked failed, and what was live before stays.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Final

import structlog

from bot.domain import BASE, Adapter
from bot.errors import AdapterError, StoreError
from bot.generator.protocol import Generator
from bot.store import adapters, audit
from bot.store.database import Database

log = structlog.get_logger()

WEIGHTS: Final = "adapter_model.safetensors"
CONFIG: Final = "adapter_config.json"

_LONGEST_PAUSE: Final = 60.0
"""Seconds between two tries, at most, while what nobody foresaw goes wrong."""


async def follow(
    database: Database,
    generator: Generator,
    directory: Path,
    now: Callable[[], datetime],
    *,
    every_seconds: float = 1.0,
) -> None:
    """Reconcile again and again, whatever goes wrong, until cancelled."""
    pause = every_seconds
    while True:
        try:
            await _reconcile(database, generator, directory, now)
        except StoreError as error:
            log.warning("cannot look for a new adapter", error=str(error))
        except Exception:  # one bad moment must not end the following for good
            pause = min(2 * pause, _LONGEST_PAUSE)
            log.exception("cannot follow the live adapter; it is tried again", seconds=pause)
        else:
            pause = every_seconds
        await asyncio.sleep(pause)


async def reconcile(
    database: Database, generator: Generator, directory: Path, now: Callable[[], datetime]
) -> int:
    """Bring the generator to the version that the store says is live; return what it serves then.

    When that version cannot be used, the one before it is tried, down to the base model, which
    always can. When something else goes wrong, such as too little memory, that says nothing about
    the version: it is logged, and the generator serves what it served. Raises `StoreError`.
    """
    try:
        await _reconcile(database, generator, directory, now)
    except StoreError:
        raise
    except Exception:  # the bot starts all the same; `follow` tries again
        log.exception("the live adapter cannot be served now")
    return generator.live


async def _reconcile(
    database: Database, generator: Generator, directory: Path, now: Callable[[], datetime]
) -> None:
    while True:
        async with database.read() as conn:
            wanted = await adapters.live(conn, generator.base_model)
        version = wanted.version if wanted else BASE
        if version == generator.live:
            return
        try:
            if wanted is not None:  # loaded already, it may be freed any moment: load keeps it
                path = await asyncio.to_thread(checked, wanted, directory)
                await generator.load(version, path)
        except AdapterError as error:
            await _fail(database, generator.base_model, version, str(error), now())
            continue
        before = generator.live
        await generator.switch(version)
        log.info("adapter switched", adapter=version, before=before)
        return


def checked(adapter: Adapter, directory: Path) -> Path:
    """The adapter's directory, once its files have proved to be those that were published.

    Raises `AdapterError` when the directory is missing, lies elsewhere, or was changed. Any other
    `OSError` (too many open files, a failing disk) says nothing about the adapter.
    """
    name = adapter.directory
    if name in ("", "..") or Path(name).name != name:
        raise AdapterError(f"Version {adapter.version} has no directory of its own.")
    try:
        sha256 = digest(directory / name)
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as error:
        raise AdapterError(
            f"The files of version {adapter.version} cannot be read: {error.strerror}."
        ) from error
    if sha256 != adapter.sha256:
        raise AdapterError(f"The files of version {adapter.version} are not those published.")
    return directory / name


def digest(directory: Path) -> str:
    """The SHA-256 of what an adapter computes with: over those of its weights and its settings."""
    whole = hashlib.sha256()
    for name in (WEIGHTS, CONFIG):
        with (directory / name).open("rb") as file:
            whole.update(hashlib.file_digest(file, "sha256").digest())
    return whole.hexdigest()


async def _fail(
    database: Database, base_model: str, version: int, reason: str, at: datetime
) -> None:
    async with database.write() as tx:
        now_live = await adapters.fail(tx, version, reason, base_model=base_model, at=at)
        await audit.note(
            tx, "bot", "adapter failed", at, f"version {version}", reason=reason, live=now_live
        )
    log.error("adapter cannot be used", adapter=version, reason=reason, live=now_live)
