"""The terminal's lines, and what a person sees."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from bot.domain import FeedbackKind
from bot.platforms.terminal import Line, TerminalOutlet, parse


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


async def test_a_pipe_gets_the_reply_whole_and_bare() -> None:
    screen = io.StringIO()
    outlet = TerminalOutlet(Console(file=screen, width=20), framed=False)
    await outlet.show("A long")
    await outlet.finish("A long reply that is wider than the console [b]is[/b].", 1)
    assert screen.getvalue() == "A long reply that is wider than the console [b]is[/b].\n"
