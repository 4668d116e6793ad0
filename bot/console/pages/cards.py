"""A reply on the chat page: it grows, and then it can be judged."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from nicegui import ui

from bot.console import history
from bot.console.pages.frame import words, written
from bot.console.talk import OWNER, PLACE, Reply, State
from bot.domain import FeedbackKind

if TYPE_CHECKING:
    from bot.console.console import House

NOTE: Final = "The bot learns from what you write here."


class ReplyCard:
    """One reply, under way or complete. Made inside of the element that it is to stand in."""

    def __init__(self, house: House, again: Callable[[int], None]) -> None:
        self._house = house
        self._again = again
        self._exchange: int | None = None
        with ui.element("article").classes("reply"):
            self._status = ui.label().classes("quiet status")
            self._body = ui.element("div").classes("body")
            with self._body:
                self._growing = ui.label().classes("prose growing")
            self._notices = ui.element("div")
            self._actions = ui.row().classes("actions")
        self._noticed = 0
        self._like: ui.button | None = None
        self._dislike: ui.button | None = None

    def complete(self, text: str, exchange: int, vote: FeedbackKind | None) -> None:
        """Show a reply that is there, with its buttons."""
        if self._exchange is not None:
            return
        self._exchange = exchange
        self._status.delete()
        self._body.clear()
        with self._body:
            words(text)
        self._actions.clear()
        with self._actions:
            self._like = self._button("thumb_up", "Good reply", self._rater(FeedbackKind.LIKE))
            self._dislike = self._button(
                "thumb_down", "Bad reply", self._rater(FeedbackKind.DISLIKE)
            )
            self._button("refresh", "Another reply", lambda: self._again(exchange))
            self._button("edit", "Write a better reply", self._correct)
        self._show_vote(vote)

    def follow(self, reply: Reply) -> None:
        """Show a reply as it comes, for as long as the page is open."""
        with self._actions:
            stop = ui.button("Stop", icon="stop", on_click=reply.stop, color=None)
            stop.props("flat dense no-caps size=sm").classes("stop")

        def redraw() -> None:
            self._redraw(reply)

        reply.watch(redraw)
        ui.context.client.on_delete(lambda: reply.unwatch(redraw))
        redraw()

    def _redraw(self, reply: Reply) -> None:
        for text in reply.notices[self._noticed :]:
            with self._notices:
                ui.label(text).classes("notice")
        self._noticed = len(reply.notices)
        if reply.exchange is not None:
            self.complete(reply.text, reply.exchange, None)
            return
        self._growing.text = reply.text
        self._growing.set_visibility(bool(reply.text))
        self._status.text = _status(reply)
        self._status.set_visibility(bool(self._status.text))
        if reply.ended:
            self._actions.clear()
            self._growing.classes(remove="growing")

    def _button(self, icon: str, label: str, act: Callable[[], object]) -> ui.button:
        button = ui.button(icon=icon, on_click=act, color=None)
        return button.props(f'flat round dense size=sm aria-label="{label}" title="{label}"')

    def _rater(self, kind: FeedbackKind) -> Callable[[], object]:
        async def rate() -> None:
            said = await self._house.room.rating(
                OWNER, PLACE, self._exchange, kind, via="web", toggle=True
            )
            ui.notify(said, position="top", timeout=2000)
            if self._exchange is not None:
                async with self._house.database.read() as conn:
                    self._show_vote(await history.vote(conn, self._exchange, OWNER))

        return rate

    async def _correct(self) -> None:
        if self._exchange is None:
            return
        async with self._house.database.read() as conn:
            found = await history.case(conn, self._exchange, OWNER)
        text = await written("Write a better reply", found.exchange.reply, NOTE)
        if text:
            said = await self._house.room.rating(
                OWNER, PLACE, self._exchange, FeedbackKind.CORRECTION, text=text, via="web"
            )
            ui.notify(said, position="top", timeout=3000)

    def _show_vote(self, vote: FeedbackKind | None) -> None:
        for button, kind in (
            (self._like, FeedbackKind.LIKE),
            (self._dislike, FeedbackKind.DISLIKE),
        ):
            if button is not None:
                pressed = vote is kind
                button.classes(
                    add="pressed" if pressed else "", remove="" if pressed else "pressed"
                )
                button.props(f"aria-pressed={'true' if pressed else 'false'}")


def _status(reply: Reply) -> str:
    if reply.state is State.STOPPED:
        return "" if reply.notices else "Stopped."
    if reply.state is not State.ASKED:
        return ""
    if reply.ahead:
        return f"{reply.ahead} {'reply comes' if reply.ahead == 1 else 'replies come'} first …"
    return "Thinking …"
