"""What counts as withdrawn, when that waives the gate, and which round tried to unlearn it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from sqlalchemy import update

from bot.domain import (
    BASE,
    Exchange,
    FeedbackKind,
    Member,
    Part,
    Progress,
    Role,
    Round,
    RoundState,
    Ruling,
)
from bot.store import adapters, members, rounds
from bot.store.tables import rounds as rounds_table
from learner import evaluate
from learner.curate import approve, reselect
from learner.round import begin, run_round
from learner.withdrawal import (
    Allowed,
    Lingering,
    Taught,
    still_known,
    tried_to_unlearn,
    withdrawn,
)
from tests.learner.judging import liked
from tests.learner.test_curate import chosen
from tests.learner.town import Town, quick

LENIENT = {"epochs": 1, "min_examples": 2, "gate_min_gain": -1, "gate_max_forgetting": 10}


async def learned(town: Town, **changes: Any) -> Round:
    """A round that goes live."""
    ended = await town.round(settings=quick(town.settings.data_dir, **{**LENIENT, **changes}))
    assert ended.state is RoundState.PROMOTED, ended.reason
    return ended


async def known(town: Town) -> Lingering:
    """What the live adapter should not know any more."""
    return await still_known(town.database, town.settings, town.base.fingerprint)


async def tried(town: Town, lingering: Lingering) -> bool:
    """Whether the last round could not unlearn it."""
    return await tried_to_unlearn(town.database, town.base.fingerprint, lingering)


async def leave(town: Town, member: Member, act: str) -> None:
    """Somebody says /privacy learning off, or /forget yes."""
    if act == "learning off":
        await town.member(member.name, member.role, trained=False)
        return
    async with town.database.write() as tx:
        await members.forget(tx, member.id)


async def corrected(town: Town, asker: Member, by: Member, count: int) -> list[Exchange]:
    """Replies that the asker disliked, and somebody put right: a moderator by a ruling."""
    made = []
    for number in range(count):
        one = await town.reply(asker, f"{by.name}, question {number}", f"bad {number}")
        await town.say(asker, one, FeedbackKind.DISLIKE)
        words = f"the quick brown fox, said {by.name} for {number}"
        if by.role is Role.MODERATOR:
            await town.rule(by, one, Ruling.CORRECT, words)
        else:
            await town.say(by, one, FeedbackKind.CORRECTION, words)
        made.append(one)
    return made


async def trained_among(town: Town, round_id: int, made: Sequence[Exchange]) -> set[int]:
    """Which of some exchanges a round trained on."""
    async with town.database.read() as conn:
        lessons = await rounds.lessons(conn, round_id)
    used = {x.exchange for x in lessons if x.part is not Part.HELD_OUT}
    return used & {one.id for one in made}


@pytest.mark.parametrize("act", ["learning off", "forget"])
@pytest.mark.parametrize("role", [Role.MODERATOR, Role.MEMBER])
async def test_a_correction_is_withdrawn_with_its_author(town: Town, act: str, role: Role) -> None:
    ana, mo = await town.member("ana"), await town.member("mo", role)
    await town.liked(ana, 12)
    made = await corrected(town, ana, mo, 6)
    first = await learned(town)
    theirs = await trained_among(town, first.id, made)
    assert theirs
    assert (await known(town)).exchanges == set()

    await leave(town, mo, act)
    assert await known(town) == Lingering(1, frozenset(theirs))
    await town.liked(ana, 4)
    second = await learned(town, refit_limit=5)
    assert (second.report["parent"], second.report["withdrawn"]) == (BASE, len(theirs))
    assert not await trained_among(town, second.id, made)
    assert (await known(town)).exchanges == set()


async def test_what_a_moderator_corrected_still_waives_when_another_corrects_it_anew(
    town: Town,
) -> None:
    ana, mo, cy = [
        await town.member(name, role)
        for name, role in (("ana", Role.MEMBER), ("mo", Role.MODERATOR), ("cy", Role.MODERATOR))
    ]
    await town.liked(ana, 12)
    made = await corrected(town, ana, mo, 6)
    theirs = await trained_among(town, (await learned(town)).id, made)
    await leave(town, mo, "forget")
    for one in made:
        await town.rule(cy, one, Ruling.CORRECT, "what cy says")
    second = await learned(town)
    assert await trained_among(town, second.id, made)
    assert second.report["withdrawn"] == second.report["lapsed"] == len(theirs)
    assert (await known(town)).exchanges == set(), "it knows what cy says now"


async def test_a_correction_that_is_withdrawn_while_it_is_learned_does_not_go_live(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    ana, bo, mo = [
        await town.member(name, role)
        for name, role in (("ana", Role.MEMBER), ("bo", Role.MEMBER), ("mo", Role.MODERATOR))
    ]
    await town.liked(ana, 12)
    await town.liked(bo, 4)
    await learned(town)
    await leave(town, bo, "learning off")
    await corrected(town, ana, mo, 6)

    async def forget_then_evaluate(*args: Any, **kwargs: Any) -> Any:
        await leave(town, mo, "forget")
        return await evaluate.evaluate(*args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr("learner.round.evaluate", forget_then_evaluate)
        ended = await town.round()
    assert ended.state is RoundState.FAILED
    assert "had to go" in ended.reason
    assert not await tried(town, await known(town)), "the next round may well unlearn it"


@pytest.mark.parametrize("muted", [True, False])
async def test_of_a_round_that_kept_no_authors_the_store_says_what_it_can(
    town: Town, *, muted: bool
) -> None:
    ana, mo = await town.member("ana"), await town.member("mo", Role.MODERATOR)
    await town.liked(ana, 12)
    made = await corrected(town, ana, mo, 6)
    first = await learned(town)
    report = {name: value for name, value in first.report.items() if name != "corrected"}
    async with town.database.write() as tx:
        await tx.execute(update(rounds_table).values(report=report))
    if muted:
        await leave(town, mo, "learning off")
    theirs = await trained_among(town, first.id, made)
    assert (await known(town)).exchanges == (theirs if muted else set())


async def test_who_only_rated_and_is_forgotten_withdraws_nothing(town: Town) -> None:
    ana, bo = await town.member("ana"), await town.member("bo")
    await town.liked(ana, 8)
    for number in range(6):
        one = await town.reply(ana, f"question {number}", f"the quick brown fox {number}")
        await town.say(bo, one, FeedbackKind.LIKE)
    first = await learned(town)
    await leave(town, bo, "forget")
    assert await known(town) == Lingering(first.adapter or 0)
    await town.liked(ana, 4)
    second = await town.round()
    assert second.report["withdrawn"] == 0
    assert second.report["lapsed"] > 0
    assert "(needed -1.0%)" in second.reason


async def test_a_round_has_tried_just_what_it_knew_of(town: Town) -> None:
    ana, bo, cy = [await town.member(name) for name in ("ana", "bo", "cy")]
    await town.liked(ana, 10)
    for who in (bo, cy):
        await town.liked(who, 4)
    await learned(town)
    await town.member("bo", trained=False)
    his = await known(town)
    assert not await tried(town, his)
    ended = await town.round(settings=quick(town.settings.data_dir, gate_max_drift=0))
    assert ended.state is RoundState.REJECTED, ended.reason
    assert await tried(town, his)

    others = frozenset(range(1000, 1000 + len(his.exchanges)))
    assert not await tried(town, Lingering(his.live, others)), "as many, but others"
    assert not await tried(town, Lingering(his.live + 1, his.exchanges)), "known to another version"
    assert not await tried_to_unlearn(town.database, "another base model", his)
    await town.member("bo", trained=True)
    await town.member("cy", trained=False)
    assert not await tried(town, await known(town))
    await begin(town.shop(fingerprint="another base model"), trigger="command")
    assert await tried(town, his), "a round for another base model says nothing of it"


async def test_a_round_that_fails_each_time_is_not_repeated(town: Town) -> None:
    ana, bo = await town.member("ana"), await town.member("bo")
    await town.liked(ana, 12)
    await town.liked(bo, 4)
    await learned(town)
    await town.member("bo", trained=False)
    lingering = await known(town)
    wild = quick(town.settings.data_dir).model_copy(update={"learning_rate": 1e30})
    ended = await town.round(settings=wild)
    assert ended.state is RoundState.FAILED
    assert "LEARNING_RATE" in ended.reason
    assert await tried(town, lingering)


async def test_a_resumed_round_is_judged_by_what_is_live_then(town: Town) -> None:
    ana, bo = await town.member("ana"), await town.member("bo")
    await town.liked(ana, 12)
    await learned(town)
    await town.liked(bo, 4)
    await learned(town)
    await town.member("bo", trained=False)
    await town.liked(ana, 4)
    stop = [False]

    def tell(progress: Progress) -> None:
        stop[0] = progress.step >= 3

    settings = quick(town.settings.data_dir, refit_limit=5, min_examples=2)
    shop = town.shop(settings=settings, stopping=lambda: stop[0], tell=tell)
    put_down = await run_round(shop, await begin(shop, trigger="command"))
    assert put_down.state is RoundState.TRAINING
    assert put_down.report["withdrawn"] > 0
    assert put_down.report["parent"] == BASE
    async with town.database.write() as tx:
        await adapters.promote(
            tx,
            1,
            base_model=town.base.fingerprint,
            actor="t",
            at=town.now(),
            kind="rollback",
        )
    ended = await run_round(town.shop(settings=settings), put_down)
    assert ended.report["withdrawn"] == ended.report["lapsed"] == 0
    assert ended.report["parent"] == 1, "it is chosen anew, for what is live"
    assert "(needed -1.0%)" in ended.reason, "version 1 knows nothing of bo, so nothing is waived"


def test_a_selection_that_goes_on_from_what_must_be_unlearned_is_not_taken_up_again() -> None:
    found = chosen(liked(20))
    approved = approve(liked(20))
    again = reselect(approved, found.lessons(), anchors=0, parent=BASE, withdrawn={77})
    assert again is not None
    assert (again.withdrawn, again.lapsed) == (1, 1), "counted anew"
    assert reselect(approved, found.lessons(), anchors=0, parent=2) is not None
    assert reselect(approved, found.lessons(), anchors=0, parent=2, withdrawn={77}) is None


@pytest.mark.parametrize(
    ("taught", "gone"),
    [
        (Taught(1), False),
        (Taught(2), True),
        (Taught(1, 7), False),
        (Taught(1, 8), True),
        (Taught(2, 7), True),
    ],
)
def test_what_is_withdrawn(taught: Taught, *, gone: bool) -> None:
    allowed = Allowed(consented={1}, corrections={(1, 7), (2, 7)})
    assert withdrawn([taught], allowed) == ({taught.exchange} if gone else set())


def test_the_digest_tells_what_lingers_apart() -> None:
    assert Lingering(3).digest == ""
    some = Lingering(3, frozenset({1, 2}))
    assert some.digest == Lingering(3, frozenset({2, 1})).digest
    assert len({some.digest, Lingering(3, frozenset({1, 12})).digest, Lingering(3).digest}) == 3
