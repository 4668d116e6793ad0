"""Which adapter is live: promoted, rolled back, failed, and never two."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain import BASE, AdapterState
from bot.errors import AdapterError
from bot.store import adapters
from bot.store.database import Database
from tests.store.rows import MODEL, NOW, adapter, published

CASES = [
    ("nothing happened", [], BASE, None),
    ("one step back", ["promote 1"], 1, BASE),
    ("two steps", ["promote 1", "promote 2"], 2, 1),
    ("back", ["promote 1", "promote 2", "rollback"], 1, BASE),
    ("back goes on, it does not undo", ["promote 1", "promote 2", "promote 3", "rollback"], 2, 1),
    ("to the base", ["promote 1", "promote 2", "rollback", "rollback"], BASE, None),
    ("on after back", ["promote 1", "promote 2", "rollback", "promote 3"], 3, 1),
    ("an older one by hand", ["promote 1", "promote 2", "promote 1"], 1, 2),
    ("and back from it", ["promote 1", "promote 2", "promote 1", "rollback"], 2, 1),
    ("to the end", ["promote 1", "promote 2", "promote 1", "rollback", "rollback"], 1, BASE),
    ("rolled back, wanted again", ["promote 1", "promote 2", "rollback", "promote 2"], 2, 1),
    ("the base by hand", ["promote 1", "promote 0"], BASE, None),
    ("on from the base by hand", ["promote 1", "promote 0", "promote 2"], 2, BASE),
    ("live fails", ["promote 1", "promote 2", "fail 2"], 1, BASE),
    ("live fails after one that failed", ["promote 1", "promote 2", "promote 3", "fail 2"], 3, 1),
    ("both fail", ["promote 1", "promote 2", "promote 3", "fail 2", "fail 3"], 1, BASE),
    ("all fail", ["promote 1", "promote 2", "fail 1", "fail 2"], BASE, None),
    ("a candidate fails", ["promote 1", "fail 2"], 1, BASE),
    ("back over a failed one", ["promote 1", "promote 2", "fail 1", "rollback"], BASE, None),
]


@pytest.mark.parametrize(("story", "steps", "live", "target"), CASES)
async def test_what_is_live_and_what_a_rollback_leads_to(
    database: Database, story: str, steps: list[str], live: int, target: int | None
) -> None:
    async with database.write() as tx:
        for _ in range(3):
            await published(tx)
    for step in steps:
        async with database.write() as tx:
            match step.split():
                case ["promote", version]:
                    await promote(tx, int(version), "promote")
                case ["rollback"]:
                    await promote(tx, await adapters.rollback_target(tx, MODEL), "rollback")
                case ["fail", version]:
                    await adapters.fail(tx, int(version), "bad", base_model=MODEL, at=NOW)
    async with database.read() as conn:
        found = await adapters.live(conn, MODEL)
        assert (found.version if found else BASE) == live, story
        if target is None:
            with pytest.raises(AdapterError, match="Nothing to roll back"):
                await adapters.rollback_target(conn, MODEL)
        else:
            assert await adapters.rollback_target(conn, MODEL) == target, story


async def promote(tx: AsyncConnection, version: int, kind: str = "promote") -> int:
    """Promote in the only way there is."""
    return await adapters.promote(tx, version, base_model=MODEL, actor="test", at=NOW, kind=kind)


async def test_promotion_tells_what_was_live(database: Database) -> None:
    async with database.write() as tx:
        one, two = await published(tx), await published(tx)
        assert await promote(tx, one) == BASE
        assert await promote(tx, two) == one
        states = {a.version: a.state for a in await adapters.every(tx)}
        assert states == {one: AdapterState.RETIRED, two: AdapterState.LIVE}
        assert await promote(tx, BASE) == two


async def test_a_base_model_does_not_know_the_adapters_of_another(database: Database) -> None:
    async with database.write() as tx:
        mine, other = await published(tx), await published(tx, "other")
        await promote(tx, mine)
        with pytest.raises(AdapterError, match=f"Version {other} was made for another"):
            await promote(tx, other)
        await adapters.promote(tx, other, base_model="other", actor="x", at=NOW, kind="promote")
        found = await adapters.live(tx, MODEL)
        assert found is not None
        assert found.version == mine
        assert [a.version for a in await adapters.every(tx, "other")] == [other]
        assert await adapters.rollback_target(tx, "other") == BASE
        # a bot with this base model finds the other one broken: only the other is rolled back
        assert await adapters.fail(tx, other, "torn", base_model=MODEL, at=NOW) == mine
        assert await adapters.live(tx, "other") is None


@pytest.mark.parametrize(
    ("state", "directory", "sentence"),
    [
        (AdapterState.REJECTED, "v", "Version 1 cannot go live, it is rejected: too long"),
        (AdapterState.FAILED, "v", "Version 1 cannot go live, it is failed: too long"),
        (AdapterState.CANDIDATE, "", "not published yet"),
        (AdapterState.LIVE, "v", "Version 1 is live already"),
    ],
)
async def test_what_cannot_go_live(
    database: Database, state: AdapterState, directory: str, sentence: str
) -> None:
    async with database.write() as tx:
        made = replace(adapter(state, directory=directory), reason="too long")
        await adapters.add(tx, made)
        with pytest.raises(AdapterError, match=sentence):
            await promote(tx, 1)
        [same] = await adapters.every(tx)
        assert same == replace(made, version=1)


async def test_the_base_and_unknown_versions(database: Database) -> None:
    async with database.write() as tx:
        with pytest.raises(AdapterError, match="The base model is live already"):
            await promote(tx, BASE)
        for act in (adapters.get(tx, 5), promote(tx, 5), adapters.reject(tx, 5, "x")):
            with pytest.raises(AdapterError, match="no adapter version 5"):
                await act


@pytest.mark.parametrize(
    ("state", "may"),
    [
        (AdapterState.CANDIDATE, True),
        (AdapterState.REJECTED, True),
        (AdapterState.LIVE, False),
        (AdapterState.RETIRED, False),
        (AdapterState.FAILED, False),
    ],
)
async def test_only_a_candidate_is_rejected(
    database: Database, state: AdapterState, may: bool
) -> None:
    async with database.write() as tx:
        made = await adapters.add(tx, adapter(state))
        if may:
            await adapters.reject(tx, made.version, "worse than before")
            wanted = replace(made, state=AdapterState.REJECTED, reason="worse than before")
        else:
            with pytest.raises(AdapterError, match="cannot be rejected"):
                await adapters.reject(tx, made.version, "worse than before")
            wanted = made
        assert await adapters.get(tx, made.version) == wanted


async def test_a_description_fills_in_only_what_it_names(database: Database) -> None:
    async with database.write() as tx:
        made, other = [await adapters.add(tx, adapter(directory="")) for _ in range(2)]
        await adapters.describe(tx, made.version)
        assert await adapters.get(tx, made.version) == made
        await adapters.describe(tx, made.version, directory="v0001", sha256="f" * 64)
        await adapters.describe(tx, made.version, metrics={"loss": 1.25})
        wanted = replace(made, directory="v0001", sha256="f" * 64, metrics={"loss": 1.25})
        assert await adapters.get(tx, made.version) == wanted
        assert await adapters.get(tx, other.version) == other
