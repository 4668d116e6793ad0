"""Trouble on purpose: the next calls of a method fail, are cut off, or wait."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

from tests.wire.telegram.refusals import Refusal


@dataclass
class Fault:
    """What happens to the next `times` calls of a method (in one chat, if `chat` is given).

    `drop`: the connection is cut; `gate`: the answer waits for it. With `carried_out` both come
    only after the call has had its effect.
    """

    method: str
    times: int
    chat: int | None = None
    refusal: Refusal | None = None
    drop: bool = False
    carried_out: bool = False
    gate: asyncio.Event | None = None


class Faults:
    """The faults that are still to happen, in the order in which they were asked for."""

    def __init__(self) -> None:
        """No fault."""
        self._waiting: list[Fault] = []

    def fail(
        self,
        method: str,
        code: int,
        description: str,
        *,
        times: int = 1,
        chat: int | None = None,
        **parameters: int,
    ) -> None:
        """Answer with an error."""
        refusal = Refusal(code, description)
        refusal.parameters.update(parameters)
        self._waiting.append(Fault(method, times, chat, refusal=refusal))

    def drop(self, method: str, *, times: int = 1, carried_out: bool = False) -> None:
        """Cut the connection instead of answering."""
        self._waiting.append(Fault(method, times, drop=True, carried_out=carried_out))

    def hold(
        self, method: str, *, times: int = 1, chat: int | None = None, carried_out: bool = False
    ) -> asyncio.Event:
        """Let the calls wait until the event that is returned is set."""
        gate = asyncio.Event()
        self._waiting.append(Fault(method, times, chat, carried_out=carried_out, gate=gate))
        return gate

    def take(self, method: str, chat: Any) -> Fault | None:
        """The fault that meets this call."""
        for fault in self._waiting:
            if fault.method == method and fault.chat in (None, chat):
                fault.times -= 1
                if fault.times <= 0:
                    self._waiting.remove(fault)
                return fault
        return None

    def left(self) -> list[str]:
        """The methods whose faults never happened."""
        return [fault.method for fault in self._waiting]
