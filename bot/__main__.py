"""The command line. Every command is a few lines: the work is done in the rooms."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from bot import settings as settings_module
from bot.errors import StoreError, ThumbwiseError
from bot.settings import Settings

if TYPE_CHECKING:
    from bot.store.database import Database

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="A self-hosted chat bot whose own language model learns from its community's thumbs.",
)
adapters_app = typer.Typer(
    invoke_without_command=True, help="List adapter versions, show, promote, roll back."
)
app.add_typer(adapters_app, name="adapters")

TOKENS = (
    "To add Discord or Telegram, put DISCORD_TOKEN or TELEGRAM_TOKEN into .env; README says how."
)


@app.command()
def run() -> None:
    """Start everything that has a token, the console and the learner. Without: chat right here."""
    from bot import doors

    settings = settings_module.prepared()
    if doors.has_token(settings):
        _go(doors.serve_all(settings, tell=_say))
        return
    if not doors.has_terminal():
        _say("There is no terminal to chat in and no platform has a token. " + TOKENS)
        raise typer.Exit(2)
    _say(TOKENS)
    _go(
        doors.chat(
            settings,
            speaker="owner",
            channel="terminal",
            learner=settings.learn,
            console=settings.console,
            tell=_say,
        )
    )


@app.command()
def chat(
    speaker: Annotated[str, typer.Option("--as", help="Your name here.")] = "owner",
    channel: Annotated[str, typer.Option(help="The conversation to join.")] = "terminal",
    learner: Annotated[
        bool, typer.Option("--learner/--no-learner", help="Let the learner run beside.")
    ] = True,
) -> None:
    """Talk in the terminal. + and - rate the last reply, ! corrects it. Reads a pipe, too."""
    from bot import doors

    settings = settings_module.prepared()
    _go(
        doors.chat(
            settings,
            speaker=speaker,
            channel=channel,
            learner=learner and settings.learn,
            console=False,
            tell=_say,
        )
    )


@app.command()
def model() -> None:
    """Make the base model ready (the embedded one is turned into a directory, once)."""
    from bot import logs
    from bot.model import embedded

    settings = settings_module.prepared()
    logs.configure(settings)
    if settings.base_model == "embedded":
        typer.echo(embedded.ensure(settings.models_dir))
        return
    from bot.generator.base_model import resolve

    typer.echo(resolve(settings.base_model, settings.models_dir))


@app.command()
def status(
    as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
) -> None:
    """What runs, which adapter answers, the last round, the ratings."""
    from bot.app import utc_now
    from bot.chat.status import gather

    async def look() -> None:
        async with _database(settings_module.prepared()) as database, database.read() as conn:
            found = await gather(conn, utc_now())
        typer.echo(json.dumps(found.to_json(), indent=2) if as_json else "\n".join(found.lines()))

    _go(look())


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="A JSONL file; README shows the format.")],
) -> None:
    """Read conversations and ratings of the past, so that learning can start from them."""
    from bot.transfer import import_file

    async def load() -> None:
        settings = settings_module.prepared()
        async with _database(settings) as database:
            result = await import_file(database, file, persona=settings.persona)
        for problem in result.skipped[:50]:
            typer.echo(f"line {problem.line}: {problem.reason}", err=True)
        if len(result.skipped) > 50:
            typer.echo(f"... and {len(result.skipped) - 50} more", err=True)
        typer.echo(
            f"{result.imported} imported, {result.duplicates} known already, "
            f"{len(result.skipped)} skipped."
        )

    _go(load())


@app.command()
def export(
    out: Annotated[Path | None, typer.Option(help="The file; standard output if left out.")] = None,
) -> None:
    """Write the approved exchanges as JSONL, in the format that import reads."""
    from bot.transfer import export_file

    async def save() -> None:
        settings = settings_module.prepared()
        async with _database(settings) as database:
            count = await export_file(
                database, out, trained_by_default=settings.consent == "opt-out"
            )
        if out is not None:
            typer.echo(f"{count} exchanges written to {out}.")

    _go(save())


@adapters_app.callback()
def adapters(context: typer.Context) -> None:
    """List adapter versions."""
    if context.invoked_subcommand is not None:
        return
    from bot.chat.status import table
    from bot.store import adapters as store

    async def look() -> None:
        async with _database(settings_module.prepared()) as database, database.read() as conn:
            found = await store.every(conn)
        if not found:
            typer.echo("No adapter yet: the base model answers as it came.")
            return
        rows = table(found)
        shown = Table(*rows[0])
        for row in rows:
            shown.add_row(*row.values())
        Console().print(shown)

    _go(look())


@adapters_app.command()
def show(version: Annotated[int, typer.Argument(min=1)]) -> None:
    """Everything about one version: its card, and which exchanges taught it."""
    from bot.store import adapters as store
    from bot.store import rounds

    async def look() -> None:
        settings = settings_module.prepared()
        async with _database(settings) as database, database.read() as conn:
            adapter = await store.get(conn, version)
            lessons = await rounds.lessons(conn, adapter.round) if adapter.round else []
        card = settings.adapters_dir / adapter.directory / "card.json"
        typer.echo(f"Version {version}: {adapter.state.value}. {adapter.reason}".strip())
        if adapter.directory and card.is_file():
            typer.echo(card.read_text(encoding="utf-8"))
        for part in dict.fromkeys(lesson.part for lesson in lessons):
            ids = ", ".join(str(x.exchange) for x in lessons if x.part is part)
            typer.echo(f"{part.value}: exchanges {ids}")

    _go(look())


@adapters_app.command()
def promote(version: Annotated[int, typer.Argument(min=0)]) -> None:
    """Make a version live; 0 is the base model."""
    _go(_switch(version))


@adapters_app.command()
def rollback() -> None:
    """Go back to what was live before."""
    _go(_switch(None))


async def _switch(version: int | None) -> None:
    from bot.app import utc_now
    from bot.chat.orders.learning import switch
    from bot.generator.base_model import fingerprint, resolve
    from bot.store import adapters as store

    settings = settings_module.prepared()
    async with _database(settings) as database:
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


@asynccontextmanager
async def _database(settings: Settings) -> AsyncIterator[Database]:
    from bot.store.database import Database

    database = await Database.open(settings.database)
    try:
        yield database
    finally:
        await database.close()


def _say(text: str) -> None:
    """A word to the person that is not output: on standard error, so that pipes stay clean."""
    typer.echo(text, err=True)


def _go(work: Coroutine[Any, Any, None]) -> None:
    """Run to the end, or until SIGTERM, which closes everything in order."""

    async def run() -> None:
        task = asyncio.ensure_future(work)
        loop = asyncio.get_running_loop()

        def end() -> None:
            """Cancel once: a second signal must not cut short what the first one lets finish."""
            loop.add_signal_handler(signal.SIGTERM, lambda: None)
            task.cancel()

        loop.add_signal_handler(signal.SIGTERM, end)
        await task

    try:
        asyncio.run(run())
    except asyncio.CancelledError:
        raise typer.Exit(128 + signal.SIGTERM) from None


def main() -> None:
    """The entry point: failures that a person can mend are one sentence, and exit code 1."""
    try:
        app()
    except ThumbwiseError as error:
        _say(str(error))
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
