"""Export: what the community approved of, as lines that import reads back."""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from bot.domain import Judged
from bot.errors import StoreError
from bot.store import conversations, exchanges, members
from bot.store.database import Database
from bot.transfer.approved import approval
from bot.transfer.labels import channel_labels, example_of, rater_label
from bot.transfer.lines import parse, write


def export_lines(
    judged: Iterable[Judged],
    *,
    channels: Mapping[int, str],
    raters: Mapping[int, str],
    muted: Collection[int] = (),
) -> Iterator[str]:
    """A line for each approved exchange, oldest first; what is there twice comes once.

    An approved reply is rated 1 by who approved it first; a corrected one -1, with the correction.
    """
    written: set[bytes] = set()
    for one in judged:
        approved = approval(one, muted)
        if approved is None:
            continue
        example = replace(
            example_of(one.exchange, channels[one.exchange.channel]),
            rater=raters[approved.by],
            rating=-1 if approved.correction else 1,
            correction=approved.correction,
        )
        line = write(example)
        try:
            line = write(parse(line.encode()))
        except ValueError:
            continue  # too long for a line, or nobody asked anything: import would not take it
        if example.key() not in written:
            written.add(example.key())
            yield line


async def export_file(
    database: Database, out: Path | None, *, trained_by_default: bool = True
) -> int:
    """Write the approved exchanges to a file, whole or not at all, or to standard output.

    Only exchanges are written whose people all agree to training. Returns how many these were.
    Raises `StoreError` when the file cannot be written.
    """
    async with database.read() as conn:
        judged = await exchanges.judged(conn, trained_by_default=trained_by_default)
        people = await members.every(conn)
        channels = channel_labels(await conversations.every(conn))
    muted = {
        member.id
        for member in people
        if not member.consent.remembered
        or not (trained_by_default if member.consent.trained is None else member.consent.trained)
    }
    lines = export_lines(
        judged,
        channels=channels,
        raters={member.id: rater_label(member) for member in people},
        muted=muted,
    )
    try:
        return await asyncio.to_thread(_print if out is None else _Writer(out), lines)
    except OSError as error:
        what = out or "Standard output"
        raise StoreError(f"{what} cannot be written: {error.strerror or error}.") from error


class _Writer:
    """Writes a file beside its place, and moves it there when all of it is on disk."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __call__(self, lines: Iterable[str]) -> int:
        count = 0
        descriptor, name = tempfile.mkstemp(prefix=f".{self._path.name}.", dir=self._path.parent)
        try:
            with os.fdopen(descriptor, "wb") as handle:
                for line in lines:
                    handle.write(line.encode() + b"\n")
                    count += 1
                handle.flush()
                os.fsync(handle.fileno())
            Path(name).replace(self._path)
        except BaseException:
            Path(name).unlink()
            raise
        return count


def _print(lines: Iterable[str]) -> int:
    count = 0
    out = sys.stdout.buffer
    for line in lines:
        out.write(line.encode() + b"\n")
        count += 1
    out.flush()
    return count
