"""The learner's command line. The work is done in the rooms; here it is put together."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeVar

import structlog
import typer

from bot import logs
from bot import settings as settings_module
from bot.domain import RoundState
from bot.errors import ThumbwiseError
from bot.settings import Settings
from learner.alone import alone
from learner.bench.plan import Arm, Plan

if TYPE_CHECKING:
    from learner.workshop import Workshop

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Learns from what the community said of the bot's replies.",
)

EXITS: Final = {
    RoundState.PROMOTED: 0,
    RoundState.REJECTED: 3,
    RoundState.SKIPPED: 4,
}
"""The exit codes of `once`; everything else is 1, and 130 after Ctrl-C."""

BENCH: Final = Plan()
"""What a benchmark does unless told otherwise."""

T = TypeVar("T")


@app.command()
def watch(
    parent_pid: Annotated[
        int | None, typer.Option(help="End when the process with this id is gone.")
    ] = None,
) -> None:
    """Learn by schedule, and when an admin asks, until stopped."""
    settings = settings_module.prepared()
    logs.configure(settings)
    os.nice(19)
    with alone(settings.data_dir):
        _go(_watch(settings, parent_pid))


async def _watch(settings: Settings, parent_pid: int | None) -> None:
    from learner.watch import Watch

    stop = _stop_by_signal()
    async with _workshop(settings, stop) as shop:
        await Watch(shop, stop, parent=parent_pid).run()


@app.command()
def once(
    as_json: Annotated[bool, typer.Option("--json", help="Print the round as JSON.")] = False,
) -> None:
    """Run one round now. Exits 0 promoted, 3 rejected, 4 nothing to learn, 1 failed."""
    settings = settings_module.prepared()
    logs.configure(settings, file=settings.data_dir / "logs" / "learner.log")
    with alone(settings.data_dir):
        raise typer.Exit(_go(_once(settings, as_json)))


async def _once(settings: Settings, as_json: bool) -> int:
    from bot.store import rounds
    from learner.bar import Bar
    from learner.round import begin, run_round

    stop = _stop_by_signal()
    with Bar() as bar:
        async with _workshop(settings, stop, tell=bar.show) as shop:
            async with shop.database.read() as conn:
                open_rounds = await rounds.unfinished(conn)
            queued = open_rounds[0] if open_rounds else await begin(shop, trigger="command")
            ended = await run_round(shop, queued)
    if not ended.state.ended:
        _say(f"Round {ended.id} is put down; the next learner takes it up where it is.")
        return 130
    made = f", version {ended.adapter}" if ended.adapter is not None else ""
    if as_json:
        facts = {"round": ended.id, "state": ended.state.value, "adapter": ended.adapter}
        typer.echo(json.dumps({**facts, "reason": ended.reason, "report": ended.report}))
    else:
        typer.echo(f"Round {ended.id}: {ended.state.value}{made}.\n{ended.reason}")
    return EXITS.get(ended.state, 1)


@app.command()
def evaluate(
    file: Annotated[Path, typer.Argument(help="A JSONL file in the format of `thumbwise import`.")],
    adapter: Annotated[
        list[int] | None,
        typer.Option(help="A version to measure, 0 for the base model; may be given repeatedly."),
    ] = None,
    replies: Annotated[int, typer.Option(help="How many sample replies to write for each.")] = 8,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Measure adapters on a file: loss, perplexity, and how their sample replies look."""
    settings = settings_module.prepared()
    logs.configure(settings, file=settings.data_dir / "logs" / "learner.log")
    _go(_evaluate(settings, file, adapter, replies, as_json))


async def _evaluate(
    settings: Settings, file: Path, versions: list[int] | None, replies: int, as_json: bool
) -> None:
    from learner import comparing, dialogues

    found, problems = dialogues.read(file, persona=settings.persona)
    for problem in problems:
        _say(problem)
    if not found:
        raise ThumbwiseError(f"{file} holds nothing to measure with.")
    async with _workshop(settings, asyncio.Event()) as shop:
        rows = await comparing.compare(shop, found, versions, replies=replies)
    typer.echo(json.dumps(rows, indent=1) if as_json else comparing.table(rows))


@app.command(
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
    add_help_option=False,
)
def simulate(context: typer.Context) -> None:
    """Let a simulated community with a hidden taste teach the bot. See `simulate --help`."""
    from learner.simulate import main as run_simulation

    run_simulation(context.args)


@app.command()
def bench(
    tasks: Annotated[
        int, typer.Option(min=2, help="Manners of answering, learned one after the other.")
    ] = BENCH.tasks,
    examples: Annotated[
        int, typer.Option(min=2, help="Examples that each task is trained on.")
    ] = BENCH.examples,
    held_out: Annotated[
        int, typer.Option(min=1, help="Replies that each task is measured with.")
    ] = BENCH.held_out,
    seed: Annotated[
        int, typer.Option(min=0, help="Seed of everything that is random.")
    ] = BENCH.seed,
    arm: Annotated[
        list[Arm] | None, typer.Option(help="A way of learning; may be repeated. Default: all.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Where the figures go; by default DATA_DIR/bench.json.")
    ] = None,
    change: Annotated[
        list[str] | None, typer.Option("--set", help="Another setting, as NAME=VALUE.")
    ] = None,
) -> None:
    """Measure what learning in a sequence forgets: ours, naive, and joint side by side."""
    from learner.bench import command
    from learner.simulate import changes_of

    settings = command.staged(settings_module.prepared(), changes_of(change or []))
    logs.configure(settings, file=settings.data_dir / "logs" / "learner.log")
    arms = tuple(dict.fromkeys(arm)) if arm else BENCH.arms
    command.bench(settings, Plan(tasks, examples, held_out, seed, arms), out)


@asynccontextmanager
async def _workshop(
    settings: Settings, stop: asyncio.Event, **given: Any
) -> AsyncIterator[Workshop]:
    """Open everything that rounds need. The base model itself is loaded when a round needs it."""
    from bot.generator import base_model
    from bot.store.database import Database
    from learner.workshop import Workshop

    found = await asyncio.to_thread(base_model.resolve, settings.base_model, settings.models_dir)
    database = await Database.open(settings.database)
    try:
        yield Workshop(
            database=database,
            settings=settings,
            base=lambda: base_model.load(
                str(found), models_dir=settings.models_dir, device=settings.device
            ),
            fingerprint=await asyncio.to_thread(base_model.fingerprint, found),
            now=lambda: datetime.now(UTC),
            stopping=stop.is_set,
            threads=settings.learner_threads,
            **given,
        )
    finally:
        await database.close()


def _stop_by_signal() -> asyncio.Event:
    """An event that SIGTERM and Ctrl-C set; a second Ctrl-C ends at once."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def told() -> None:
        stop.set()
        loop.remove_signal_handler(signal.SIGINT)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told)
    return stop


def _go(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(work)


def _say(text: str) -> None:
    typer.echo(text, err=True)


def main() -> None:
    """The entry point: failures that a person can mend are one sentence, and exit code 1."""
    try:
        app()
    except ThumbwiseError as error:
        _say(str(error))
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception:  # noqa: BLE001 - the one door of this process, for what nobody foresaw
        # An open round stays open, and is taken up by the next learner.
        structlog.get_logger(__name__).critical("the learner broke down", exc_info=True)
        _say("The learner broke down unexpectedly; the log says where. What is live stays live.")
        sys.exit(1)


if __name__ == "__main__":
    main()
