"""Import: a file's examples become exchanges and feedback, all of them in one transaction."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain import (
    BASE,
    ChannelKind,
    Consent,
    Exchange,
    Feedback,
    FeedbackKind,
    Finish,
    Member,
    Person,
    Place,
    Ruling,
    Sampling,
)
from bot.errors import StoreError
from bot.store import audit, conversations, exchanges, feedback, members
from bot.store.database import Database
from bot.transfer.labels import PLATFORM, channel_labels, example_of, rater_label
from bot.transfer.lines import LONGEST_LINE, Example, Problem, read_lines

Heard = Callable[[str, int, int], None]
"""Hears of the progress: the stage, how much is done, and of how much (0: nobody knows)."""

_AT_ONCE: Final = 2000
"""Exchanges that are kept between two words about the progress."""

_KINDS = {1: FeedbackKind.LIKE, -1: FeedbackKind.DISLIKE}


@dataclass(frozen=True, slots=True)
class ImportResult:
    """How many lines were new and how many brought nothing new, and which were left out."""

    imported: int
    duplicates: int
    skipped: list[Problem]


@dataclass(slots=True)
class _Known:
    """An exchange that is kept already, with what raters said of it so far."""

    id: int
    said: dict[str, list[FeedbackKind]] = field(default_factory=lambda: defaultdict(list))
    corrections: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))


@dataclass(frozen=True, slots=True)
class _Word:
    """One thing that a line says of an exchange."""

    line: int
    rater: str
    kind: FeedbackKind
    text: str = ""


def _nobody_hears(stage: str, done: int, total: int) -> None:
    """The progress, where nobody wants to know."""


async def import_file(
    database: Database,
    path: Path,
    *,
    persona: str = "",
    at: datetime | None = None,
    heard: Heard = _nobody_hears,
) -> ImportResult:
    """Import a file; lines that cannot be used are left out, everything else is kept or nothing is.

    What is known already is not doubled, so a file can be imported again, or grow and be imported
    again. `persona` is for lines without a system message. `heard` is called from any thread.
    Raises `StoreError` when the file cannot be read.
    """
    try:
        found, problems = await asyncio.to_thread(_read, path, persona, heard)
    except OSError as error:
        raise StoreError(f"{path} cannot be read: {error.strerror or error}.") from error
    async with database.write() as tx:
        new = await _keep(tx, found, at or datetime.now(UTC), heard)
    return ImportResult(new, len(found) - new, problems)


def _read(
    path: Path, persona: str, heard: Heard
) -> tuple[list[tuple[int, Example]], list[Problem]]:
    def lines() -> Iterator[bytes]:
        size, done = path.stat().st_size, 0
        with path.open("rb") as handle:
            while line := handle.readline(LONGEST_LINE + 1):
                yield line
                done += len(line)
                heard("reading", done, size)
                while len(line) > LONGEST_LINE and not line.endswith(b"\n"):
                    line = handle.readline(LONGEST_LINE + 1)  # the rest of it, a part at a time

    return read_lines(lines(), persona)


async def _keep(
    tx: AsyncConnection, found: list[tuple[int, Example]], at: datetime, heard: Heard
) -> int:
    """Keep what is new; return how many lines that were."""
    heard("looking for what is known already", 0, 0)
    known = await _known(tx, {example.channel for _, example in found})
    first: dict[bytes, tuple[int, Example]] = {}
    words: dict[bytes, list[_Word]] = defaultdict(list)
    for line, example in found:
        key = example.key()
        first.setdefault(key, (line, example))
        if example.rating is not None:
            words[key].append(_Word(line, example.rater, _KINDS[example.rating]))
        if example.correction:
            kind = FeedbackKind.CORRECTION
            words[key].append(_Word(line, example.rater, kind, example.correction))
    new = {key: given for key, given in first.items() if key not in known}
    news = {line for line, _ in new.values()}
    for key, exchange in zip(new, await _save(tx, list(new.values()), at, heard), strict=True):
        known[key] = _Known(exchange)
    heard("keeping the ratings", 0, 0)
    events: list[Feedback] = []
    raters: dict[str, Member] = {}
    for key, said in words.items():
        for word in _new_words(known[key], said):
            if word.rater not in raters:
                raters[word.rater] = await _rater(tx, word.rater, at)
            member = raters[word.rater].id
            events.append(Feedback(known[key].id, member, word.kind, at, word.text, "import"))
            news.add(word.line)
    await feedback.add_all(tx, events)
    await audit.note(tx, "command line", "import", at, exchanges=len(new), feedback=len(events))
    return len(news)


def _new_words(known: _Known, said: list[_Word]) -> Iterator[_Word]:
    """Of all that a file says of an exchange, what is not in force already."""
    last_vote = {word.rater: word for word in said if word.kind is not FeedbackKind.CORRECTION}
    for word in said:
        if word.kind is FeedbackKind.CORRECTION:
            if word.text not in known.corrections[word.rater]:
                known.corrections[word.rater].add(word.text)
                yield word
        elif (
            last_vote[word.rater] is word
            and feedback.in_force(known.said[word.rater]) is not word.kind
        ):
            yield word


async def _known(tx: AsyncConnection, channels: set[str]) -> dict[bytes, _Known]:
    """What is kept already in the channels that a file names."""
    labels = channel_labels(await conversations.every(tx))
    here = {channel for channel, label in labels.items() if label in channels}
    known: dict[bytes, _Known] = {}
    by_id: dict[int, _Known] = {}
    async for exchange in exchanges.scan(tx, here):
        one = known.setdefault(
            example_of(exchange, labels[exchange.channel]).key(), _Known(exchange.id)
        )
        by_id[exchange.id] = one
    if not by_id:
        return known
    raters = {member.id: rater_label(member) for member in await members.every(tx)}
    for event in await feedback.events(tx):
        if event.exchange in by_id:
            by_id[event.exchange].said[raters[event.member]].append(event.kind)
            if event.kind is FeedbackKind.CORRECTION:
                by_id[event.exchange].corrections[raters[event.member]].add(event.text.strip())
    for decision in await feedback.rulings(tx):  # exported as their moderators' ratings
        if decision.exchange in by_id:
            one, rater = by_id[decision.exchange], raters[decision.moderator]
            if decision.ruling is Ruling.CORRECT:
                one.said[rater].append(FeedbackKind.DISLIKE)
                one.corrections[rater].add(decision.text.strip())
            elif decision.ruling is Ruling.APPROVE:
                one.said[rater].append(FeedbackKind.LIKE)
    return known


async def _save(
    tx: AsyncConnection, new: list[tuple[int, Example]], at: datetime, heard: Heard
) -> list[int]:
    """Keep new exchanges; their ids."""
    places: dict[str, int] = {}
    made: list[Exchange] = []
    for _, example in new:
        label = example.channel
        if label not in places:
            place = Place(PLATFORM, PLATFORM, label, ChannelKind.GROUP, label)
            places[label] = (await conversations.enter(tx, place, at)).id
        made.append(
            Exchange(
                id=0,
                channel=places[label],
                asker=None,
                prompt=example.prompt,
                reply=example.reply,
                adapter=BASE,
                base_model=PLATFORM,
                sampling=Sampling(),
                seed=0,
                finish=Finish.IMPORTED,
                created_at=at,
                origin=PLATFORM,
            )
        )
    ids: list[int] = []
    for start in range(0, len(made), _AT_ONCE):
        ids += await exchanges.save_all(tx, made[start : start + _AT_ONCE])
        heard("keeping the replies", len(ids), len(made))
    return ids


async def _rater(tx: AsyncConnection, label: str, at: datetime) -> Member:
    """The member that a rater is; who imports a rating lets it be learned from."""
    met = await members.by_key(tx, PLATFORM, label)
    if met is None:
        met = await members.meet(tx, Person(PLATFORM, label, label), at)
        await members.set_consent(tx, met.id, Consent(trained=True))
    return met
