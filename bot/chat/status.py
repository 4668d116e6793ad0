"""How things stand, gathered from the store: the same for `/status` and `thumbwise status`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain import BASE, Adapter, AdapterState, Progress, RequestKind, Round, RoundState
from bot.store import adapters, feedback, memos, presence, requests, rounds

FRESH: Final = timedelta(seconds=30)
"""A process that has not shown itself for longer is taken for dead."""


@dataclass(frozen=True, slots=True)
class Status:
    """A picture of the whole house.

    `serving` is the version that a running bot answers with; `live` are the versions that the store
    says are live, one for each base model that was ever trained.
    """

    bot: bool
    learner: bool
    serving: int | None
    live: tuple[int, ...]
    ratings: dict[str, int]
    new_verdicts: int
    next_look: str
    paused: bool
    round: Round | None

    def to_json(self) -> dict[str, Any]:
        """The same as JSON-ready data."""
        data = asdict(self)
        data["live"] = list(self.live)
        if self.round is not None:
            data["round"]["state"] = self.round.state.value
            for name in ("created_at", "started_at", "finished_at"):
                at = data["round"][name]
                data["round"][name] = at.isoformat() if at else None
        return data

    def lines(self) -> list[str]:
        """The same in sentences."""
        live = ", ".join(f"version {v}" for v in self.live) or "the base model"
        if self.serving is not None:
            live = f"version {self.serving}" if self.serving else "the base model"
        counts = self.ratings
        looks = f"; it next looks for work at {self.next_look}" if self.next_look else ""
        if self.paused:
            looks = "; scheduled learning is paused"
        return [
            f"Answering with {live}. The bot is {'up' if self.bot else 'not running'}.",
            f"The learner is {'up' if self.learner else 'not running'}{looks}.",
            f"Ratings: {counts.get('like', 0)} 👍, {counts.get('dislike', 0)} 👎, "
            f"{counts.get('correction', 0)} ✏️. Judged since the last round: {self.new_verdicts}.",
            *describe(self.round),
        ]


async def gather(conn: AsyncConnection, now: datetime) -> Status:
    """Look at everything once."""
    seen = await presence.every(conn)
    alive = {name for name, process in seen.items() if now - process.seen_at < FRESH}
    last = await rounds.last(conn)
    tally = await feedback.tally(conn)
    return Status(
        bot="bot" in alive,
        learner="learner" in alive,
        serving=seen["bot"].detail.get("serving") if "bot" in alive else None,
        live=tuple(a.version for a in await adapters.every(conn) if a.state is AdapterState.LIVE),
        ratings={kind.value: count for kind, count in tally.items()},
        new_verdicts=await feedback.count_since(conn, await rounds.last_look(conn)),
        next_look=str(seen["learner"].detail.get("next_look", "")) if "learner" in alive else "",
        paused=(await memos.schedule(conn)).paused,
        round=last[0] if last else None,
    )


async def of_learning(conn: AsyncConnection) -> list[str]:
    """How the newest round goes or went, and whether another was asked for."""
    last = await rounds.last(conn)
    asked = any(r.kind is RequestKind.TRAIN for r in await requests.pending(conn))
    note = ["A round was asked for and will begin shortly."] if asked else []
    return [*describe(last[0] if last else None), *note]


async def is_learning(conn: AsyncConnection) -> bool:
    """Whether a round runs or was asked for."""
    asked = any(r.kind is RequestKind.TRAIN for r in await requests.pending(conn))
    return asked or bool(await rounds.unfinished(conn))


def describe(found: Round | None) -> list[str]:
    """A round in one or two sentences."""
    if found is None:
        return ["No round of learning has run yet."]
    head = f"Round {found.id}: {found.state.value}"
    if not found.state.ended:
        return [f"{head}{describe_progress(found)}"]
    made = f", version {found.adapter}" if found.adapter is not None else ""
    lines = [f"{head}{made}."]
    if found.reason:
        lines.append(found.reason)
    return lines


def describe_progress(found: Round) -> str:
    """How far a running round is: " — ▰▰▰▱▱▱ 12/40, loss 1.93, 131 tokens/s, 2 min left"."""
    progress: Progress = found.progress
    if found.state is not RoundState.TRAINING or not progress.steps:
        return f" — {progress.note}" if progress.note else "."
    done = round(10 * progress.step / progress.steps)
    parts = [f"{'▰' * done}{'▱' * (10 - done)} {progress.step}/{progress.steps}"]
    if progress.loss is not None:
        parts.append(f"loss {progress.loss:.2f}")
    if progress.tokens_per_second:
        parts.append(f"{progress.tokens_per_second:.0f} tokens/s")
    if progress.seconds_left:
        parts.append(f"{max(1, round(progress.seconds_left / 60))} min left")
    return " — " + ", ".join(parts)


def table(found: Sequence[Adapter]) -> list[dict[str, str]]:
    """Adapters as rows of text: version, state, parent, data, metrics, created."""
    return [
        {
            "version": str(a.version),
            "state": a.state.value,
            "parent": "base" if a.parent == BASE else str(a.parent),
            "data": _data(a),
            "held-out loss": _fall(a, "held_out"),
            "created": a.created_at.strftime("%Y-%m-%d %H:%M"),
        }
        for a in found
    ]


def _data(adapter: Adapter) -> str:
    counts = adapter.metrics.get("counts", {})
    return ", ".join(f"{count} {part}" for part, count in counts.items() if count) or "-"


def _fall(adapter: Adapter, part: str) -> str:
    losses = adapter.metrics.get(part, {})
    if "live" not in losses or "candidate" not in losses:
        return "-"
    return f"{losses['live']:.2f} → {losses['candidate']:.2f}"
