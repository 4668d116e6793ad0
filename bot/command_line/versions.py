"""`thumbwise adapters`: what was learned, from what, and which version answers."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from bot.command_line.walk import go, opened, read_settings
from bot.errors import StoreError

app = typer.Typer(
    invoke_without_command=True, help="List adapter versions, show, promote, roll back."
)


@app.callback()
def adapters(context: typer.Context) -> None:
    """List adapter versions."""
    if context.invoked_subcommand is not None:
        return
    from bot.chat.status import table
    from bot.store import adapters as store

    async def look() -> None:
        async with opened(read_settings()) as database, database.read() as conn:
            found = await store.every(conn)
        if not found:
            typer.echo("No adapter yet: the base model answers as it came.")
            return
        rows = table(found)
        shown = Table(*rows[0])
        for row in rows:
            shown.add_row(*row.values())
        Console().print(shown)

    go(look())


@app.command()
def show(version: Annotated[int, typer.Argument(min=1)]) -> None:
    """Everything about one version: its card, and which exchanges taught it."""
    from bot.store import adapters as store
    from bot.store import rounds

    async def look() -> None:
        settings = read_settings()
        async with opened(settings) as database, database.read() as conn:
            adapter = await store.get(conn, version)
            lessons = await rounds.lessons(conn, adapter.round) if adapter.round else []
        card = settings.adapters_dir / adapter.directory / "card.json"
        typer.echo(f"Version {version}: {adapter.state.value}. {adapter.reason}".strip())
        if adapter.directory and card.is_file():
            typer.echo(card.read_text(encoding="utf-8"))
        for part in dict.fromkeys(lesson.part for lesson in lessons):
            ids = ", ".join(str(x.exchange) for x in lessons if x.part is part)
            typer.echo(f"{part.value}: exchanges {ids}")

    go(look())


@app.command()
def promote(version: Annotated[int, typer.Argument(min=0)]) -> None:
    """Make a version live; 0 is the base model."""
    go(_switch(version))


@app.command()
def rollback() -> None:
    """Go back to what was live before."""
    go(_switch(None))


async def _switch(version: int | None) -> None:
    from bot.app import utc_now
    from bot.chat.orders.learning import switch
    from bot.generator.base_model import fingerprint, resolve
    from bot.store import adapters as store

    settings = read_settings()
    async with opened(settings) as database:
        async with database.read() as conn:
            if not await store.every(conn):
                raise StoreError("There is no adapter yet.")
        directory = await asyncio.to_thread(resolve, settings.base_model, settings.models_dir)
        base_model = fingerprint(directory)
        async with database.write() as tx:
            kind = "rollback" if version is None else "promote"
            target = version
            if target is None:
                target = await store.rollback_target(tx, base_model)
            said = await switch(
                tx, target, base_model=base_model, actor="command line", at=utc_now(), kind=kind
            )
    typer.echo(said)
