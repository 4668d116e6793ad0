"""A reply on its way from the inference thread to whoever waits for it in asyncio."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

from bot.generator.protocol import Completion


class Reply:
    """The `Stream` of protocol.py.

    `emit`, `finish` and `fail` are called by the inference thread; everything else belongs to the
    event loop that it was made in.

    Attributes:
        cancelled: whether somebody wants it no longer; read between steps.
    """

    def __init__(self, ahead: int, on_end: Callable[[Reply], None]) -> None:
        self._ahead = ahead
        self._on_end = on_end
        self._loop = asyncio.get_running_loop()
        self._pieces: list[str] = []
        self._changed = asyncio.Event()
        self._result: asyncio.Future[Completion] = self._loop.create_future()
        self._started = time.perf_counter()
        self.cancelled = False

    @property
    def ahead(self) -> int:
        """How many jobs were waiting before this one when it was submitted."""
        return self._ahead

    @property
    def age_ms(self) -> int:
        """Milliseconds since it was submitted."""
        return round((time.perf_counter() - self._started) * 1000)

    async def __aiter__(self) -> AsyncIterator[str]:
        """Pieces of text from the first on, for any number of readers; raises what ended it."""
        seen = 0
        while True:
            while seen < len(self._pieces):
                yield self._pieces[seen]
                seen += 1
            if self._result.done():
                self._result.result()
                return
            await self._changed.wait()

    async def completion(self) -> Completion:
        """Wait for the end. Raises what stopped the engine, if something did."""
        # A waiter that is cancelled must not cancel the result for the others.
        return await asyncio.shield(self._result)

    def cancel(self) -> None:
        """Stop after the current step; the completion then ends with `Finish.CANCELLED`."""
        self.cancelled = True

    def emit(self, piece: str) -> None:
        """Hand over a piece of text."""
        self._tell(self._add, piece)

    def finish(self, completion: Completion) -> None:
        """Hand over the result."""
        self._tell(self._settle, completion, None)

    def fail(self, error: BaseException) -> None:
        """Hand over what went wrong instead."""
        self._tell(self._settle, None, error)

    def _tell(self, callback: Callable[..., None], *args: Any) -> None:
        try:
            self._loop.call_soon_threadsafe(callback, *args)
        except RuntimeError:  # its event loop is closed: nobody is left to hear
            self.cancelled = True

    def _add(self, piece: str) -> None:
        self._pieces.append(piece)
        self._wake()

    def _settle(self, completion: Completion | None, error: BaseException | None) -> None:
        if self._result.done():
            return
        if completion is not None:
            self._result.set_result(completion)
        else:
            self._result.set_exception(error or RuntimeError("a reply ended without a result"))
            self._result.exception()  # marks it as seen: it is no fault to never ask for it
        self._wake()
        self._on_end(self)

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()
