"""The terminal: the first platform, for a person at a keyboard or a script at a pipe.

One line is one thing: a message, `+` or `-` for the last reply, `!` and a better answer, or a
`/command`. `/as NAME` changes who speaks, `/quit` leaves.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
import sys
import threading
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.text import Text

from bot.domain import ChannelKind, FeedbackKind, Message, Person, Place
from bot.errors import ThumbwiseError
from bot.platforms.base import Attachment, Capabilities, Room

HINT: Final = "rate it: + good   - bad   ! a better answer   /help for more"
_VOTES: Final = {
    "+": FeedbackKind.LIKE,
    "👍": FeedbackKind.LIKE,
    "-": FeedbackKind.DISLIKE,
    "👎": FeedbackKind.DISLIKE,
}


@dataclass(frozen=True, slots=True)
class Line:
    """What one typed line means. `kind` is say, vote, command, speaker, quit or nothing."""

    kind: str
    text: str = ""
    vote: FeedbackKind | None = None


def parse(line: str) -> Line:
    """Read one line. Pure."""
    text = line.strip()
    if not text:
        return Line("nothing")
    if text in _VOTES:
        return Line("vote", vote=_VOTES[text])
    if text.startswith("!"):
        return Line("vote", text[1:].strip(), FeedbackKind.CORRECTION)
    if text in ("/quit", "/exit"):
        return Line("quit")
    if text == "/as" or text.startswith("/as "):
        return Line("speaker", text[3:].strip())
    if text.startswith("/"):
        return Line("command", text)
    return Line("say", text)


class Terminal:
    """Implements `Platform` on standard input and output."""

    name = "terminal"
    capabilities = Capabilities()

    def __init__(
        self,
        *,
        speaker: str,
        channel: str,
        now: Callable[[], datetime],
        console: Console,
        interactive: bool,
    ) -> None:
        self._speaker = _storable(speaker)
        self._place = Place(
            "terminal", "local", _storable(channel), ChannelKind.DIRECT, _storable(channel)
        )
        self._now = now
        self._console = console
        self._interactive = interactive
        self._hinted = not interactive
        self._last: int | None = None
        self._asked = False
        self._review: int | None = None

    async def run(self, room: Room) -> None:
        """Read lines until the input ends or the person leaves."""
        lines = self._typed() if self._interactive else _piped()
        async for text in lines:
            line = parse(text)
            if line.kind == "quit":
                return
            await self._interruptible(self._do(room, line))

    async def announce(self, place: Place, text: str) -> None:
        """See `Platform.announce`."""
        if place == self._place:
            self._say(text)

    async def _do(self, room: Room, line: Line) -> None:
        person = Person("terminal", self._speaker, self._speaker)
        if line.kind == "say":
            outlet = TerminalOutlet(self._console, framed=self._interactive)
            external_id = uuid.uuid4().hex
            message = Message(self._place, person, line.text, external_id, self._now())
            self._asked, self._last = True, None
            await room.message(message, outlet)
            self._last = outlet.exchange
            if outlet.exchange is not None and not self._hinted:
                self._hinted = True
                self._say(HINT)
        elif line.kind == "vote" and self._asked and self._last is None:
            self._say("That reply was not finished, so there is nothing to judge.")
        elif line.kind == "vote" and line.vote is not None:
            self._say(
                await room.rating(
                    person, self._place, self._last, line.vote, text=line.text, via="terminal"
                )
            )
        elif line.kind == "command":
            await self._command(room, person, line.text)
        elif line.kind == "speaker":
            if line.text and " " not in line.text:
                self._speaker = line.text
                self._say(f"You are {line.text} now.")
            else:
                self._say("Say /as and one name.")

    async def _command(self, room: Room, person: Person, line: str) -> None:
        """A command; what a ruling is about is the reply that /review showed last."""
        answer = await room.command(person, self._place, line, exchange=self._review)
        self._say(answer.text)
        self._review = answer.review
        if answer.attachment is not None:
            file = await asyncio.to_thread(_keep, answer.attachment)
            self._say(f"Saved as {file}.")
        if answer.review is not None:
            self._say("Say /approve, /reject, /correct TEXT, /skip or /ban, then /review again.")

    def _say(self, text: str) -> None:
        self._console.print(Text(text, style="dim" if self._interactive else ""))

    async def _typed(self) -> AsyncIterator[str]:
        from prompt_toolkit import PromptSession

        session: PromptSession[str] = PromptSession()
        while True:
            try:
                yield await session.prompt_async(f"{self._speaker}> ")
            except KeyboardInterrupt:
                continue  # Ctrl-C clears the line; Ctrl-D leaves
            except EOFError:
                return

    async def _interruptible(self, work: Awaitable[None]) -> None:
        """Do one thing; at a keyboard Ctrl-C stops that thing and not the program."""
        task = asyncio.ensure_future(work)
        if not self._interactive:
            await task
            return
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGINT, task.cancel)
        try:
            await task
        except asyncio.CancelledError:
            if not task.cancelled() or (current := asyncio.current_task()) is None:
                raise
            if current.cancelling():
                raise
            self._say("\n(stopped)")
        finally:
            loop.remove_signal_handler(signal.SIGINT)


class TerminalOutlet:
    """Implements `Outlet`: prints a reply as it grows. `exchange` is what it was saved as."""

    def __init__(self, console: Console, *, framed: bool) -> None:
        self._console = console
        self._framed = framed
        self._printed = ""
        self.exchange: int | None = None

    async def waiting(self, ahead: int) -> None:
        """See `Outlet.waiting`."""
        if self._framed:
            self._console.print(Text(f"({ahead} before you)", style="dim"))

    async def show(self, text: str) -> None:
        """Print what is new. A last @word waits, since a later piece may still change it."""
        if self._framed:
            self._print(_MENTION.sub("", text))

    async def thinking(self) -> None:
        """See `Outlet.thinking`: nothing to see in a terminal."""

    async def finish(self, text: str, exchange: int) -> Sequence[str]:
        """Print the rest."""
        self.exchange = exchange
        self._print(text)
        self._console.print()
        return ()

    async def notice(self, text: str) -> None:
        """See `Outlet.notice`."""
        if self._printed:
            self._console.print()
        self._console.print(Text(text, style="yellow"))

    def _print(self, text: str) -> None:
        if self._framed and not self._printed and text:
            self._console.print(Text("thumbwise> ", style="bold cyan"), end="")
        self._console.print(Text(text[len(self._printed) :]), end="", soft_wrap=True)
        self._printed = text


def _keep(attachment: Attachment) -> Path:
    """Write a file into the working directory, beside what lies there already."""
    name = Path(Path(attachment.name).name)
    for number in range(1, 1000):
        file = name if number == 1 else name.with_stem(f"{name.stem}-{number}")
        with contextlib.suppress(FileExistsError), file.open("xb") as opened:
            opened.write(attachment.data)
            return file
    raise ThumbwiseError(f"There are a thousand files named {name} here already.")


def _storable(name: str) -> str:
    """A name from the command line, whose bytes may be no text, as text."""
    return name.encode("utf-8", errors="replace").decode()[:100]


_MENTION: Final = re.compile(r"@[\u200b\w]*$")


async def _piped() -> AsyncIterator[str]:
    """Lines of standard input, read in a thread of its own so that nothing waits for it.

    The thread reads the descriptor itself: a program that ends while Python's own buffered reader
    waits for input cannot end.
    """
    loop = asyncio.get_running_loop()
    chunks: asyncio.Queue[bytes] = asyncio.Queue()

    def read() -> None:
        chunk = b"-"
        while chunk:
            chunk = os.read(sys.stdin.fileno(), 1 << 16)
            with contextlib.suppress(RuntimeError):  # the loop has ended; so may we
                loop.call_soon_threadsafe(chunks.put_nowait, chunk)

    threading.Thread(target=read, name="stdin", daemon=True).start()
    rest = b""
    while chunk := await chunks.get():
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            yield line.decode("utf-8", errors="replace")
    if rest:
        yield rest.decode("utf-8", errors="replace")
