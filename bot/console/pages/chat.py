"""The chat: what is said in the console's channel, and the commands."""

from __future__ import annotations

import asyncio
import base64
from collections import deque
from contextlib import aclosing
from typing import TYPE_CHECKING, Final

from fastapi import Request
from nicegui import background_tasks, ui

from bot.console import history
from bot.console.history import Line
from bot.console.pages.cards import ReplyCard
from bot.console.pages.frame import frame, give, house_of, words
from bot.console.talk import OWNER, PLACE, Reply
from bot.platforms.base import Answer, Attachment

if TYPE_CHECKING:
    from bot.console.console import House

_HINT: Final = "Say something. Then tell me with a thumb how I did: that is what I learn from."
_FRESH: Final = ("/reset", "/forget")
"""Commands after which the page shows what is left."""

# Enter sends and Shift+Enter begins a line; an input method uses Enter for its own ends.
_ENTER: Final = """(event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    emit(event.target.value);
}"""

# The page stays at its end while replies grow, unless the reader has scrolled up.
_FOLLOW: Final = """
(() => {
    const page = document.scrollingElement;
    let atEnd = true;
    addEventListener("scroll", () => {
        atEnd = page.scrollHeight - page.scrollTop - innerHeight < 120;
    }, { passive: true });
    const down = () => { if (atEnd) page.scrollTop = page.scrollHeight; };
    new MutationObserver(down).observe(document.querySelector(".talk"),
        { childList: true, subtree: true, characterData: true });
    down();
})();
"""


async def page(request: Request) -> None:
    """The chat page."""
    house = house_of(request)
    with frame(house, "/"):
        await Chat(house).open()


class Chat:
    """One browser tab's view of the conversation."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._talk = ui.element("section").classes("talk").props('aria-live="polite"')
        self._drawn: set[str] = set()
        with ui.footer().classes("composer"), ui.row().classes("line"):
            self._menu()
            self._input = (
                ui.textarea(placeholder="Message, or / for a command")
                .props('autogrow outlined dense autofocus aria-label="Message" maxlength=20000')
                .classes("grow")
            )
            self._input.on("keydown", lambda event: self._typed(event.args), js_handler=_ENTER)
            send = ui.button(icon="arrow_upward", color="positive")
            send.props('round unelevated aria-label="Send"')
            send.on(
                "click",
                lambda event: self._typed(event.args),
                js_handler=f"() => emit(getElement({self._input.id}).$refs.qRef.modelValue)",
            )

    async def open(self) -> None:
        """Show what was said, and what is being said."""
        conversation = self._house.conversation
        conversation.watch(self._show)
        ui.context.client.on_delete(lambda: conversation.unwatch(self._show))
        await self._load()
        ui.run_javascript(_FOLLOW)

    async def _load(self) -> None:
        running = list(self._house.conversation.running)
        async with self._house.database.read() as conn:
            said = await history.lines(conn, PLACE, OWNER)
        known = {line.message_id for line in said}
        complete = {line.exchange for line in said}
        self._talk.clear()
        with self._talk:
            if not said and not running:
                ui.label(_HINT).classes("quiet hint")
            news = deque(self._house.conversation.announced)
            for line in said:
                while news and news[0][0] < line.at:
                    self._show(news.popleft()[1])
                self._draw(line)
            for _, text in news:
                self._show(text)
        for reply in running:
            if reply.exchange is None or reply.exchange not in complete:
                self._follow(reply, asked=reply.message_id in known)

    def _draw(self, line: Line) -> None:
        if line.exchange is None:
            self._mine(line.text)
        else:
            card = ReplyCard(self._house, self._again)
            card.complete(line.text, line.exchange, line.vote)

    def _show(self, news: Reply | str) -> None:
        """Something begins: a reply, or an announcement."""
        if isinstance(news, Reply):
            self._follow(news)
        else:
            with self._talk, ui.element("div").classes("aside announced"):
                words(news)

    def _follow(self, reply: Reply, *, asked: bool = False) -> None:
        with self._talk:
            if reply.question and not asked:
                self._mine(reply.question)
            ReplyCard(self._house, self._again).follow(reply)

    def _mine(self, text: str) -> None:
        ui.label(text).classes("mine prose")

    def _again(self, exchange: int) -> None:
        self._house.conversation.again(exchange)

    async def _typed(self, text: object) -> None:
        said = text.strip() if isinstance(text, str) else ""
        if not said:
            return
        self._input.value = ""
        if said.startswith("/"):
            await self._command(said)
        else:
            self._house.conversation.say(said)

    async def _command(self, line: str) -> None:
        answer = await give(self._house, line)
        if answer is None:
            return
        if line.split()[0].lower() in _FRESH and not answer.refused:
            await self._load()
        with self._talk, ui.element("div").classes("aside") as aside:
            ui.label(line).classes("quiet")
            text = ui.label(answer.text).classes("prose")
            if answer.attachment is not None:
                _attach(answer.attachment)
            if answer.review is not None:
                ui.link("Open the review page", "/review")
        if answer.refused:
            aside.classes("refused")
        if answer.live:
            self._live(text, answer)

    def _live(self, text: ui.label, answer: Answer) -> None:
        """Let a text follow how the round goes, until it ends or the page is closed."""

        async def follow() -> None:
            async with aclosing(self._house.room.progress()) as progress:
                async for now in progress:
                    text.text = now or answer.text

        task: asyncio.Task[None] = background_tasks.create(follow(), name="progress")
        ui.context.client.on_delete(lambda: task.cancel() and None)

    def _menu(self) -> None:
        """All commands, to be picked."""
        button = ui.button(icon="terminal", color=None)
        button.props('flat round aria-label="Commands" title="Commands"')
        with button, ui.menu().props('anchor="top left" self="bottom left"'), ui.list():
            for entry in self._house.room.menu():
                self._entry(f"/{entry.name}", entry.usage, entry.meaning)

    def _entry(self, name: str, usage: str, meaning: str) -> None:
        def pick() -> None:
            self._input.value = f"{name} " if usage else name
            self._input.run_method("focus")

        with ui.menu_item(on_click=pick), ui.item_section():
            ui.item_label(f"{name} {usage}".strip())
            ui.item_label(meaning).props("caption")


def _attach(attachment: Attachment) -> None:
    """A picture is shown; everything can be saved."""
    if attachment.media_type in ("image/png", "image/jpeg"):
        data = base64.b64encode(attachment.data).decode()
        ui.image(f"data:{attachment.media_type};base64,{data}").classes("picture")
    ui.button(
        f"Save {attachment.name}",
        icon="download",
        on_click=lambda: ui.download.content(
            attachment.data, attachment.name, attachment.media_type
        ),
    ).props("flat dense no-caps")
