"""Figures become charts."""

from __future__ import annotations

import json
from datetime import date

from bot.console import charts

MONDAY = date(2026, 11, 16)
SUNDAY = date(2026, 11, 22)


def test_ratings_by_day() -> None:
    option = charts.ratings_by_day([(MONDAY, 3, 1), (SUNDAY, 0, 2)])
    assert option["xAxis"]["data"] == ["16 Nov", "22 Nov"]
    assert [series["data"] for series in option["series"]] == [[3, 0], [1, 2]]


def test_approval_has_a_line_for_each_version() -> None:
    option = charts.approval_by_week([(MONDAY, 0, 1, 3), (SUNDAY, 2, 3, 0), (SUNDAY, 0, 0, 0)])
    lines = {series["name"]: series["data"] for series in option["series"]}
    assert lines == {"base model": [25.0, None], "version 2": [None, 100.0]}


def test_losses_of_a_round_that_measured_only_some() -> None:
    option = charts.losses_by_round([(1, "promoted", 2.0, 1.5, None, None)])
    assert option["xAxis"]["data"] == ["1 promoted"]
    assert [series["data"] for series in option["series"]] == [[2.0], [1.5], [None], [None]]


def test_options_are_json() -> None:
    for option in (
        charts.ratings_by_day([]),
        charts.approval_by_week([]),
        charts.losses_by_round([]),
    ):
        json.dumps(option)
