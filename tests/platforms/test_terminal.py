"""The terminal's lines, and what a person sees."""

from __future__ import annotations

import io
import tempfile
from typing import cast

import pytest
from rich.console import Console

from bot.domain import FeedbackKind, Message, Person, Place
from bot.platforms.base import Outlet, Room
from bot.platforms.terminal import Line, Terminal, TerminalOutlet, parse
from tests.fakes import START


@pytest.mark.parametrize(
    ("line", "means"),
    [
        ("hello\n", Line("say", "hello")),
        ("  \n", Line("nothing")),
        ("+", Line("vote", vote=FeedbackKind.LIKE)),
        ("👎", Line("vote", vote=FeedbackKind.DISLIKE)),
        ("+1 is a number", Line("say", "+1 is a number")),
        ("! a better one", Line("vote", "a better one", FeedbackKind.CORRECTION)),
        ("!better", Line("vote", "better", FeedbackKind.CORRECTION)),
        ("/train now", Line("command", "/train now")),
        ("/as bo", Line("speaker", "bo")),
        ("/assist", Line("command", "/assist")),
        ("/quit", Line("quit")),
    ],
)
def test_parse(line: str, means: Line) -> None:
    assert parse(line) == means


async def test_a_reply_grows_without_repeating_itself() -> None:
    screen = io.StringIO()
    outlet = TerminalOutlet(Console(file=screen, width=200), framed=True)
    for text in ("Hi", "Hi @every", "Hi @\u200beveryone and", "Hi @\u200beveryone and all"):
        await outlet.show(text)
    await outlet.finish("Hi @\u200beveryone and all.", 1)
    assert screen.getvalue() == "thumbwise> Hi @\u200beveryone and all.\n"


async def test_text_without_spaces_streams_too() -> None:
    screen = io.StringIO()
    outlet = TerminalOutlet(Console(file=screen, width=200), framed=True)
    await outlet.show("こんにちは")
    assert "こんにちは" in screen.getvalue()


class Noting:
    """As much of a `Room` as a chat needs: answers some messages and notes what is judged."""

    def __init__(self) -> None:
        self.judged: list[int | None] = []

    async def message(self, message: Message, outlet: Outlet) -> None:
        if message.text == "stop":
            await outlet.show("half a rep")
        else:
            await outlet.finish("a reply", int(message.text))

    async def rating(
        self,
        person: Person,
        place: Place,
        exchange: int | None,
        kind: FeedbackKind,
        *,
        text: str = "",
        via: str,
    ) -> str:
        self.judged.append(exchange)
        return "noted"


async def test_a_vote_is_for_the_reply_in_sight(monkeypatch: pytest.MonkeyPatch) -> None:
    """After a reply that was broken off, `-` must not fall on the one before."""
    room, screen = Noting(), io.StringIO()
    terminal = Terminal(
        speaker="ana",
        channel="here",
        now=lambda: START,
        console=Console(file=screen, width=80),
        interactive=False,
    )
    with tempfile.TemporaryFile() as lines:
        lines.write(b"+\n7\n+\nstop\n-\n8\n-")
        lines.seek(0)
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(lines))
        await terminal.run(cast(Room, room))
    assert room.judged == [None, 7, 8]
    assert "not finished" in screen.getvalue()


async def test_a_pipe_gets_the_reply_whole_and_bare() -> None:
    screen = io.StringIO()
    outlet = TerminalOutlet(Console(file=screen, width=20), framed=False)
    await outlet.show("A long")
    await outlet.finish("A long reply that is wider than the console [b]is[/b].", 1)
    assert screen.getvalue() == "A long reply that is wider than the console [b]is[/b].\n"
