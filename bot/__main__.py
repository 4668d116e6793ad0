"""The command line. Every command is a few lines: the work is done in the rooms."""

from __future__ import annotations

import errno
import json
import logging
import sys
from typing import Annotated

import typer

from bot.command_line import records, versions
from bot.command_line.walk import go, opened, read_settings, say
from bot.errors import ThumbwiseError

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="A self-hosted chat bot whose own language model learns from its community's thumbs.",
)

TOKENS = (
    "To add Discord or Telegram, put DISCORD_TOKEN or TELEGRAM_TOKEN into .env; README says how."
)


@app.command()
def run() -> None:
    """Start everything that has a token, the console and the learner. Without: chat right here."""
    from bot import doors

    settings = read_settings()
    if doors.has_token(settings):
        go(doors.serve_all(settings, tell=say))
        return
    if not doors.has_terminal():
        say("There is no terminal to chat in and no platform has a token. " + TOKENS)
        raise typer.Exit(2)
    say(TOKENS)
    go(
        doors.chat(
            settings,
            speaker="owner",
            channel="terminal",
            learner=settings.learn,
            console=settings.console,
            beside=False,
            tell=say,
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
    """Talk in the terminal. + and - rate the last reply, ! corrects it. Reads a pipe, too.

    Beside a bot that runs already it does without a learner of its own.
    """
    from bot import doors

    settings = read_settings()
    go(
        doors.chat(
            settings,
            speaker=speaker,
            channel=channel,
            learner=learner and settings.learn,
            console=False,
            beside=True,
            tell=say,
        )
    )


@app.command()
def model() -> None:
    """Make the base model ready (the embedded one is turned into a directory, once)."""
    from bot import logs
    from bot.model import embedded

    settings = read_settings()
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
        async with opened(read_settings()) as database, database.read() as conn:
            found = await gather(conn, utc_now())
        typer.echo(json.dumps(found.to_json(), indent=2) if as_json else "\n".join(found.lines()))

    go(look())


app.command("import")(records.import_)
app.command()(records.export)
app.command()(records.audit)
app.add_typer(versions.app, name="adapters")


def main() -> None:
    """The entry point: failures that a person can mend are one sentence, and exit code 1."""
    try:
        app()
    except ThumbwiseError as error:
        say(str(error))
    except KeyboardInterrupt:
        sys.exit(130)
    except OSError as error:
        if error.filename is not None:
            _keep_trace()
            say(f"{error.filename} cannot be used: {error.strerror}.")
        elif error.errno == errno.ENOSPC:
            say("There is no space left on the disk.")
        else:
            _broke_down()
    except Exception:  # noqa: BLE001 - the last door of this process, for what nobody foresaw
        _broke_down()
    else:
        return
    sys.exit(1)


def _keep_trace() -> None:
    # It may be a bug all the same. Before there is a log the sentence is enough.
    if logging.root.handlers:
        logging.getLogger(__name__).error("a file cannot be used", exc_info=True)


def _broke_down() -> None:
    # The standard library's logger: without settings it still writes, to standard error.
    logging.getLogger(__name__).critical("the bot broke down", exc_info=True)
    say("The bot broke down unexpectedly; the log says where. What was acknowledged is kept.")


if __name__ == "__main__":
    main()
