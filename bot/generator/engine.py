"""The shared generator: asyncio in front, one inference thread behind.

Whatever reaches the thread goes through one inbox and is done between two steps: new jobs, adapters
to install, switches. So nothing that the thread owns needs a lock, an adapter never changes under a
running step, and a job joins a running batch without stopping it.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import structlog
import torch

from bot.domain import Prompt, Turn
from bot.errors import AdapterError, Busy, ThumbwiseError
from bot.generator import lora
from bot.generator.base_model import BaseModel
from bot.generator.forward import prove
from bot.generator.protocol import Job
from bot.generator.sampling import Sampler, banned_ids
from bot.generator.stream import Reply
from bot.generator.text import Rules
from bot.generator.writer import Row, Writer

_log = structlog.get_logger(__name__)

_LAST_STEP: Final = 30.0
"""Seconds that the step in progress may take once the engine is told to stop."""

Order = Callable[[BaseException | None], None]
"""What lies in the inbox: called with None between two steps, or with what ended the thread."""


class Engine:
    """The `Generator` of protocol.py over a local base model.

    Args:
        base: the loaded base model; the engine has it for itself from now on.
        max_batch: most replies written side by side.
        max_queue: most jobs that wait for a place; more are refused with `Busy`.
        cache_mb: memory for conversations kept warm, in MiB.
        threads: CPU threads of the inference thread; 0 takes all cores.
        on_busy: called in the event loop with the number of open jobs when it leaves 0, and with 0
            when it is back there; the learner yields to chat by it.

    Raises `ModelError` when replies cannot be written side by side with this base model.
    """

    def __init__(
        self,
        base: BaseModel,
        *,
        max_batch: int = 8,
        max_queue: int = 32,
        cache_mb: int = 512,
        threads: int = 0,
        on_busy: Callable[[int], None] | None = None,
    ) -> None:
        self._base = base
        self._most = max_batch + max_queue
        self._places = max_batch
        self._threads = threads
        with ThreadPoolExecutor(1) as thread:  # the caller's own CPU threads stay as they are
            thread.submit(self._try_base).result()
        self._on_busy = on_busy
        self._writer = Writer(base, places=max_batch, cache_bytes=cache_mb << 20)
        self._banned: dict[tuple[str, ...], list[list[int]]] = {}
        self._open: set[Reply] = set()
        self._inbox: queue.SimpleQueue[Order] = queue.SimpleQueue()
        self._door = threading.Lock()
        self._ended: BaseException | None = None
        self._stopping = False
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="inference", daemon=True)
        self._thread.start()

    @property
    def base_model(self) -> str:
        """The fingerprint of the base model: adapters made for another one are refused."""
        return self._base.fingerprint

    @property
    def live(self) -> int:
        """The adapter version that new jobs get; `BASE` for none."""
        return self._writer.live

    @property
    def window(self) -> int:
        """The most tokens that prompt and reply may have together."""
        return self._base.window

    def count(self, turn: Turn, *, named: bool) -> int:
        """An upper bound for the tokens that a turn costs."""
        return self._base.renderer.count(turn, named=named)

    def count_prompt(self, prompt: Prompt) -> int:
        """The exact number of tokens of a rendered prompt."""
        return len(self._base.renderer.prompt_ids(prompt))

    def resident(self) -> Sequence[int]:
        """The adapter versions in memory now."""
        return self._writer.residents.versions

    async def submit(self, job: Job) -> Reply:
        """Queue a job.

        A reply that would outgrow the window is cut there. Raises `Busy` when the queue is full,
        `AdapterError` when its adapter is not resident, `ThumbwiseError` when the prompt alone
        fills the window or the engine is closed.
        """
        if self._closing:
            raise ThumbwiseError("The generator is shutting down; try again in a minute.")
        if len(self._open) >= self._most:
            raise Busy("Too many replies are waiting just now; please try again in a moment.")
        if job.adapter and job.adapter not in self.resident():
            raise AdapterError(f"The adapter version {job.adapter} is not loaded.")
        row = self._row(job)
        self._open.add(row.reply)  # first: the thread may end at any time, and then ends these
        try:
            self._put(lambda ended: row.reply.fail(ended) if ended else self._writer.add(row))
        except ThumbwiseError:
            self._open.discard(row.reply)
            raise
        if len(self._open) == 1 and self._on_busy:
            self._on_busy(1)
        return row.reply

    async def load(self, version: int, directory: Path) -> None:
        """Make a version resident beside what runs. Raises `AdapterError`; nothing changes then."""
        if version < 1:
            raise AdapterError(f"An adapter version is a positive number, not {version}.")
        adapter = await asyncio.to_thread(lora.read, directory, self._base.model)
        await self._between_steps(lambda: self._writer.install(version, adapter))

    async def switch(self, version: int) -> None:
        """Give new jobs this resident version (or `BASE`) from the next step on.

        Jobs that run keep their version; a version that is neither live nor used is freed. Raises
        `AdapterError` when the version is not resident.
        """
        await self._between_steps(lambda: self._writer.switch(version))

    async def close(self, *, grace_seconds: float = 30.0) -> None:
        """Let open jobs finish for at most `grace_seconds`, then stop the engine.

        What is cut then ends with `Finish.CANCELLED`. A thread that is stuck in a step for longer
        than `_LAST_STEP` is left behind, and its replies fail.
        """
        self._closing = True
        await self._all_ended(grace_seconds)
        for reply in self._open:
            reply.cancel()
        await self._all_ended(_LAST_STEP)
        if self._ended is None:
            self._put(lambda _: setattr(self, "_stopping", True))
        await asyncio.to_thread(self._thread.join, _LAST_STEP if not self._open else 0)
        if self._thread.is_alive():
            _log.error("the inference thread is stuck and is left behind", replies=len(self._open))
            self._refuse_all(ThumbwiseError("The generator was closed while it was stuck."))

    async def _all_ended(self, seconds: float) -> None:
        """Wait for the open replies, however they end, for at most so long."""
        if self._open and seconds > 0:
            waits = [asyncio.ensure_future(_quietly(reply)) for reply in self._open]
            await asyncio.wait(waits, timeout=seconds)

    def _row(self, job: Job) -> Row:
        ids = self._base.renderer.prompt_ids(job.prompt)
        room = self.window - len(ids)
        if room < 1:
            raise ThumbwiseError(
                f"The conversation has {len(ids)} tokens, but the model reads at most "
                f"{self.window - 1}; set CONTEXT_TOKENS lower."
            )
        sampling = job.sampling
        if sampling.banned_words not in self._banned:
            words = sampling.banned_words
            self._banned = {words: banned_ids(self._base.tokenizer, words)}
        return Row(
            job=job,
            reply=Reply(max(0, len(self._open) - self._places), self._reply_ended),
            ids=ids,
            limit=min(sampling.max_new_tokens, room),
            sampler=Sampler(sampling, job.seed, ids, self._banned[sampling.banned_words]),
            rules=Rules((*sampling.stop, *self._base.renderer.stop), sampling.banned_words),
        )

    def _reply_ended(self, reply: Reply) -> None:
        self._open.discard(reply)
        if not self._open and self._on_busy:
            self._on_busy(0)

    async def _between_steps(self, work: Callable[[], None]) -> None:
        """Run `work` on the inference thread between two steps; raises what it raises."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()

        def settle(error: BaseException | None) -> None:
            if done.cancelled():
                return
            if error is None:
                done.set_result(None)
            else:
                done.set_exception(error)

        def order(ended: BaseException | None) -> None:
            error = ended
            if error is None:
                try:
                    work()
                except Exception as failure:  # noqa: BLE001  # it is for who waits, not the thread
                    error = failure
            loop.call_soon_threadsafe(settle, error)

        self._put(order)
        await done

    def _put(self, order: Order) -> None:
        # The lock closes the gap in which an order could slip in behind the thread's last look.
        with self._door:
            if self._ended is not None:
                raise ThumbwiseError(str(self._ended)) from self._ended
            self._inbox.put(order)

    def _run(self) -> None:
        """The inference thread: the orders of the inbox, then a step, until told to stop."""
        ended = ThumbwiseError("The generator is closed.")
        try:
            self._take_threads()
            with torch.inference_mode():
                while not self._stopping:
                    self._take_orders()
                    if not self._writer.idle:
                        self._writer.step()
        except Exception as error:  # noqa: BLE001  # this is the thread's own entry point
            _log.exception("the inference thread has died")
            ended = ThumbwiseError("The generator has broken down; see its log and restart it.")
            ended.__cause__ = error
        finally:
            self._refuse_all(ended)
            self._writer.close()

    def _try_base(self) -> None:
        self._take_threads()
        prove(self._base)

    def _take_threads(self) -> None:
        if self._threads:
            torch.set_num_threads(self._threads)

    def _take_orders(self) -> None:
        try:
            while True:
                self._inbox.get(block=self._writer.idle and not self._stopping)(None)
        except queue.Empty:
            return

    def _refuse_all(self, ended: ThumbwiseError) -> None:
        """Tell everybody who waits, or comes later, that nothing more will come."""
        with self._door:
            self._ended = ended
        with contextlib.suppress(queue.Empty):
            while True:
                self._inbox.get_nowait()(ended)
        for reply in list(self._open):  # copied in one go, so in any thread
            reply.fail(ended)


async def _quietly(reply: Any) -> None:
    """Wait for a reply's end, however it ends."""
    await asyncio.gather(reply.completion(), return_exceptions=True)
