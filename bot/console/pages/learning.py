"""Learning: what is live, how the rounds went, and the figures as charts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from fastapi import Request
from nicegui import ui

from bot.chat import stats, status
from bot.chat.status import Status
from bot.console import charts
from bot.console.history import ago
from bot.console.pages.frame import frame, give, house_of, say
from bot.domain import Adapter, AdapterState, Round, RoundState
from bot.store import adapters, rounds

if TYPE_CHECKING:
    from bot.console.console import House

_ROUNDS: Final = 8
_ADAPTERS: Final = 12
_LOOK_SECONDS: Final = 2.0
_MARKS: Final = {
    RoundState.PROMOTED: "good",
    RoundState.REJECTED: "bad",
    RoundState.FAILED: "bad",
    AdapterState.LIVE: "good",
    AdapterState.REJECTED: "bad",
    AdapterState.FAILED: "bad",
}


async def page(request: Request) -> None:
    """The learning page."""
    house = house_of(request)
    with frame(house, "/learning"):
        await Learning(house).open()


class Learning:
    """One browser tab's view of what was learned. It looks again while it is open."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._shown: tuple[object, ...] = ()
        with ui.element("section").classes("wide-page"):
            self._figures = ui.element("div").classes("figures")
            with ui.element("div").classes("panel"):
                with ui.row().classes("head"):
                    ui.label("Learning").classes("title")
                    self._train = self._button("Train now", "school", "/train now")
                    self._cancel = self._button("Cancel", "stop", "/train cancel")
                self._state = ui.label().classes("prose")
                self._bar = ui.linear_progress(show_value=False).props("rounded size=8px")
                self._rounds = ui.element("div").classes("rows")
            with ui.element("div").classes("panel"):
                with ui.row().classes("head"):
                    ui.label("Adapters").classes("title")
                    self._rollback = self._button("Roll back", "undo", "/rollback")
                self._adapters = ui.element("div").classes("rows")
            self._charts = ui.element("div").classes("charts")

    async def open(self) -> None:
        """Show how things stand, and go on looking."""
        await self._look()
        ui.timer(_LOOK_SECONDS, self._look, immediate=False)

    async def _look(self) -> None:
        now = self._house.now()
        async with self._house.database.read() as conn:
            stands = await status.gather(conn, now)
            last = await rounds.last(conn, _ROUNDS)
            found = await adapters.every(conn)
        self._show_progress(stands)
        # What is drawn anew loses the reader's place, so only what has changed is.
        seen = (
            stands.ratings,
            stands.learner,
            stands.new_verdicts,
            self._house.serving(),
            [(r.id, r.state) for r in last],
            [(a.version, a.state) for a in found],
        )
        if seen == self._shown:
            return
        self._shown = seen
        self._show_figures(stands)
        self._show_rounds(last)
        self._show_adapters(found[::-1])
        await self._show_charts()

    def _show_figures(self, stands: Status) -> None:
        serving = self._house.serving()
        judged = stands.ratings
        self._figures.clear()
        with self._figures:
            _figure(f"version {serving}" if serving else "base model", "answers now")
            _figure(str(judged.get("like", 0)), "likes")
            _figure(str(judged.get("dislike", 0)), "dislikes")
            _figure(str(judged.get("correction", 0)), "corrections")
            _figure(str(stands.new_verdicts), "judged since the last round")
            _figure("up" if stands.learner else "down", "learner")

    def _show_progress(self, stands: Status) -> None:
        running = stands.round if stands.round and not stands.round.state.ended else None
        lines = status.describe(stands.round)
        if running is None and stands.next_look:
            lines = [f"The learner next looks for work at {stands.next_look}."]
        elif running is None:
            lines = [] if stands.round else lines
        self._state.text = "\n".join(lines)
        self._bar.set_visibility(running is not None)
        self._cancel.set_visibility(running is not None)
        self._train.set_visibility(running is None)
        if running is not None:
            steps = running.progress.steps
            known = running.state is RoundState.TRAINING and steps > 0
            self._bar.value = running.progress.step / steps if known else 0
            self._bar.props(
                add="" if known else "indeterminate", remove="indeterminate" if known else ""
            )

    def _show_rounds(self, last: Sequence[Round]) -> None:
        self._rounds.clear()
        with self._rounds:
            for one in last:
                with ui.element("div").classes("entry"):
                    _mark(one.state.value, _MARKS.get(one.state, ""))
                    with ui.element("div").classes("grow"):
                        made = f" → version {one.adapter}" if one.adapter is not None else ""
                        when = ago(one.finished_at or one.created_at, self._house.now())
                        ui.label(f"Round {one.id}{made} · {when}")
                        if one.reason:
                            ui.label(one.reason).classes("quiet prose")

    def _show_adapters(self, found: Sequence[Adapter]) -> None:
        rows = status.table(found)
        self._rollback.set_visibility(any(a.state is AdapterState.LIVE for a in found))
        self._adapters.clear()
        with self._adapters:
            if not found:
                ui.label("No adapter yet: the base model answers as it came.").classes("quiet")
            for adapter, row in list(zip(found, rows, strict=True))[:_ADAPTERS]:
                with ui.element("div").classes("entry"):
                    _mark(row["state"], _MARKS.get(adapter.state, ""))
                    with ui.element("div").classes("grow"):
                        ui.label(f"Version {adapter.version} · {row['created']}")
                        about = f"from {row['parent']} · taught by {row['data']}"
                        ui.label(f"{about} · held-out loss {row['held-out loss']}").classes("quiet")
                    if adapter.state in (AdapterState.RETIRED, AdapterState.CANDIDATE):
                        self._button("Promote", "publish", f"/promote {adapter.version}")

    async def _show_charts(self) -> None:
        async with self._house.database.read() as conn:
            figures = await stats.gather(conn, self._house.now())
        self._charts.clear()
        with self._charts:
            rated = [day for day in figures.by_day if day.likes + day.dislikes]
            _chart("Ratings by day", charts.ratings_by_day(figures.by_day), rated)
            _chart(
                "Approval by week and version",
                charts.approval_by_week(figures.approval_by_week),
                figures.approval_by_week,
            )
            _chart("Loss by round", charts.losses_by_round(figures.by_round), figures.by_round)

    def _button(self, name: str, icon: str, line: str) -> ui.button:
        async def act() -> None:
            answer = await give(self._house, line)
            if answer is not None:
                say(answer)
                await self._look()

        return ui.button(name, icon=icon, on_click=act).props("outline no-caps size=sm")


def _figure(value: str, meaning: str) -> None:
    with ui.element("div").classes("figure"):
        ui.label(value).classes("value")
        ui.label(meaning).classes("quiet")


def _mark(text: str, look: str) -> None:
    ui.label(text).classes(f"mark-label {look}")


def _chart(title: str, option: charts.Option, rows: Sequence[object]) -> None:
    with ui.element("div").classes("panel chart"):
        ui.label(title).classes("title")
        if rows:
            ui.echart(option).classes("plot").props(f'role="img" aria-label="{title}"')
        else:
            ui.label("Nothing to show yet.").classes("quiet")
