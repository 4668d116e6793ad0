"""What the server saw, and a bell for tests that wait until it has seen something."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, TypeVar

import pytest

T = TypeVar("T")

PATIENCE_SECONDS = 240.0
"""How long a test waits for what must come. A bound against hanging, not a claim about speed."""

EDIT = ("PATCH", "/channels/*/messages/*")
SEND = ("POST", "/channels/*/messages")
TYPING = ("POST", "/channels/*/typing")


@dataclass(frozen=True, slots=True)
class Call:
    """One REST request.

    Attributes:
        at: when it arrived, in seconds since the server started.
        path: without host, version and query, such as "/channels/1/messages".
        body: its JSON, or None.
        files: the names of what was uploaded with it.
        status: how it was answered; 0 is not at all.
        injected: the test asked for this answer.
    """

    at: float
    method: str
    path: str
    body: Any
    files: tuple[str, ...]
    status: int
    injected: bool

    @property
    def text(self) -> str:
        """The content of the message that it sends or changes."""
        return str(self.body.get("content") or "") if isinstance(self.body, dict) else ""


class Bell:
    """Rings whenever the server saw something."""

    def __init__(self) -> None:
        self._waiters: set[asyncio.Event] = set()

    def ring(self) -> None:
        """Let everybody who waits look again."""
        for waiter in self._waiters:
            waiter.set()

    async def until(self, found: Callable[[], T | None], what: str) -> T:
        """Wait until something is found (not None, not False), and return it."""
        waiter = asyncio.Event()
        self._waiters.add(waiter)
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                while not (result := found()):
                    await waiter.wait()
                    waiter.clear()
                return result
        except TimeoutError:
            pytest.fail(f"never came: {what}")
        finally:
            self._waiters.discard(waiter)


@dataclass
class Log:
    """All REST requests in the order in which they were answered, and what went wrong."""

    bell: Bell
    calls: list[Call] = field(default_factory=list)
    gaps: list[str] = field(default_factory=list)
    """What the bot asked for and this server cannot do."""

    def add(self, call: Call) -> None:
        """Keep a request."""
        self.calls.append(call)
        self.bell.ring()

    def find(self, method: str, path: str, *, status: int | None = None) -> list[Call]:
        """The requests whose path fits a pattern, such as "/channels/*/messages"."""
        return [
            call
            for call in self.calls
            if matches(method, path, call.method, call.path) and status in (None, call.status)
        ]

    def limited(self) -> list[Call]:
        """The requests that came too quickly, and not because the test asked for a 429."""
        return [call for call in self.calls if call.status == 429 and not call.injected]

    async def until(self, method: str, path: str, count: int = 1) -> list[Call]:
        """Wait for so many requests that were carried out."""

        def found() -> list[Call] | None:
            fitting = [call for call in self.find(method, path) if 200 <= call.status < 300]
            return fitting if len(fitting) >= count else None

        return await self.bell.until(found, f"{count} x {method} {path}")


def matches(method: str, pattern: str, actual_method: str, actual_path: str) -> bool:
    """Whether a request fits; a `*` stands for one segment of the path."""
    wanted, actual = pattern.strip("/").split("/"), actual_path.strip("/").split("/")
    return (
        method in ("*", actual_method)
        and len(wanted) == len(actual)
        and all(map(fnmatchcase, actual, wanted))
    )
