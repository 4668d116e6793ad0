"""Figures as ECharts options. Pure: what goes in are plain rows, what comes out is JSON-ready."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any, Final

from bot.domain import BASE

LIKE: Final = "#0d9488"
DISLIKE: Final = "#ea580c"
_LINES: Final = ("#0d9488", "#6366f1", "#d97706", "#db2777", "#65a30d", "#0284c7")
_INK: Final = "#8b949e"
"""A grey that can be read on white and on black: a chart does not know which one it is on."""

Option = dict[str, Any]


def ratings_by_day(rows: Sequence[tuple[date, int, int]]) -> Option:
    """Likes and dislikes of each day: (day, likes, dislikes)."""
    return _chart(
        [_short(day) for day, _, _ in rows],
        [
            _bar("likes", [likes for _, likes, _ in rows], LIKE),
            _bar("dislikes", [dislikes for _, _, dislikes in rows], DISLIKE),
        ],
        whole=True,
    )


def approval_by_week(rows: Sequence[tuple[date, int, int, int]]) -> Option:
    """The share of likes among votes: (first day of week, adapter version, likes, dislikes).

    One line for each version; weeks in which nobody voted on it are left out of its line.
    """
    weeks = sorted({week for week, *_ in rows})
    shares = {
        (version, week): round(100 * likes / (likes + dislikes), 1)
        for week, version, likes, dislikes in rows
        if likes + dislikes
    }
    versions = sorted({version for version, _ in shares})
    series = [
        _line(
            "base model" if version == BASE else f"version {version}",
            [shares.get((version, week)) for week in weeks],
            _LINES[at % len(_LINES)],
        )
        for at, version in enumerate(versions)
    ]
    return _chart([_short(week) for week in weeks], series, unit="%", top=100)


Losses = tuple[int, str, float | None, float | None, float | None, float | None]
"""Round id, state, held-out loss live and candidate, retention loss live and candidate."""


def losses_by_round(rows: Sequence[Losses]) -> Option:
    """Loss on held-out and on older approvals, of what was live and of the candidate."""
    names = ("held-out, live", "held-out, new", "retention, live", "retention, new")
    series = []
    figures = [row[2:] for row in rows]
    for at, name in enumerate(names):
        line = _line(name, [_rounded(losses[at]) for losses in figures], _LINES[at // 2])
        if at % 2 == 0:
            line["lineStyle"]["type"] = "dashed"
            line["itemStyle"]["opacity"] = 0.6
        series.append(line)
    return _chart([f"{row[0]} {row[1]}" for row in rows], series, fitted=True)


def _short(day: date) -> str:
    """A day as it fits under a bar: "16 Nov"."""
    return f"{day.day} {day:%b}"


def _rounded(loss: float | None) -> float | None:
    return None if loss is None else round(loss, 3)


def _chart(
    labels: Iterable[str],
    series: Sequence[Option],
    *,
    unit: str = "",
    top: float | None = None,
    whole: bool = False,
    fitted: bool = False,
) -> Option:
    """Axes, legend and tooltip around some series. `fitted`: the value axis need not begin at 0."""
    value: Option = {
        "type": "value",
        "scale": fitted,
        "axisLabel": {"color": _INK, "formatter": f"{{value}}{unit}"},
        "splitLine": {"lineStyle": {"color": _INK, "opacity": 0.2}},
    }
    if top is not None:
        value |= {"min": 0, "max": top}
    if whole:
        value["minInterval"] = 1
    return {
        "animation": False,
        "textStyle": {"fontFamily": "inherit"},
        "grid": {"left": 8, "right": 12, "top": 44, "bottom": 8, "containLabel": True},
        "legend": {"type": "scroll", "top": 4, "left": 0, "textStyle": {"color": _INK}},
        "tooltip": {"trigger": "axis", "confine": True, "renderMode": "richText"},
        "xAxis": {
            "type": "category",
            "data": list(labels),
            "axisLabel": {"color": _INK, "hideOverlap": True},
            "axisLine": {"lineStyle": {"color": _INK, "opacity": 0.4}},
            "axisTick": {"show": False},
        },
        "yAxis": value,
        "series": list(series),
    }


def _bar(name: str, data: Sequence[int], colour: str) -> Option:
    return {
        "name": name,
        "type": "bar",
        "stack": "votes",
        "barMaxWidth": 28,
        "data": list(data),
        "itemStyle": {"color": colour},
    }


def _line(name: str, data: Sequence[float | None], colour: str) -> Option:
    return {
        "name": name,
        "type": "line",
        "connectNulls": True,
        "symbolSize": 7,
        "data": list(data),
        "lineStyle": {"color": colour, "width": 2},
        "itemStyle": {"color": colour},
    }
