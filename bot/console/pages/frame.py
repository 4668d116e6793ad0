"""What all pages share: the bar at the top, colours, and asking before something is done."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from fastapi import Request
from nicegui import events, ui

from bot.console.blocks import blocks, spans
from bot.console.talk import OWNER, PLACE
from bot.domain import BASE
from bot.platforms.base import Answer

if TYPE_CHECKING:
    from bot.console.console import House

STYLE: Final = Path(__file__).with_name("console.css")
FAVICON: Final = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24"><rect width="24" height="24" '
    'rx="6" fill="#0f766e"/><path fill="#fff" d="M5 19h3v-8H5zm14-7a1.500 1.500 0 0 0-1.500-1.500h'
    "-4.200l.7-3.200c.1-.8-.5-1.800-1.500-1.800L9.300 10.300V18c0 .6.500 1 1 1h5.600c.6 0 1.100-.4 "
    '1.300-.9l1.700-4.400c.1-.2.1-.4.1-.6z"/></svg>'
)
_PAGES: Final = (
    ("/", "Chat", "forum"),
    ("/review", "Review", "rule"),
    ("/learning", "Learning", "insights"),
)
_REFRESH_SECONDS: Final = 5.0


def house_of(request: Request) -> House:
    """The house that a request came to."""
    house: House = request.state.house
    return house


@contextmanager
def frame(house: House, here: str) -> Iterator[None]:
    """The page around its own content; `here` is its path."""
    ui.colors(primary="#0f766e", positive="#0f766e", negative="#c2410c", dark="#161b22")
    with ui.header(bordered=True).classes("bar"):
        with ui.link(target="/").classes("brand").props('aria-label="thumbwise"'):
            ui.icon("thumb_up").classes("mark")
            ui.label("thumbwise").classes("wide")
        with ui.element("nav"):
            for path, name, icon in _PAGES:
                with ui.link(target=path).classes("tab" + (" here" if path == here else "")):
                    ui.icon(icon)
                    ui.label(name)
        serving = ui.label().classes("chip")

        def refresh() -> None:
            version = house.serving()
            serving.text = "base model" if version == BASE else f"version {version}"

        refresh()
        ui.timer(_REFRESH_SECONDS, refresh)
    yield


def words(text: str) -> None:
    """Text from outside: prose keeps its line breaks, code its spaces, and nothing is markup."""
    for block in blocks(text):
        if block.code:
            with ui.element("pre").classes("code"):
                ui.label(block.text)
        else:
            with ui.element("p").classes("prose"):
                for span in spans(block.text):
                    ui.label(span.text).classes("span inline" if span.code else "span")


async def confirmed(question: str, yes: str = "Yes, do it") -> bool:
    """Ask before something is done."""
    with ui.dialog().on("hide", _gone) as dialog, ui.card().classes("sheet"):
        ui.label(question).classes("prose")
        with ui.row().classes("choices"):
            ui.button("No", on_click=lambda: dialog.submit(False)).props("flat no-caps")
            sure = ui.button(yes, on_click=lambda: dialog.submit(True), color="positive")
            sure.props("unelevated no-caps")
    return await dialog is True


async def written(title: str, text: str, note: str) -> str:
    """Let the person edit a text; "" when they think better of it."""
    dialog = ui.dialog().props("persistent").on("hide", _gone)
    with dialog, ui.card().classes("sheet wide-sheet"):
        ui.label(title).classes("title")
        area = ui.textarea(value=text).props("outlined autogrow autofocus").classes("full better")
        ui.label(note).classes("quiet")
        with ui.row().classes("choices"):
            ui.button("Cancel", on_click=lambda: dialog.submit("")).props("flat no-caps")
            save = ui.button("Save", color="positive").props("unelevated no-caps")
            # The text as it is at the click: what was typed last may still be on its way.
            save.on(
                "click",
                lambda event: dialog.submit(event.args),
                js_handler=f"() => emit(getElement({area.id}).$refs.qRef.modelValue)",
            )
    answer = await dialog
    return answer.strip() if isinstance(answer, str) else ""


def _gone(event: events.GenericEventArguments) -> None:
    """A dialog is of no more use once it has faded out; before that it could not be taken away."""
    event.sender.delete()


async def give(house: House, line: str, *, exchange: int | None = None) -> Answer | None:
    """Give a command, and confirm what is to be confirmed; None when the person says no."""
    answer = await house.room.command(OWNER, PLACE, line, exchange=exchange, ask=True)
    if not answer.confirm:
        return answer
    if not await confirmed(answer.text):
        return None
    return await house.room.command(OWNER, PLACE, answer.confirm, exchange=exchange)


def say(answer: Answer) -> None:
    """Show the answer to a command in passing."""
    ui.notify(
        answer.text,
        type="warning" if answer.refused else "positive",
        position="top",
        multi_line=True,
        timeout=6000 if answer.refused else 3000,
    )
