"""How rounds end: a version published and promoted or rejected, or nothing but a sentence."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from importlib.metadata import version as version_of
from pathlib import Path
from typing import Any

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain import BASE, RequestKind, Round, RoundState
from bot.settings import Settings
from bot.store import adapters, audit, requests, rounds
from learner import publish
from learner.curate import Selection
from learner.evaluate import Report
from learner.gate import Decision
from learner.train import Recipe, Trained
from learner.workshop import Workshop

ACTOR = "learner"
"""Who did it, in the audit log."""

_log = structlog.get_logger(__name__)


async def close(
    shop: Workshop,
    round_id: int,
    state: RoundState,
    reason: str,
    *,
    report: Mapping[str, Any] | None = None,
) -> Round:
    """End a round that made no version, and clear its files away. `report` replaces its report."""
    at = shop.now()
    async with shop.database.write() as tx:
        await _closed(tx, shop, round_id, state, reason, report=report)
        ended = await rounds.get(tx, round_id)
    await publish.tidy(shop.database, shop.settings.adapters_dir, at)
    shutil.rmtree(shop.workplace(round_id), ignore_errors=True)
    return ended


async def finish(
    shop: Workshop,
    this: Round,
    decision: Decision,
    *,
    candidate: Path,
    compared_with: int,
    card: Mapping[str, Any],
    metrics: Mapping[str, Any],
    report: Mapping[str, Any],
) -> Round:
    """Publish the candidate, and promote or reject it, together with its round, in one transaction.

    `compared_with` is the version that was live when the candidate was judged. If another one is
    live by now, an admin has chosen it meanwhile, and the verdict says nothing about it: then the
    candidate is rejected.
    """
    async with shop.database.write() as tx:
        adapter = await publish.reserve(
            tx,
            base_model=this.base_model,
            parent=card["parent"],
            round_id=this.id,
            at=shop.now(),
        )
    weights = await shop.work(
        publish.write,
        candidate,
        shop.settings.adapters_dir,
        adapter.version,
        {
            "base_model": this.base_model,
            "round": this.id,
            "created": adapter.created_at.isoformat(),
            **card,
            "made_with": {p: version_of(p) for p in ("torch", "transformers", "peft")},
        },
    )
    async with shop.database.write() as tx:
        at = shop.now()
        await adapters.describe(
            tx,
            adapter.version,
            directory=publish.directory_of(adapter.version),
            sha256=weights,
            metrics=metrics,
        )
        live = await adapters.live(tx, this.base_model)
        live_now = live.version if live else BASE
        passed, reason = decision.passed, decision.reason
        if passed and live_now != compared_with:
            passed = False
            reason = (
                f"{adapters.name(live_now)} was made live while this round ran and compared with "
                f"{adapters.name(compared_with).lower()}. The next round starts from there."
            )
        if passed:
            await adapters.promote(
                tx, adapter.version, base_model=this.base_model, actor=ACTOR, at=at, kind="round"
            )
        else:
            await adapters.reject(tx, adapter.version, reason)
        state = RoundState.PROMOTED if passed else RoundState.REJECTED
        await _closed(tx, shop, this.id, state, reason, report=report, adapter=adapter.version)
        ended = await rounds.get(tx, this.id)
    shutil.rmtree(shop.workplace(this.id), ignore_errors=True)
    return ended


async def _closed(
    tx: AsyncConnection,
    shop: Workshop,
    round_id: int,
    state: RoundState,
    reason: str,
    *,
    report: Mapping[str, Any] | None = None,
    adapter: int | None = None,
) -> None:
    at = shop.now()
    await rounds.move(tx, round_id, state, at, reason=reason, report=report, adapter=adapter)
    made = {"version": adapter} if adapter is not None else {}
    await audit.note(
        tx, ACTOR, f"round {state.value}", at, f"round {round_id}", reason=reason, **made
    )
    for request in await requests.pending(tx):
        if request.kind is RequestKind.CANCEL:
            await requests.answer(tx, request.id, f"Round {round_id} ended: {state.value}.", at)
    _log.info("round ended", round=round_id, state=state.value, reason=reason, **made)


def card_of(
    settings: Settings,
    this: Round,
    chosen: Selection,
    recipe: Recipe,
    trained: Trained,
    report: Report,
    decision: Decision,
) -> dict[str, Any]:
    """What a version's card says, but for what publishing adds."""
    return {
        "parent": chosen.parent,
        "base": settings.base_model,
        "trigger": this.trigger,
        "counts": chosen.counts(),
        "exchanges": {
            "new": [e.exchange for e in chosen.new],
            "replay": [e.exchange for e in chosen.replay],
            "held out": [e.exchange for e in chosen.held_out],
        },
        "excluded": dict(chosen.excluded),
        "metrics": report.to_json(),
        "passed": decision.passed,
        "reason": decision.reason,
        "recipe": recipe.to_json(),
        "training": trained.to_json(),
    }


async def clear_leftovers(shop: Workshop) -> None:
    """Remove what killed learners left (half-published versions, files of rounds that are over),
    and the files of older versions that can never go live.
    """
    await publish.tidy(shop.database, shop.settings.adapters_dir, shop.now())
    await publish.prune(shop.database, shop.settings.adapters_dir)
    async with shop.database.read() as conn:
        open_rounds = {str(found.id) for found in await rounds.unfinished(conn)}
    for directory in shop.workplaces.glob("*"):
        if directory.is_dir() and directory.name not in open_rounds:
            shutil.rmtree(directory)
