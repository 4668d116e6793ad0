"""`thumbwise import`, `export` and `audit`: what was said and done, in and out of the store."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn
from rich.table import Table
from rich.text import Text

from bot.command_line.walk import go, opened, read_settings
from bot.platforms.formatting import readable

if TYPE_CHECKING:
    from bot.store.audit import Act
    from bot.transfer import Heard, Problem

_WIDE = 160
"""Columns of a table that goes into a file or a pipe."""

_RUNS = 20
"""Most runs of line numbers that are listed for one reason."""


def import_(
    file: Annotated[Path, typer.Argument(help="A JSONL file; README shows the format.")],
) -> None:
    """Read conversations and ratings of the past, so that learning can start from them."""
    from bot.transfer import import_file

    async def load() -> None:
        settings = read_settings()
        with bar() as heard:
            async with opened(settings) as database:
                result = await import_file(database, file, persona=settings.persona, heard=heard)
        for sentence in numbered(result.skipped):
            typer.echo(sentence, err=True)
        typer.echo(
            f"{result.imported} imported, {result.duplicates} known already, "
            f"{len(result.skipped)} skipped."
        )

    go(load())


def export(
    out: Annotated[Path | None, typer.Option(help="The file; standard output if left out.")] = None,
) -> None:
    """Write the approved exchanges as JSONL, in the format that import reads."""
    from bot.transfer import export_file

    async def save() -> None:
        settings = read_settings()
        async with opened(settings) as database:
            count = await export_file(
                database, out, trained_by_default=settings.consent == "opt-out"
            )
        if out is not None:
            typer.echo(f"{count} exchanges written to {out}.")

    go(save())


def audit(
    last: Annotated[int, typer.Option(min=1, help="How many lines, counted from the newest.")] = 50,
) -> None:
    """Who did what: promotions, rollbacks, rulings, bans, imports, what was forgotten."""
    from bot.store import audit as store

    async def look() -> None:
        async with opened(read_settings()) as database, database.read() as conn:
            found = await store.recent(conn, last)
        if not found:
            typer.echo("Nothing yet.")
            return
        Console(width=None if sys.stdout.isatty() else _WIDE).print(acts(found))

    go(look())


def acts(found: Sequence[Act]) -> Table:
    """Lines of the audit log as a table, in their order; what people wrote is shown as it is."""
    shown = Table("when (UTC)", "who", "what", "about", "details")
    for act in found:
        details = ", ".join(
            f"{name}: {value if isinstance(value, str) else json.dumps(value)}"
            for name, value in act.detail.items()
        )
        words = (f"{act.at:%Y-%m-%d %H:%M:%S}", act.actor, act.action, act.subject, details)
        shown.add_row(*(Text(readable(word), overflow="fold") for word in words))
    return shown


def numbered(problems: Iterable[Problem]) -> list[str]:
    """A sentence for each reason, with the numbers of all lines that were left out for it."""
    lines: dict[str, list[int]] = {}
    for problem in problems:
        lines.setdefault(problem.reason, []).append(problem.line)
    return [
        f"line{'s' if len(found) > 1 else ''} {_listed(found)}: {reason}"
        for reason, found in lines.items()
    ]


def _listed(numbers: Sequence[int]) -> str:
    """Growing numbers, with runs of three and more as "first-last"; of many runs the first ones."""
    runs = list(_runs(numbers))
    shown = [
        f"{run[0]}-{run[-1]}" if len(run) > 2 else ", ".join(map(str, run)) for run in runs[:_RUNS]
    ]
    left = sum(map(len, runs[_RUNS:]))
    return ", ".join(shown) + (f" ... and {left} more" if left else "")


def _runs(numbers: Sequence[int]) -> Iterator[Sequence[int]]:
    first = 0
    for place, number in enumerate(numbers, start=1):
        if place == len(numbers) or numbers[place] != number + 1:
            yield numbers[first:place]
            first = place


@contextmanager
def bar() -> Iterator[Heard]:
    """A progress bar on standard error; nothing at all where that is no terminal."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn())
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as progress:
        task = progress.add_task("", total=None)

        def heard(stage: str, done: int, total: int) -> None:
            progress.update(task, description=stage, completed=done, total=total or None)

        yield heard
