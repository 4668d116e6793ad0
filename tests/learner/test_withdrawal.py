"""What a person withdraws is unlearned: a round begins by itself, but not the same one for ever."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bot.domain import RoundState
from bot.store import members, rounds
from learner.schedule import Due
from learner.withdrawal import still_known, tried_to_unlearn
from tests.learner.town import Town, quick
from tests.learner.watching import Looks, looked, until, watching

pytestmark = pytest.mark.usefixtures("impatient")

NEVER = 1000
"""New verdicts, more than these towns ever have."""


async def test_a_withdrawal_alone_begins_a_round(town: Town) -> None:
    ana, bo = await town.member("ana"), await town.member("bo")
    await town.liked(ana, 12)
    await town.liked(bo, 4)
    first = await town.round()
    assert first.state is RoundState.PROMOTED, first.reason
    async with town.database.write() as tx:
        await members.forget(tx, bo.id)
    async with watching(town, settings=quick(town.settings.data_dir, learn_min_verdicts=NEVER)):
        second = await until(town, lambda found: found.id == 2 and found.state.ended)
    assert (second.trigger, second.state) == ("schedule", RoundState.PROMOTED), second.reason
    assert "as 3 were withdrawn" in second.reason
    assert not (await still_known(town.database, town.settings, first.base_model)).exchanges


async def test_a_rejected_one_is_not_repeated_until_more_is_withdrawn(
    town: Town, looks: Looks
) -> None:
    ana, bo, cy = [await town.member(name) for name in ("ana", "bo", "cy")]
    await town.liked(ana, 10)
    for who in (bo, cy):
        await town.liked(who, 4)
    assert (await town.round()).state is RoundState.PROMOTED
    strict = quick(town.settings.data_dir, learn_min_verdicts=NEVER, gate_max_drift=0)
    yesterday = datetime.now(UTC) - timedelta(days=1)

    await town.member("bo", trained=False)
    async with watching(town, settings=strict, now=lambda: yesterday):
        second = await until(town, lambda found: found.id == 2 and found.state.ended)
    assert second.state is RoundState.REJECTED, second.reason
    known = second.report["withdrawn"]
    first_look = await looked(looks)
    assert first_look == Due(True, f"{known} replies that it was taught by were withdrawn")

    async with watching(town, settings=strict, now=lambda: yesterday + timedelta(hours=12)):
        assert await looked(looks) == Due(False, f"0 of {NEVER} new verdicts")
    async with town.database.read() as conn:
        assert len(await rounds.last(conn, 9)) == 2

    async with town.database.write() as tx:
        await members.forget(tx, cy.id)
    async with watching(town, settings=strict):
        third = await until(town, lambda found: found.id == 3 and found.state.ended)
    assert third.report["withdrawn"] > known


async def test_nor_is_one_for_which_too_little_is_left(town: Town) -> None:
    ana, bo = await town.member("ana"), await town.member("bo")
    await town.liked(ana, 4)
    await town.liked(bo, 4)
    first = await town.round()
    assert first.state is RoundState.PROMOTED, first.reason
    await town.member("bo", trained=False)
    second = await town.round()
    assert second.state is RoundState.SKIPPED
    assert "/promote 0 takes it out of use" in second.reason
    known = await still_known(town.database, town.settings, first.base_model)
    assert known.exchanges
    assert await tried_to_unlearn(town.database, first.base_model, known)
