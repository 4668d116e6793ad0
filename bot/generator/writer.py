"""Writes replies, one step at a time, for all rows side by side. Lives on the inference thread.

A row reads its prompt in chunks, alone, in a block of its own; then it joins the batch, where each
step gives every row one token. Rows join and leave between two steps. A row is pinned to one
adapter version from its first prompt token to its last token.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

import structlog
import torch

from bot.domain import BASE, Finish
from bot.errors import AdapterError, ThumbwiseError
from bot.generator.base_model import BaseModel
from bot.generator.cache import Block, Kept, Sessions
from bot.generator.forward import forward, layers
from bot.generator.lora import Adapter, Residents
from bot.generator.protocol import Completion, Job
from bot.generator.sampling import Sampler
from bot.generator.scheduler import Scheduler
from bot.generator.stream import Reply
from bot.generator.text import Rules

_CHUNK: Final = {"cpu": 128, "cuda": 2048}
"""Prompt tokens read in one step: about 0.3 s of an embedded model on two cores."""

_log = structlog.get_logger(__name__)


@dataclass(eq=False, slots=True, repr=False)
class Row:
    """One reply being written. It has no repr of its fields: what members write is not for the log.

    Attributes:
        ids: the tokens of the prompt.
        limit: most tokens that may be written.
        version: the adapter it is pinned to; set when it gets its place.
        block: its keys and values until it joins the batch.
        written: the tokens of the reply, its end token left out.
        text: what has been shown of the reply.
    """

    job: Job
    reply: Reply
    ids: list[int]
    limit: int
    sampler: Sampler
    rules: Rules
    version: int = BASE
    block: Block | None = None
    cached: int = 0
    read: int = 0
    written: list[int] = field(default_factory=list)
    text: str = ""
    first_ms: int = 0

    @property
    def unread(self) -> int:
        """Tokens of the prompt that the model has not read yet."""
        return len(self.ids) - self.read


class Writer:
    """The state of the inference thread: rows, adapters, keys and values.

    Attributes:
        live: the version that new rows get.
        residents: the adapter versions in memory.
        sessions: the conversations kept warm.
    """

    def __init__(self, base: BaseModel, *, places: int, cache_bytes: int) -> None:
        self._base = base
        self._layers = layers(base)
        self._ends = _end_ids(base)
        self._scheduler: Scheduler[Row] = Scheduler(places, _CHUNK[base.device.type])
        self._batch: list[Row] = []
        self._block = Block(self._layers)
        self._retired: set[int] = set()
        self.live = BASE
        self.residents = Residents(base.model)
        self.sessions = Sessions(cache_bytes)

    @property
    def idle(self) -> bool:
        """Whether there is nothing to write."""
        return self._scheduler.idle

    def add(self, row: Row) -> None:
        """Queue a row."""
        if row.job.adapter is not None and not self._has(row.job.adapter):
            row.reply.fail(AdapterError(f"The adapter version {row.job.adapter} is not loaded."))
        else:
            self._scheduler.add(row)

    def install(self, version: int, adapter: Adapter) -> None:
        """Make a version resident; it stays so until a switch to another one."""
        if version not in self.residents.versions:
            self.residents.add(version, adapter)
        self._retired.discard(version)

    def switch(self, version: int) -> None:
        """Make a resident version live; the others go as soon as no row needs them."""
        if not self._has(version):
            raise AdapterError(f"The adapter version {version} is not loaded.")
        self.live = version
        self._retired = set(self.residents.versions) - {version}
        self._free()

    def step(self) -> None:
        """Read a chunk of the prompts, then write one token of every row."""
        for row in [*self._scheduler.waiting, *self._scheduler.running]:
            if row.reply.cancelled:
                with self._sparing_others([row]):
                    self._end(row, Finish.CANCELLED)
        for row in self._scheduler.admit():
            with self._sparing_others([row]):
                self._begin(row)
        for row, count in self._scheduler.reads():
            with self._sparing_others([row]):
                self._read(row, count)
        if self._batch:
            with self._sparing_others(list(self._batch)):
                self._write()
        self._free()

    def close(self) -> None:
        """Leave the model as it was."""
        for version in self.residents.versions:
            self.residents.remove(version)

    def _has(self, version: int) -> bool:
        return version == BASE or version in self.residents.versions

    def _begin(self, row: Row) -> None:
        row.version = self.live if row.job.adapter is None else row.job.adapter
        found = self.sessions.find(row.job.session, row.version, row.ids)
        if found:
            block, row.cached = found
            row.block = block.copy(0, row.cached, len(row.ids))
            row.read = row.cached
        else:
            row.block = Block(self._layers, 1, len(row.ids))

    def _read(self, row: Row, count: int) -> None:
        block = row.block
        if block is None:
            raise RuntimeError("a row that reads has a block of its own")
        logits = self._forward(block, [row.ids[row.read : row.read + count]], [row.version])
        row.read += count
        if not row.unread:
            self._choose(row, logits[0])
            if row in self._scheduler.running:
                self._block.append(block, len(row.ids) + row.limit)
                self._batch.append(row)
                row.block = None

    def _write(self) -> None:
        rows = list(self._batch)
        tokens = [[row.written[-1]] for row in rows]
        logits = self._forward(self._block, tokens, [row.version for row in rows])
        for row, scores in zip(rows, logits, strict=True):
            with self._sparing_others([row]):
                self._choose(row, scores)

    def _forward(
        self, block: Block, tokens: list[list[int]], versions: Sequence[int]
    ) -> torch.Tensor:
        """The scores of the next token of each row: [rows, vocabulary], float32 on the CPU."""
        self.residents.route(versions)
        return forward(self._base, block, tokens)

    def _choose(self, row: Row, scores: torch.Tensor) -> None:
        """Take the row's next token, show what can be shown, and end the row if it is the last."""
        if not scores.max().isfinite():
            raise FloatingPointError("the model's output is not finite")
        token = row.sampler.choose(scores)
        row.first_ms = row.first_ms or row.reply.age_ms
        if token in self._ends:
            self._end(row, Finish.STOP)
            return
        row.written.append(token)
        last = len(row.written) >= row.limit
        if self._show(row, done=last):
            self._end(row, Finish.STOP)
        elif last:
            self._end(row, Finish.LENGTH)

    def _show(self, row: Row, *, done: bool) -> bool:
        shown = row.rules.shown(self._base.renderer.decode(row.written), done=done)
        if piece := shown.text[len(row.text) :]:
            row.text += piece
            row.reply.emit(piece)
        return shown.stopped

    def _end(self, row: Row, finish: Finish) -> None:
        self._show(row, done=True)
        if row in self._scheduler.waiting and row.job.adapter is None:
            row.version = self.live
        self._leave(row, keep=True)
        row.reply.finish(
            Completion(
                text=row.text,
                adapter=row.version,
                finish=finish,
                prompt_tokens=len(row.ids),
                reply_tokens=len(row.written),
                cached_tokens=row.cached,
                latency_ms=row.reply.age_ms,
                first_token_ms=row.first_ms,
            )
        )

    @contextlib.contextmanager
    def _sparing_others(self, rows: Sequence[Row]) -> Iterator[None]:
        """End these rows if their step breaks; the other rows, and the engine, go on."""
        try:
            yield
        except Exception as error:  # noqa: BLE001  # whatever breaks one reply must not end all
            _log.exception("replies could not be written", replies=len(rows))
            self._fail(rows, error)

    def _fail(self, rows: Sequence[Row], error: Exception) -> None:
        short = isinstance(error, MemoryError | torch.OutOfMemoryError)
        cause = "the memory is used up" if short else "the model's computation failed"
        for row in rows:
            self._leave(row, keep=False)
            row.reply.fail(ThumbwiseError(f"This reply could not be written: {cause}."))

    def _leave(self, row: Row, *, keep: bool) -> None:
        """Take a row out of the queue and the batch, keeping its conversation warm if it ran."""
        place = self._batch.index(row) if row in self._batch else None
        block, at = (row.block, 0) if place is None else (self._block, place)
        if keep and block is not None:
            self._keep(row, block, at)
        self._scheduler.drop(row)
        if place is not None:
            self._block.remove(place, wipe=not keep)
            self._batch[place] = self._batch[-1]
            self._batch.pop()
        row.block = None

    def _keep(self, row: Row, block: Block, at: int) -> None:
        """Keep a row's conversation warm; where that fails, it is read again next time."""
        length = block.lengths[at]
        if row.job.session is None or not length:
            return
        ids = (*row.ids, *row.written)[:length]
        try:
            kept = Kept(row.version, ids, block.copy(at, length, length))
            self.sessions.keep(row.job.session, kept)
        except Exception:  # noqa: BLE001  # the copy takes memory when it is fullest
            _log.warning("a conversation could not be kept warm", exc_info=True)

    def _free(self) -> None:
        """Free the retired versions that no row needs any more."""
        needed = {row.version for row in self._scheduler.running}
        needed.update(row.job.adapter or BASE for row in self._scheduler.waiting)
        for version in self._retired - needed:
            self.residents.remove(version)
            self.sessions.forget(version)
        self._retired &= needed


def _end_ids(base: BaseModel) -> frozenset[int]:
    """The tokens that end a reply: the tokenizer's, and those that came with the model."""
    ends = {base.renderer.end_id}
    configured = getattr(base.model.generation_config, "eos_token_id", None)
    ends.update(configured if isinstance(configured, list) else [configured])
    return frozenset(end for end in ends if end is not None)
