"""Whole rounds on the tiny model and a real database: every way in which one can end."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from bot.domain import (
    BASE,
    AdapterState,
    Consent,
    FeedbackKind,
    Part,
    Prompt,
    RequestKind,
    Role,
    RoundState,
    Ruling,
    Turn,
)
from bot.generator.swap import digest
from bot.store import adapters, audit, members, requests, rounds
from learner import evaluate, gather
from learner.round import begin, run_round
from learner.withdrawal import still_known
from tests.learner.town import PERSONA, Town, live_version, quick


async def parts(town: Town, round_id: int) -> dict[Part, set[int]]:
    """Which exchanges played which part in a round."""
    async with town.database.read() as conn:
        lessons = await rounds.lessons(conn, round_id)
    return {part: {x.exchange for x in lessons if x.part is part} for part in Part}


async def test_a_round_learns_what_was_liked_and_goes_live(town: Town) -> None:
    ana = await town.member("ana")
    await town.liked(ana, 20)
    ended = await town.round()
    assert ended.state is RoundState.PROMOTED, ended.reason
    assert ended.reason.startswith("Passed: held-out loss fell from ")
    assert await live_version(town) == ended.adapter == 1
    async with town.database.read() as conn:
        adapter = await adapters.get(conn, 1)
        acts = [act.action for act in await audit.recent(conn)]
    assert acts[::-1] == ["round curating", "round training", "round evaluating", "round promoted"]
    directory = town.settings.adapters_dir / adapter.directory
    assert adapter.sha256 == digest(directory)
    card = json.loads((directory / "card.json").read_text())
    found = await parts(town, ended.id)
    assert set(card["exchanges"]["new"]) == found[Part.NEW]
    assert set(card["exchanges"]["held out"]) == found[Part.HELD_OUT]
    assert (len(found[Part.NEW]), len(found[Part.HELD_OUT])) == (16, 4)
    assert card["version"] == 1
    assert card["parent"] == BASE
    assert card["base_model"] == town.base.fingerprint
    assert card["sha256"] == adapter.sha256
    metrics = adapter.metrics["held_out"]
    assert metrics["candidate"] < metrics["live"] == metrics["base"]
    assert adapter.metrics["counts"]["new"] == 16
    assert not town.shop().workplace(ended.id).exists()


async def test_a_second_round_keeps_the_first_and_never_trains_on_what_measures(
    town: Town,
) -> None:
    ana, bo = await town.member("ana"), await town.member("bo")
    await town.liked(ana, 20)
    first = await town.round()
    await town.liked(bo, 12, word="dog")
    second = await town.round()
    assert second.state is RoundState.PROMOTED, second.reason
    one, two = await parts(town, first.id), await parts(town, second.id)
    assert two[Part.REPLAY] == one[Part.NEW]
    assert one[Part.HELD_OUT] <= two[Part.HELD_OUT]
    assert not (two[Part.NEW] | two[Part.REPLAY]) & two[Part.HELD_OUT]
    assert second.report["metrics"]["retention"]["count"] == 16
    async with town.database.read() as conn:
        states = {a.version: a.state for a in await adapters.every(conn)}
    assert states == {1: AdapterState.RETIRED, 2: AdapterState.LIVE}


async def test_withdrawn_consent_and_forgetting_take_effect_at_the_next_round(
    town: Town,
) -> None:
    ana, bo, cy = [await town.member(name) for name in ("ana", "bo", "cy")]
    hers, his, theirs = [await town.liked(who, 8) for who in (ana, bo, cy)]
    first = await town.round()
    assert first.state is RoundState.PROMOTED, first.reason
    assert not (await still_known(town.database, town.settings, first.base_model)).exchanges
    async with town.database.write() as tx:
        await members.forget(tx, bo.id)
    await town.member("cy", trained=False)
    known = await still_known(town.database, town.settings, first.base_model)
    second = await town.round()
    used = await parts(town, second.id)
    every = used[Part.NEW] | used[Part.REPLAY] | used[Part.HELD_OUT]
    assert every == {e.id for e in hers}
    assert (
        second.report["withdrawn"]
        == len(known.exchanges)
        == len((await parts(town, first.id))[Part.NEW] & {e.id for e in (*his, *theirs)})
    )
    assert second.state is RoundState.PROMOTED, second.reason
    assert not (await still_known(town.database, town.settings, first.base_model)).exchanges


async def test_what_is_forgotten_while_a_round_runs_does_not_go_live(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    ana, bo = await town.member("ana"), await town.member("bo")
    await town.liked(ana, 12)
    await town.liked(bo, 8)

    async def forget_then_evaluate(*args: Any, **kwargs: Any) -> Any:
        async with town.database.write() as tx:
            await members.forget(tx, bo.id)
        return await evaluate.evaluate(*args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr("learner.round.evaluate", forget_then_evaluate)
        ended = await town.round()
    assert ended.state is RoundState.FAILED
    assert "had to go; the next round leaves them out" in ended.reason
    assert await live_version(town) == BASE
    assert (await town.round()).state is RoundState.PROMOTED


async def test_beyond_the_refit_limit_what_older_rounds_taught_is_unlearned_too(
    town: Town,
) -> None:
    ana, bo = await town.member("ana"), await town.member("bo")
    await town.liked(bo, 8)
    await town.round()
    settings = quick(
        town.settings.data_dir, refit_limit=5, replay_share=0, gate_min_gain=-1, min_examples=2
    )
    await town.liked(ana, 12)
    second = await town.round(settings=settings)
    assert second.report["parent"] == 1, second.reason
    assert not (await parts(town, second.id))[Part.REPLAY]
    async with town.database.write() as tx:
        await members.forget(tx, bo.id)
    third = await town.round(settings=settings)
    assert third.report["parent"] == BASE, third.reason
    assert third.report["withdrawn"] > 0


async def test_a_correction_by_somebody_who_is_not_to_be_remembered_is_not_used(
    town: Town,
) -> None:
    ana, bo = await town.member("ana"), await town.member("bo")
    made = await town.liked(ana, 12)
    corrected = await town.reply(ana, "hello", "the dog")
    await town.say(bo, corrected, FeedbackKind.CORRECTION, "what bo said")
    async with town.database.write() as tx:
        await members.set_consent(tx, bo.id, Consent(remembered=False))
    ended = await town.round()
    used = await parts(town, ended.id)
    assert used[Part.NEW] | used[Part.HELD_OUT] == {e.id for e in made}


async def test_drift_is_seen_even_where_examples_must_be_short(town: Town) -> None:
    ana = await town.member("ana")
    await town.liked(ana, 12)
    base = town.base.renderer
    longest = len(base.prompt_ids(Prompt(PERSONA, (Turn("user", "hello, how are you"),)))) + 30
    ended = await town.round(settings=quick(town.settings.data_dir, example_tokens=longest))
    assert ended.state is RoundState.PROMOTED, ended.reason
    assert ended.report["metrics"]["anchors"]["count"] > 20


async def test_beyond_the_refit_limit_it_goes_on_from_the_live_adapter(town: Town) -> None:
    ana = await town.member("ana")
    await town.liked(ana, 16)
    await town.round()
    await town.liked(ana, 8, word="dog")
    settings = quick(town.settings.data_dir, refit_limit=5)
    ended = await town.round(settings=settings)
    assert ended.state is RoundState.PROMOTED, ended.reason
    async with town.database.read() as conn:
        assert (await adapters.get(conn, 2)).parent == 1
    assert ended.report["parent"] == 1


async def test_a_candidate_that_is_not_better_is_rejected_and_kept_with_its_reason(
    town: Town,
) -> None:
    ana = await town.member("ana")
    await town.liked(ana, 12)
    ended = await town.round(settings=quick(town.settings.data_dir, gate_min_gain=0.999))
    assert ended.state is RoundState.REJECTED
    assert ended.reason.startswith("Not good enough: held-out loss fell")
    assert await live_version(town) == BASE
    async with town.database.read() as conn:
        adapter = await adapters.get(conn, 1)
        assert await rounds.taught(conn, town.base.fingerprint) == {}
    assert (adapter.state, adapter.reason) == (AdapterState.REJECTED, ended.reason)
    assert (town.settings.adapters_dir / adapter.directory / "card.json").is_file()


async def test_without_verdicts_there_is_nothing_to_learn(town: Town) -> None:
    def never() -> Any:
        raise AssertionError("the base model is not needed for that")

    ended = await town.round(base=never)
    assert ended.state is RoundState.SKIPPED
    assert ended.reason == "There is nothing to learn from yet: no reply has been judged."


async def test_too_few_examples_are_named_with_what_was_left_out(town: Town) -> None:
    ana, bo = await town.member("ana"), await town.member("bo", trained=False)
    await town.liked(ana, 3)
    await town.liked(bo, 2)
    bad = await town.reply(ana, "hello", "the dog")
    await town.say(ana, bad, FeedbackKind.DISLIKE)
    ended = await town.round()
    assert ended.state is RoundState.SKIPPED
    assert ended.reason == (
        "Too little to learn from: 3 approved replies, and a round needs 6 (MIN_EXAMPLES). "
        "Left out: 1 disliked, 2 without everybody's consent to training."
    )


async def test_nothing_new_is_no_reason_for_a_round(town: Town) -> None:
    ana = await town.member("ana")
    await town.liked(ana, 12)
    assert (await town.round()).state is RoundState.PROMOTED
    again = await town.round()
    assert again.state is RoundState.SKIPPED
    assert again.reason == "Nothing new was approved since version 1 was trained."


async def test_examples_that_fit_nowhere_leave_nothing_to_learn(town: Town) -> None:
    ana = await town.member("ana")
    await town.liked(ana, 12)
    ended = await town.round(settings=quick(town.settings.data_dir, example_tokens=32))
    assert ended.state is RoundState.SKIPPED
    assert "12 longer than EXAMPLE_TOKENS" in ended.reason


async def test_moderators_decide_and_correct(town: Town) -> None:
    ana, mo = await town.member("ana"), await town.member("mo", Role.MODERATOR)
    made = await town.liked(ana, 14)
    await town.rule(mo, made[0], Ruling.REJECT)
    await town.rule(mo, made[1], Ruling.CORRECT, "the quick brown fox asks who is there")
    ended = await town.round()
    used = await parts(town, ended.id)
    every = used[Part.NEW] | used[Part.HELD_OUT]
    assert made[0].id not in every
    assert made[1].id in every


async def test_an_admin_cancels_a_round(town: Town) -> None:
    ana = await town.member("ana")
    await town.liked(ana, 12)
    asked = asyncio.Event()
    loop = asyncio.get_running_loop()
    shop = town.shop(
        settings=quick(town.settings.data_dir, epochs=1000),
        tell=lambda progress: loop.call_soon_threadsafe(asked.set) if progress.step else None,
    )
    running = asyncio.create_task(run_round(shop, await begin(shop, trigger="command")))
    await asyncio.wait_for(asked.wait(), 60)
    async with town.database.write() as tx:
        await requests.ask(tx, RequestKind.CANCEL, town.now(), ana.id)
    ended = await asyncio.wait_for(running, 60)
    assert (ended.state, ended.reason) == (RoundState.CANCELLED, "An admin cancelled it.")
    async with town.database.read() as conn:
        assert await requests.pending(conn) == []
    assert await live_version(town) == BASE
    assert not shop.workplace(ended.id).exists()


async def test_a_round_answers_whoever_asked_for_it(town: Town) -> None:
    ana = await town.member("ana")
    async with town.database.write() as tx:
        await requests.ask(tx, RequestKind.TRAIN, town.now(), ana.id)
        await requests.ask(tx, RequestKind.CANCEL, town.now(), ana.id)
    ended = await town.round()
    assert ended.state is RoundState.SKIPPED, "a wish to cancel that is older meant another round"
    async with town.database.read() as conn:
        assert await requests.pending(conn) == []


async def test_what_an_admin_makes_live_meanwhile_stays_live(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    ana = await town.member("ana")
    await town.liked(ana, 12)
    await town.round()
    await town.liked(ana, 8)

    async def stock_then_rollback(*args: Any) -> Any:
        found = await gather.take_stock(*args)
        async with town.database.write() as tx:
            await adapters.promote(
                tx,
                BASE,
                base_model=town.base.fingerprint,
                actor="admin",
                at=town.now(),
                kind="rollback",
            )
        return found

    monkeypatch.setattr("learner.round.take_stock", stock_then_rollback)
    settings = quick(town.settings.data_dir, gate_min_gain=-1)
    ended = await town.round(settings=settings)
    assert ended.state is RoundState.REJECTED
    assert "was made live while this round ran" in ended.reason
    assert await live_version(town) == BASE
