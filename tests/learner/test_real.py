"""The embedded model: a small round to its end, beside a chat that goes on undisturbed."""

from __future__ import annotations

import asyncio
import functools
from pathlib import Path

import pytest

from bot.domain import BASE, FeedbackKind, Prompt, RoundState, Sampling, Turn
from bot.generator import base_model
from bot.generator.base_model import BaseModel
from bot.generator.engine import Engine
from bot.generator.protocol import Completion, Job
from bot.generator.swap import reconcile
from bot.store.database import Database
from learner import anchors
from learner.anchor_prompts import ANCHORS
from tests.learner.town import PERSONA, Town, live_version, quick

LIKED = (
    ("I made pancakes today.", "That sounds lovely! Which ones do you like best?"),
    ("My bike is broken again.", "Oh no! What happened to it?"),
    ("The exam is tomorrow.", "Good luck! When does it begin?"),
    ("I just started to knit.", "How nice! Who showed it to you?"),
    ("We are off to Norway!", "Great! How long will you stay?"),
    ("The cat woke me at five.", "Poor you! Was it hungry?"),
)
TOKENS = 12


@pytest.mark.real
async def test_a_small_round_ends_with_a_reason_and_leaves_the_chat_alone(
    real_model_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # All general prompts would take minutes to answer; a few show drift just as well.
    few = functools.partial(anchors.ensure, prompts=ANCHORS[:6])
    monkeypatch.setattr(anchors, "ensure", few)

    def load() -> BaseModel:
        return base_model.load(str(real_model_dir), models_dir=real_model_dir.parent, device="cpu")

    settings = quick(
        tmp_path,
        base_model=str(real_model_dir),
        epochs=1,
        learning_rate=1e-3,
        max_new_tokens=TOKENS,
        gate_max_drift=0.05,
        anchor_weight=1,
    )
    database = await Database.open(settings.database)
    town = Town(database, settings, load())
    ana = await town.member("ana")
    for text, answer in LIKED:
        await town.say(ana, await town.reply(ana, text, answer), FeedbackKind.LIKE)
    engine = Engine(load(), threads=1)
    asked = Prompt(PERSONA, (Turn("user", "Hi! I planted a tree.", "ana"),))
    sampling = Sampling(temperature=0, repetition_penalty=1, max_new_tokens=TOKENS)

    async def reply() -> Completion:
        return await (await engine.submit(Job(asked, sampling, seed=0))).completion()

    before = (await reply()).text
    running = asyncio.create_task(town.round())
    meanwhile = set()
    while not running.done():
        meanwhile.add((await reply()).text)
    ended = await running
    assert meanwhile == {before}
    assert ended.state in (RoundState.PROMOTED, RoundState.REJECTED), ended.reason
    words = "Passed: " if ended.state is RoundState.PROMOTED else "Not good enough: "
    assert ended.reason.startswith(words)
    assert "held-out loss" in ended.reason

    live = await reconcile(database, engine, settings.adapters_dir, town.now)
    after = await reply()
    assert live == after.adapter == await live_version(town)
    assert live == (ended.adapter if ended.state is RoundState.PROMOTED else BASE)
    assert after.text == before or live != BASE
    await engine.close()
    await database.close()
