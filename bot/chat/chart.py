"""The statistics as a picture, for platforms where people look at it on a phone."""

from __future__ import annotations

import io
from typing import Any, Final

from bot.chat.stats import Stats

_UP: Final = "#2e7d32"
_DOWN: Final = "#c62828"
_BEFORE: Final = "#9e9e9e"
_AFTER: Final = "#1565c0"


def draw(stats: Stats) -> bytes:
    """A PNG of 1000 by 1100 pixels: ratings by day, approval by week, losses by round. Blocks."""
    # Without pyplot: it keeps global state, and we draw in a thread.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 11), dpi=100, layout="constrained")
    FigureCanvasAgg(figure)
    top, middle, bottom = figure.subplots(3, 1)
    _ratings(top, stats)
    _approval(middle, stats)
    _losses(bottom, stats)
    picture = io.BytesIO()
    figure.savefig(picture, format="png")
    return picture.getvalue()


def _ratings(axes: Any, stats: Stats) -> None:
    days = [f"{one.day:%d %b}" for one in stats.by_day]
    axes.bar(days, [one.likes for one in stats.by_day], color=_UP, label="likes")
    axes.bar(days, [-one.dislikes for one in stats.by_day], color=_DOWN, label="dislikes")
    axes.axhline(0, color="black", linewidth=0.8)
    axes.set_xticks(range(0, len(days), 5))
    axes.yaxis.set_major_formatter(lambda value, _: f"{abs(value):g}")
    axes.set_title("Ratings by day")
    axes.legend(loc="upper left")


def _approval(axes: Any, stats: Stats) -> None:
    axes.set_title("Approval by week and version")
    axes.set_ylim(0, 100)
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}%")
    if not stats.approval_by_week:
        _nothing(axes, "no rating yet")
        return
    weeks = sorted({one.week for one in stats.approval_by_week})
    for version in sorted({one.adapter for one in stats.approval_by_week}):
        points = [one for one in stats.approval_by_week if one.adapter == version]
        axes.plot(
            [weeks.index(one.week) for one in points],
            [100 * one.likes / (one.likes + one.dislikes) for one in points],
            marker="o",
            label=f"version {version}" if version else "base model",
        )
    axes.set_xticks(range(len(weeks)), [f"{week:%d %b}" for week in weeks])
    axes.legend(loc="lower left")


def _losses(axes: Any, stats: Stats) -> None:
    axes.set_title("Loss by round, in nats a token: what was live, and the candidate")
    if not stats.by_round:
        _nothing(axes, "no round yet")
        return
    at = range(len(stats.by_round))
    columns = (
        ("held_out_live", _BEFORE, "held out: live", "o"),
        ("held_out_candidate", _AFTER, "held out: candidate", "o"),
        ("retention_live", _BEFORE, "older approvals: live", "s"),
        ("retention_candidate", _AFTER, "older approvals: candidate", "s"),
    )
    for name, color, label, marker in columns:
        figures = [getattr(lesson, name) for lesson in stats.by_round]
        if any(figure is not None for figure in figures):
            shown = [float("nan") if figure is None else figure for figure in figures]
            style = "--" if marker == "s" else "-"
            axes.plot(at, shown, color=color, marker=marker, linestyle=style, label=label)
    names = [f"{lesson.round}\n{lesson.state.value}" for lesson in stats.by_round]
    axes.set_xticks(list(at), names)
    axes.legend(loc="upper right")


def _nothing(axes: Any, why: str) -> None:
    axes.text(0.5, 0.5, why, ha="center", va="center", transform=axes.transAxes, color=_BEFORE)
