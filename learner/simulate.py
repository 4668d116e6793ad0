"""`python -m learner simulate`: a community with a hidden taste teaches the bot.

Its members are simulated, nothing else is: replies come from the engine that serves the chat, are
kept and rated in a store, and rounds curate, train, judge and publish as they always do; the engine
then swaps to what is live. All of it happens in DATA_DIR/simulation, apart from a real community's
state; the figures go to DATA_DIR/simulation.json.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import Console

from bot import logs
from bot import settings as settings_module
from bot.errors import SettingsError
from bot.generator.base_model import resolve
from bot.settings import Settings
from learner.alone import alone
from learner.bar import Bar
from learner.disk import write_whole
from learner.simulation.result import Result, shown
from learner.simulation.stage import Plan, play
from learner.tastes import DEFAULT, TASTES, Taste

OVERRIDES: Final[dict[str, Any]] = {
    "database_url": "",
    "consent": "opt-out",
    "stop": (),
    "banned_words": (),
    "repetition_penalty": 1.0,
    "max_new_tokens": 40,
    "min_examples": 4,
}
"""Settings that a simulation has of its own, whatever the environment says."""

DEFAULTS: Final = Plan()
DIRECTORY: Final = "simulation"
RESULT: Final = "simulation.json"


def simulate(settings: Settings, taste: Taste, plan: Plan, bar: Bar) -> Result:
    """Play a simulation with `settings`, which `staged` made, and save its result beside it."""
    with alone(settings.data_dir):
        result = asyncio.run(play(settings, taste, plan, bar))
    text = json.dumps(result.to_json(), indent=1, ensure_ascii=False)
    write_whole(settings.data_dir.parent / RESULT, f"{text}\n")
    return result


def staged(
    settings: Settings, changes: Mapping[str, Any] | None = None, *, seed: int = DEFAULTS.seed
) -> Settings:
    """The settings of the simulation's own house, below DATA_DIR. `changes` beat all others.

    Rounds learn with the simulation's `seed`.
    """
    model = resolve(settings.base_model, settings.models_dir)
    home = settings.data_dir / DIRECTORY
    own = {"data_dir": home, "base_model": str(model), "learn_seed": seed}
    return settings_module.load(**{**settings.model_dump(), **OVERRIDES, **own, **(changes or {})})


def changes_of(pairs: Sequence[str]) -> dict[str, str]:
    """NAME=VALUE pairs as settings. Raises `SettingsError`."""
    found = {}
    for pair in pairs:
        name, separator, value = pair.partition("=")
        if not separator or name.lower() not in Settings.model_fields:
            raise SettingsError(f"--set takes NAME=VALUE with the name of a setting, not {pair!r}.")
        found[name.lower()] = value
    return found


app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


def _known(taste: str) -> str:
    if taste not in TASTES:
        raise typer.BadParameter(f"choose one of {', '.join(TASTES)}")
    return taste


_TASTES: Final = "; ".join(f"{taste.name}: {taste.meaning}" for taste in TASTES.values())


@app.command(help=f"Let a simulated community with a hidden taste teach the bot.\n\n{_TASTES}.")
def command(
    taste: Annotated[
        str, typer.Option(help="What the community likes.", callback=_known)
    ] = DEFAULT,
    seed: Annotated[
        int, typer.Option(min=0, max=2**31 - 1, help="Seed of everything that is random.")
    ] = DEFAULTS.seed,
    rounds: Annotated[
        int, typer.Option(min=1, max=20, help="How often the bot learns.")
    ] = DEFAULTS.rounds,
    prompts: Annotated[
        int, typer.Option(min=1, max=5000, help="Most messages before each round.")
    ] = DEFAULTS.messages,
    likes: Annotated[
        int, typer.Option(min=1, help="Liked replies after which a round begins at once.")
    ] = DEFAULTS.enough,
    tries: Annotated[
        int, typer.Option(min=1, max=20, help="Replies to each message; all are rated.")
    ] = DEFAULTS.tries,
    corrections: Annotated[
        float,
        typer.Option(min=0, max=1, help="Share of disliked replies that a moderator corrects."),
    ] = 0.0,
    data_dir: Annotated[
        Path | None, typer.Option(help="Instead of DATA_DIR; simulation/ below it is wiped.")
    ] = None,
    change: Annotated[
        list[str] | None, typer.Option("--set", help="Another setting, as NAME=VALUE.")
    ] = None,
) -> None:
    """Play, save and show."""
    given = {"data_dir": data_dir} if data_dir else {}
    settings = staged(settings_module.load(**given), changes_of(change or []), seed=seed)
    logs.configure(settings, file=settings.data_dir / "logs" / "simulation.log")
    plan = Plan(seed, rounds, prompts, likes, tries, corrections=corrections)
    with Bar() as bar:
        result = simulate(settings, TASTES[taste], plan, bar)
    console = Console()
    console.print(shown(result))
    console.print(f"Saved in {settings.data_dir.parent / RESULT}.")


def main(args: Sequence[str] | None = None) -> None:
    """The entry point of the learner's command line."""
    app(args=list(args) if args is not None else None, prog_name="python -m learner simulate")
