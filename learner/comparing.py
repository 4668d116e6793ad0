"""Measures adapter versions side by side on conversations from outside."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from bot.domain import BASE, Finish
from bot.errors import AdapterError, ThumbwiseError
from bot.generator.protocol import Job
from bot.store import adapters
from learner.asking import ask
from learner.dialogues import Dialogue
from learner.ear import Ear
from learner.evaluate import measure
from learner.examples import encode
from learner.publish import published
from learner.replies import Written, distinct, look_at
from learner.workshop import Workshop


async def compare(
    shop: Workshop, dialogues: Sequence[Dialogue], versions: Sequence[int] | None, *, replies: int
) -> list[dict[str, Any]]:
    """One row of figures for each version, in the order given; by default the base and the live.

    Loss is in nats a token of the replies in the file; `replies` prompts, evenly spread, get a
    sample reply each. Raises `AdapterError` for a version that is not there.
    """
    async with shop.database.read() as conn:
        live = await adapters.live(conn, shop.fingerprint)
        chosen = versions or [BASE, *([live.version] if live else [])]
        found = {version: await adapters.get(conn, version) for version in chosen if version}
    for version, adapter in found.items():
        if adapter.base_model != shop.fingerprint:
            raise AdapterError(f"{adapters.name(version)} was made for another base model.")
    base = await shop.work(shop.base)
    encoded = [
        example
        for dialogue in dialogues
        if (example := encode(base.renderer, dialogue.prompt, dialogue.reply, limit=base.window))
    ]
    if not encoded:
        raise ThumbwiseError("No conversation in the file fits the model's window.")
    stride = max(1, len(dialogues) // max(1, replies))
    sampling = shop.settings.sampling
    jobs = [
        Job(dialogue.prompt, sampling, seed=number)
        for number, dialogue in enumerate(dialogues[::stride][:replies])
    ]
    rows: list[dict[str, Any]] = []
    for version in chosen:
        directory = await shop.work(published, shop.settings.adapters_dir, found.get(version))
        losses = await shop.work(
            measure, base, directory, {"file": encoded}, memory=shop.memory, ear=Ear()
        )
        done = await ask(base, directory, jobs, threads=shop.threads)
        samples = look_at(
            [Written(c.text, c.finish is Finish.STOP) for c in done], sampling.banned_words
        )
        rows.append(
            {
                "version": version,
                "examples": len(encoded),
                "loss": losses["file"],
                "perplexity": math.exp(min(losses["file"], 700)),
                "distinct_1": distinct([c.text for c in done], 1),
                "distinct_2": distinct([c.text for c in done], 2),
                "samples": samples.to_json(),
            }
        )
    return rows


def table(rows: Sequence[dict[str, Any]]) -> str:
    """The rows as a table for people."""
    shown = Table("version", "examples", "loss", "perplexity", "distinct-1", "distinct-2", "ending")
    for row in rows:
        shown.add_row(
            "base" if row["version"] == BASE else str(row["version"]),
            str(row["examples"]),
            f"{row['loss']:.3f}",
            f"{row['perplexity']:.1f}",
            f"{row['distinct_1']:.2f}",
            f"{row['distinct_2']:.2f}",
            f"{row['samples']['ending']:.0%}",
        )
    console = Console(width=100)
    with console.capture() as capture:
        console.print(shown)
    return capture.get().rstrip()
