"""The real program at a terminal, on the tiny model, as somebody sits before it."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from tests.walks.conftest import World


class Screen:
    """A terminal with the program in it: what it has shown, and the keys that are pressed."""

    def __init__(self, world: World, *words: str) -> None:
        self.shown = ""
        self._read = 0
        self._keys, theirs = pty.openpty()
        environment = world.environment | {"TERM": "xterm", "CONSOLE": "false", "LEARN": "false"}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "bot", *words],
            env=environment,
            cwd=world.path,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)

    def press(self, keys: str) -> None:
        """Type."""
        os.write(self._keys, keys.encode())

    def until(self, words: str) -> None:
        """Read on until something is shown; a test in which it never is fails."""
        end = time.monotonic() + 180
        while (at := self.shown.find(words, self._read)) < 0:
            assert time.monotonic() < end, f"never shown: {words!r}\n{self.shown}"
            if select.select([self._keys], [], [], 1.0)[0]:
                try:
                    self.shown += os.read(self._keys, 1 << 16).decode(errors="replace")
                except OSError:  # the program has ended, and the terminal with it
                    pytest.fail(f"it ended before {words!r}\n{self.shown}")
        self._read = at + len(words)

    def close(self) -> None:
        """Turn it off."""
        self.process.kill()
        self.process.wait()
        os.close(self._keys)


@pytest.fixture
def screen(world: World) -> Iterator[Screen]:
    """`thumbwise run` without a token, at a terminal."""
    found = Screen(world, "run")
    yield found
    found.close()


def test_without_tokens_the_chat_opens_where_there_is_a_terminal(
    screen: Screen, world: World
) -> None:
    screen.until("To add Discord or Telegram, put DISCORD_TOKEN or TELEGRAM_TOKEN into .env")
    screen.until("Ready.")
    screen.until("owner>")
    screen.press("hello there\r")
    screen.until("rate it")
    screen.until("owner>")
    screen.press("+\r")
    screen.until("Thank you, noted.")
    screen.until("owner>")
    assert world.rows("SELECT kind FROM feedback") == [("like",)]
    screen.press("\x04")  # Ctrl-D
    assert screen.process.wait(timeout=120) == 0
