"""The pages of the console. Words from outside are shown as text, never as markup."""

from __future__ import annotations

from nicegui import ui

from bot.console.pages import chat, learning, review
from bot.console.pages.frame import FAVICON, STYLE

__all__ = ["FAVICON", "register"]


def register() -> None:
    """Tell NiceGUI which page is where."""
    ui.add_css(STYLE, shared=True)
    ui.page("/", title="thumbwise · chat")(chat.page)
    ui.page("/review", title="thumbwise · review")(review.page)
    ui.page("/learning", title="thumbwise · learning")(learning.page)
