"""What the server is told to do wrong."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from tests.wire.discord.calls import matches


class Gate:
    """Holds a request until it is opened."""

    def __init__(self) -> None:
        self.arrived = asyncio.Event()
        self._opened = asyncio.Event()

    def open(self) -> None:
        """Let the request go on."""
        self._opened.set()

    async def pass_through(self) -> None:
        """Called by the server."""
        self.arrived.set()
        await self._opened.wait()


@dataclass
class Fault:
    """What happens to the next `times` requests that fit.

    Attributes:
        status: the answer; 0 cuts the connection, None answers as usual.
        retry_after: seconds of patience that a 429 asks for.
        carried_out: the request takes effect although its answer is another one.
        gate: holds the request first.
    """

    method: str
    path: str
    times: int
    status: int | None = None
    retry_after: float = 0.0
    carried_out: bool = False
    gate: Gate | None = None


@dataclass
class Faults:
    """The faults that are still to come."""

    waiting: list[Fault] = field(default_factory=list)

    def answer(
        self, method: str, path: str, status: int, *, retry_after: float = 0.0, times: int = 1
    ) -> None:
        """Answer with a status instead of doing what is asked."""
        self.waiting.append(Fault(method, path, times, status, retry_after))

    def cut(self, method: str, path: str, *, carried_out: bool = False, times: int = 1) -> None:
        """Cut the connection instead of answering."""
        self.waiting.append(Fault(method, path, times, 0, carried_out=carried_out))

    def hold(self, method: str, path: str) -> Gate:
        """Keep the next request waiting until the gate is opened."""
        gate = Gate()
        self.waiting.append(Fault(method, path, 1, gate=gate))
        return gate

    def take(self, method: str, path: str) -> Fault | None:
        """The fault that this request meets."""
        for fault in self.waiting:
            if matches(fault.method, fault.path, method, path):
                fault.times -= 1
                if not fault.times:
                    self.waiting.remove(fault)
                return fault
        return None
