"""The progress of a round on a terminal."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from bot.domain import Progress as RoundProgress


class Bar:
    """A progress bar on standard error; nothing at all where that is no terminal."""

    def __init__(self) -> None:
        console = Console(stderr=True)
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[figures]}"),
            TimeRemainingColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._task = self._progress.add_task("looking at the verdicts", total=None, figures="")

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._progress.stop()

    def show(self, progress: RoundProgress) -> None:
        """Show how far a round is. May be called from any thread."""
        loss = f"loss {progress.loss:.2f}" if progress.loss is not None else ""
        speed = f"{progress.tokens_per_second:.0f} tokens/s" if progress.tokens_per_second else ""
        self._progress.update(
            self._task,
            description=progress.note or "working",
            completed=progress.step,
            total=progress.steps or None,
            figures=", ".join(filter(None, (loss, speed))),
        )

    def say(self, text: str) -> None:
        """Print a line that stays, on standard error."""
        self._progress.console.print(text, highlight=False, markup=False, soft_wrap=True)
