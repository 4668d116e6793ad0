"""The review queue: one reply after the other, the most useful first."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final

from fastapi import Request
from nicegui import events, ui

from bot.console import history
from bot.console.history import Case, ago
from bot.console.pages.frame import confirmed, frame, give, house_of, say, words, written
from bot.console.talk import OWNER, PLACE
from bot.domain import BASE, FeedbackKind, Turn
from bot.store.review import Rater

if TYPE_CHECKING:
    from bot.console.console import House

_SIGNS: Final = {
    FeedbackKind.LIKE: ("thumb_up", "likes it"),
    FeedbackKind.DISLIKE: ("thumb_down", "dislikes it"),
    FeedbackKind.CORRECTION: ("edit", "would say"),
    FeedbackKind.FLAG: ("flag", "flagged it"),
}
_TURNS: Final = 4
_NOTE: Final = "Your answer takes the place of the reply; the bot learns from it."


async def page(request: Request) -> None:
    """The review page."""
    house = house_of(request)
    with frame(house, "/review"):
        await Review(house).next()


class Review:
    """One browser tab's walk through the queue."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._exchange: int | None = None
        self._box = ui.element("section").classes("column-page")
        self._keys: dict[str, Callable[[], Awaitable[None]]] = {
            "a": self._approve,
            "r": self._reject,
            "c": self._correct,
            "s": self._skip,
        }
        ui.keyboard(on_key=self._pressed)

    async def next(self) -> None:
        """Show the reply that waits first."""
        answer = await self._house.room.command(OWNER, PLACE, "/review")
        self._exchange = answer.review
        if answer.review is None:
            self._box.clear()
            with self._box, ui.element("div").classes("empty"):
                ui.icon("done_all")
                ui.label(answer.text).classes("prose")
                ui.button("Look again", on_click=self.next).props("flat no-caps")
            return
        async with self._house.database.read() as conn:
            found = await history.case(conn, answer.review, OWNER)
        self._box.clear()
        with self._box:
            self._draw(found)

    def _draw(self, found: Case) -> None:
        exchange = found.exchange
        version = "base model" if exchange.adapter == BASE else f"version {exchange.adapter}"
        with ui.row().classes("head"):
            ui.label("Review").classes("title")
            ui.label(f"{found.waiting} waiting").classes("chip")
        with ui.element("article").classes("panel"):
            when = ago(exchange.created_at, self._house.now())
            ui.label(f"{found.channel} · {version} · {when}").classes("quiet")
            with ui.element("div").classes("context"):
                for turn in exchange.prompt.turns[-_TURNS:]:
                    _turn(turn)
            with ui.element("div").classes("verdict"):
                ui.label("Reply").classes("quiet")
                words(exchange.reply)
            if found.raters:
                with ui.element("div").classes("raters"):
                    for rater in found.raters:
                        self._rater(rater)
            else:
                ui.label("Nobody has judged it yet.").classes("quiet")
        with ui.row().classes("rulings"):
            _ruling("Approve", "check", self._approve, "unelevated color=positive")
            _ruling("Reject", "close", self._reject, "unelevated color=negative")
            _ruling("Correct …", "edit", self._correct, "outline")
            _ruling("Skip", "redo", self._skip, "flat")

    def _rater(self, rater: Rater) -> None:
        icon, says = _SIGNS[rater.kind]
        with ui.row().classes("rater"):
            ui.icon(icon)
            with ui.element("div").classes("grow"):
                trusted = "" if rater.trust == 1 else f" (trust {rater.trust:.1f})"
                ui.label(f"{rater.name}{trusted} {says}").classes("prose")
                if rater.text:
                    ui.label(rater.text).classes("prose said")
            ui.button(icon="block", on_click=lambda: self._ban(rater), color=None).props(
                'flat round dense size=sm aria-label="Ban rater" title="Ban rater"'
            )

    async def _approve(self) -> None:
        await self._rule("/approve")

    async def _reject(self) -> None:
        await self._rule("/reject")

    async def _skip(self) -> None:
        await self._rule("/skip")

    async def _correct(self) -> None:
        exchange = self._exchange
        if exchange is None:
            return
        async with self._house.database.read() as conn:
            found = await history.case(conn, exchange, OWNER)
        better = [r.text for r in found.raters if r.kind is FeedbackKind.CORRECTION]
        text = await written("Correct the reply", (better or [found.exchange.reply])[-1], _NOTE)
        if text and exchange == self._exchange:
            # Not by /correct: a command is one line, and an answer may have several.
            self._exchange = None
            said = await self._house.room.rating(
                OWNER, PLACE, exchange, FeedbackKind.CORRECTION, text=text, via="web"
            )
            ui.notify(said, position="top", timeout=3000)
            await self.next()

    async def _ban(self, rater: Rater) -> None:
        sure = await confirmed(
            f"Ignore all that {rater.name} says of replies, now and later?", "Ban rater"
        )
        if sure:
            await self._rule(f"/ban {rater.member}")

    async def _rule(self, line: str) -> None:
        exchange = self._exchange
        if exchange is None:
            return
        self._exchange = None  # a second press is not a ruling on the next reply
        answer = await give(self._house, line, exchange=exchange)
        if answer is not None:
            say(answer)
        await self.next()

    async def _pressed(self, event: events.KeyEventArguments) -> None:
        modified = event.modifiers.ctrl or event.modifiers.alt or event.modifiers.meta
        act = self._keys.get(event.key.name.lower()) if event.key.name else None
        if act and event.action.keydown and not event.action.repeat and not modified:
            await act()


def _turn(turn: Turn) -> None:
    mine = turn.role != "assistant"
    with ui.element("div").classes("turn theirs" if mine else "turn bots"):
        ui.label(turn.speaker or ("somebody" if mine else "bot")).classes("quiet")
        words(turn.text)


def _ruling(name: str, icon: str, act: Callable[[], Awaitable[None]], look: str) -> None:
    key = name[0].lower()
    ui.button(name, icon=icon, on_click=act).props(f'no-caps {look} title="Key: {key}"')
