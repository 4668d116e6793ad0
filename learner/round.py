"""One round of learning, from queued to its end; see "The walk of one round" in ARCHITECTURE.

Every step leaves its state in the store before it begins, so a killed round is taken up where it
was: the selection is read back (and checked again: consent may be gone), training goes on from its
checkpoint, evaluation and publishing start over. What is live changes in the very last transaction,
or not at all.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, TypeVar

from bot.domain import BASE, Progress, RequestKind, Round, RoundState
from bot.errors import ThumbwiseError
from bot.generator.base_model import BaseModel
from bot.settings import Settings
from bot.store import audit, requests, rounds
from bot.store.rounds import Lesson
from learner import anchors, gate
from learner.anchors import Anchors
from learner.curate import Selection
from learner.ear import Ear, Stopped
from learner.ending import ACTOR, card_of, clear_leftovers, close, finish
from learner.evaluate import Exam, evaluate, with_live_samples
from learner.examples import Encoded, Example, encode
from learner.gather import choose, take_stock
from learner.listen import Listener
from learner.publish import published
from learner.train import Material, Recipe, train
from learner.withdrawal import UNLEARNING, withdrawn_since
from learner.workshop import Workshop

MOST_CRASHES: Final = 3
"""How often a round may take the learner down before it is closed."""

MOST_RETAINED: Final = 48
"""Older approvals that retention is measured on."""

HELD_OUT_PROMPTS: Final = 12
SAMPLES: Final = 32
SAMPLE_TOKENS: Final = 96
"""Of how many prompts at most, held-out ones and then general ones, the gate sees a sample reply,
and its most tokens."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Lessons:
    """A selection in the form that training and evaluation take."""

    material: Material
    exam: Exam


async def begin(shop: Workshop, *, trigger: str, requested_by: int | None = None) -> Round:
    """Queue a new round. `trigger` is "schedule", "request" or "command".

    It is the answer to whoever asked for one; a wish to cancel is older than it and means another.
    """
    at = shop.now()
    async with shop.database.write() as tx:
        begun = await rounds.create(
            tx,
            trigger=trigger,
            seed=shop.settings.learn_seed,
            base_model=shop.fingerprint,
            at=at,
            requested_by=requested_by,
        )
        for request in await requests.pending(tx):
            text = (
                f"Round {begun.id} begins."
                if request.kind is RequestKind.TRAIN
                else "No round was running."
            )
            await requests.answer(tx, request.id, text, at)
        return begun


async def run_round(shop: Workshop, queued: Round) -> Round:
    """Take a round to its end, or, when this process is told to stop, to where it can be resumed.

    Expected failures end the round as failed, with a sentence. What nobody foresaw is raised; the
    round then stays open, is tried again by whoever finds it, and in the end closed.
    """
    await clear_leftovers(shop)
    crashes = int(queued.report.get("crashes", 0))
    if crashes >= MOST_CRASHES:
        why = f"The learner stopped unexpectedly {crashes} times in this round; its log says more."
        return await close(shop, queued.id, RoundState.FAILED, why)
    this = await _move(shop, queued, RoundState.CURATING, {"crashes": crashes + 1})
    listener = Listener(
        shop.database, this.id, now=shop.now, stopping=shop.stopping, tell=shop.tell
    )
    try:
        async with listener.listening() as ear:
            return await _walk(shop, this, ear)
    except Stopped:
        if listener.cancelled:
            return await close(shop, this.id, RoundState.CANCELLED, "An admin cancelled it.")
        return await _put_down(shop, this.id, crashes)
    except ThumbwiseError as error:
        return await close(shop, this.id, RoundState.FAILED, str(error))
    except OSError as error:
        why = f"A file could not be written or read ({error.strerror or error})."
        return await close(
            shop, this.id, RoundState.FAILED, f"{why} What was live stays live; see the log."
        )


async def _walk(shop: Workshop, this: Round, ear: Ear) -> Round:
    # Curate. Whether there is enough is known before the base model takes up memory.
    await asyncio.to_thread(ear.pause)
    stock = await take_stock(shop.database, shop.settings, this)
    known = stock.lingering
    looked = {"withdrawn": len(known.exchanges), UNLEARNING: known.digest}
    this = await _note(shop, this.id, looked)
    chosen = await shop.work(choose, stock, shop.settings, this, lambda *_: True)
    if isinstance(chosen, str):
        return await close(shop, this.id, RoundState.SKIPPED, chosen)
    ear.tell(Progress(note="loading the base model"))
    base = await shop.work(shop.base)
    if base.fingerprint != this.base_model:
        why = "The base model was changed since this round began; the next one learns for it."
        return await close(shop, this.id, RoundState.FAILED, why)
    limit = min(shop.settings.example_tokens, base.window)
    chosen = await shop.work(
        choose,
        stock,
        shop.settings,
        this,
        lambda prompt, reply, ended: (
            encode(base.renderer, prompt, reply, limit=limit, ended=ended) is not None
        ),
    )
    if isinstance(chosen, str):
        return await close(shop, this.id, RoundState.SKIPPED, chosen)
    ear.tell(Progress(note="the base model answers general prompts, for comparison"))
    kept = await anchors.ensure(
        base,
        shop.settings.data_dir / "anchors",
        persona=shop.settings.persona,
        threads=shop.threads,
        ear=ear,
    )
    lessons = await shop.work(prepare, base, chosen, kept, shop.settings, this.seed)

    # Train. Who teaches what is written down first.
    written = {**chosen.to_json(), "live": stock.live_version}
    this = await _move(shop, this, RoundState.TRAINING, written, chosen.lessons())
    recipe = Recipe.from_settings(shop.settings, this.seed)
    live = await shop.work(published, shop.settings.adapters_dir, stock.live)
    trained = await shop.work(
        train,
        base,
        lessons.material,
        recipe,
        parent=live if chosen.parent != BASE else None,
        workplace=shop.workplace(this.id),
        ear=ear,
    )

    # Evaluate, and judge. The live adapter's replies are asked for only when they matter.
    this = await _move(shop, this, RoundState.EVALUATING, {"training": trained.to_json()})
    ear.tell(Progress(note="comparing the candidate with what is live"))
    report = await evaluate(
        base,
        lessons.exam,
        candidate=trained.directory,
        live=live,
        memory=shop.memory,
        threads=shop.threads,
        ear=ear,
    )
    report = replace(report, withdrawn=chosen.withdrawn)
    rules = gate.Rules.from_settings(shop.settings)
    if gate.wants_live_samples(report, rules):
        report = await with_live_samples(
            report, base, lessons.exam, live=live, threads=shop.threads, ear=ear
        )
    decision = gate.decide(report, rules)

    # Publish. From here on it is too late to cancel; what was withdrawn meanwhile is not published.
    await asyncio.to_thread(ear.pause)
    if gone := await withdrawn_since(shop.database, shop.settings, chosen.trained):
        replies = "1 reply" if gone == 1 else f"{gone} replies"
        why = f"While it ran, {replies} it learned from had to go; the next round leaves them out."
        tried_nothing = {**this.report, UNLEARNING: ""}
        return await close(shop, this.id, RoundState.FAILED, why, report=tried_nothing)
    metrics = {**report.to_json(), "counts": chosen.counts()}
    return await finish(
        shop,
        this,
        decision,
        candidate=trained.directory,
        compared_with=stock.live_version,
        card=card_of(shop.settings, this, chosen, recipe, trained, report, decision),
        metrics=metrics,
        report={**this.report, "crashes": 0, "metrics": metrics},
    )


def prepare(
    base: BaseModel, chosen: Selection, kept: Anchors, settings: Settings, seed: int
) -> Lessons:
    """A selection as token ids, with what the candidate will be examined on."""
    limit = min(settings.example_tokens, base.window)

    def encoded(examples: Sequence[Example]) -> list[Encoded]:
        found = (
            encode(base.renderer, e.prompt, e.reply, limit=limit, weight=e.weight, ended=e.ended)
            for e in examples
        )
        return [example for example in found if example]

    # EXAMPLE_TOKENS does not concern them: they are short, and without them drift goes unseen.
    trained_anchors, held_out_anchors = kept.encode(base, base.window)
    if not held_out_anchors:
        raise ThumbwiseError("No general prompt with its answer fits the base model's window.")
    held_out = encoded(chosen.held_out)
    tokens = min(SAMPLE_TOKENS, settings.max_new_tokens)
    room = base.window - tokens  # a reply that hits the window did not fail to end by itself
    asked = [e.prompt for e in _some(chosen.held_out, HELD_OUT_PROMPTS, seed)]
    asked += [kept.ask(anchor) for anchor in kept.held_out[: SAMPLES - len(asked)]]
    return Lessons(
        Material(encoded(chosen.trained), trained_anchors, chosen.anchors, held_out),
        Exam(
            held_out=held_out,
            retention=encoded(_some(chosen.replay, MOST_RETAINED, seed)),
            anchors=held_out_anchors,
            prompts=[prompt for prompt in asked if len(base.renderer.prompt_ids(prompt)) <= room],
            sampling=replace(settings.sampling, max_new_tokens=tokens),
            seed=seed,
        ),
    )


async def _move(
    shop: Workshop,
    this: Round,
    state: RoundState,
    report: dict[str, Any],
    lessons: Sequence[Lesson] | None = None,
) -> Round:
    """Take the round to its next step, with what is to be added to its report, and its lineage."""
    at = shop.now()
    async with shop.database.write() as tx:
        if lessons is not None:
            await rounds.record(tx, this.id, lessons)
        await rounds.move(tx, this.id, state, at, report={**this.report, **report})
        await rounds.show_progress(tx, this.id, Progress())
        await audit.note(tx, ACTOR, f"round {state.value}", at, f"round {this.id}")
        return await rounds.get(tx, this.id)


async def _put_down(shop: Workshop, round_id: int, crashes: int) -> Round:
    """Leave the round for the next learner; that this one was told to stop is no crash."""
    return await _note(shop, round_id, {"crashes": crashes})


async def _note(shop: Workshop, round_id: int, more: dict[str, Any]) -> Round:
    """Add to the round's report."""
    async with shop.database.write() as tx:
        this = await rounds.get(tx, round_id)
        report = {**this.report, **more}
        await rounds.move(tx, round_id, this.state, shop.now(), report=report)
        return await rounds.get(tx, round_id)


def _some(items: Sequence[T], count: int, seed: int) -> Sequence[T]:
    """At most `count` of the items, drawn by the seed, in their order."""
    if len(items) <= count:
        return items
    chosen = sorted(random.Random(seed).sample(range(len(items)), count))  # noqa: S311
    return [items[i] for i in chosen]
