"""Export writes what was approved and may be passed on, and import reads it back the same."""

from __future__ import annotations

import asyncio
import json
import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.domain import Consent, Decision, FeedbackKind, Member, Ruling
from bot.errors import StoreError
from bot.store import conversations, exchanges, feedback, members
from bot.store.database import Database
from bot.transfer import export_file, import_file
from bot.transfer.lines import Example, write
from tests.store.rows import NOW, answered, enter, meet, reply, say, turn
from tests.transfer.samples import EXAMPLES, line, store, written

LIKE, DISLIKE = FeedbackKind.LIKE, FeedbackKind.DISLIKE


async def exported(database: Database, folder: Path) -> list[str]:
    """The lines of an export."""
    out = folder / "out.jsonl"
    count = await export_file(database, out)
    lines = out.read_text(encoding="utf-8").split("\n")
    assert lines.pop() == ""
    assert len(lines) == count
    return lines


async def test_an_approved_exchange_is_a_line(database: Database, tmp_path: Path) -> None:
    async with database.write() as tx:
        ana, bob, channel = await meet(tx, "Ana"), await meet(tx, "Bob"), await enter(tx)
        said = turn(ana, "Hi"), reply("Oh"), turn(bob, "Né?\x1b")
        liked = await answered(tx, channel.id, ana, *said, reply="Sí 🙂")
        await say(tx, liked, bob, LIKE)
        corrected = await answered(tx, channel.id, ana, reply="Bad")
        await feedback.decide(tx, Decision(corrected.id, bob.id, Ruling.CORRECT, NOW, "Good"))
        disliked = await answered(tx, channel.id, ana, reply="Worse")
        await say(tx, disliked, bob, DISLIKE)
        await answered(tx, channel.id, ana, reply="Nobody cares")
    first, second = await exported(database, tmp_path)
    assert json.loads(first) == {
        "messages": [
            {"role": "system", "content": "Be kind."},
            {"role": "user", "content": "Hi", "name": "Ana"},
            {"role": "assistant", "content": "Oh"},
            {"role": "user", "content": "Né?", "name": "Bob"},
            {"role": "assistant", "content": "Sí 🙂"},
        ],
        "rating": 1,
        "channel": f"channel-{channel.id}",
        "rater": f"member-{bob.id}",
        "correction": None,
    }
    corrected_line = json.loads(second)
    assert (corrected_line["rating"], corrected_line["correction"]) == (-1, "Good")


async def test_who_does_not_agree_is_not_in_it(database: Database, tmp_path: Path) -> None:
    async with database.write() as tx:
        ana, bob, channel = await meet(tx, "Ana"), await meet(tx, "Bob"), await enter(tx)
        for who in (ana, bob):
            await say(tx, await answered(tx, channel.id, who), bob, LIKE)
        about = await answered(tx, channel.id, bob, reply="Bad")
        await say(tx, about, ana, FeedbackKind.CORRECTION, "Ana's own words")
        await members.set_consent(tx, ana.id, Consent(trained=False))
    [only] = await exported(database, tmp_path)
    assert "Bob" in only
    out = tmp_path / "opt-in.jsonl"
    assert await export_file(database, out, trained_by_default=False) == 0
    assert out.read_text() == ""


async def test_no_platform_id_leaves(database: Database, tmp_path: Path) -> None:
    async with database.write() as tx:
        who = await meet(tx, "Secret-Id", "discord")
        who = Member(who.id, who.platform, who.external_id, "Ana", who.role, who.consent)
        channel = await enter(tx, "secret-room")
        await say(tx, await answered(tx, channel.id, who), who, LIKE)
    [only] = await exported(database, tmp_path)
    assert "secret" not in only.lower()


async def _round_trip(lines: list[str], folder: Path) -> tuple[list[str], list[str]]:
    """What a store exports, and what a second store exports after importing that."""
    async with store(folder / "one.db") as one, store(folder / "two.db") as two:
        await import_file(one, written(folder, *lines))
        first = await exported(one, folder)
        result = await import_file(two, folder / "out.jsonl")
        assert (result.imported, result.duplicates, result.skipped) == (len(first), 0, [])
        return first, await exported(two, folder)


@given(st.lists(EXAMPLES, max_size=6))
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_export_and_import_go_round(examples: list[Example]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        first, again = asyncio.run(_round_trip([write(one) for one in examples], Path(folder)))
    assert again == first


async def test_a_lived_in_store_goes_round(database: Database, tmp_path: Path) -> None:
    async with database.write() as tx:
        people = [await meet(tx, name) for name in ("Ana", "Bob", "Carl")]
        rooms = [await enter(tx, name) for name in ("one", "two")]
        for number in range(60):
            who, where = people[number % 3], rooms[number % 2]
            about = await answered(
                tx, where.id, who, turn(who, f"{number % 20}"), reply=f"\r\nYes {number % 20}\x00"
            )
            await say(tx, about, people[(number + 1) % 3], (LIKE, DISLIKE)[number % 7 == 0])
            if number % 5 == 0:
                await say(tx, about, people[0], FeedbackKind.CORRECTION, f" Better {number} ")
            if number % 11 == 0:
                ruling = list(Ruling)[number % 4]
                await feedback.decide(tx, Decision(about.id, people[1].id, ruling, NOW, "Best"))
    first = await exported(database, tmp_path)
    assert len(first) > 10
    async with store(tmp_path / "two.db") as other:
        assert (await import_file(other, tmp_path / "out.jsonl")).imported == len(first)
        assert await exported(other, tmp_path) == first


async def test_an_export_comes_home_without_doubling(database: Database, tmp_path: Path) -> None:
    async with database.write() as tx:
        ana, bob, channel = await meet(tx, "Ana"), await meet(tx, "Bob"), await enter(tx)
        await say(tx, await answered(tx, channel.id, ana), bob, LIKE)
        ruled = await answered(tx, channel.id, ana, reply="Two")
        await feedback.decide(tx, Decision(ruled.id, bob.id, Ruling.APPROVE, NOW))
        corrected = await answered(tx, channel.id, ana, reply="Three")
        await feedback.decide(tx, Decision(corrected.id, bob.id, Ruling.CORRECT, NOW, "3"))
    lines = await exported(database, tmp_path)
    result = await import_file(database, tmp_path / "out.jsonl")
    assert (result.imported, result.duplicates) == (0, len(lines))
    assert await exported(database, tmp_path) == lines


async def test_what_was_forgotten_is_not_exported(database: Database, tmp_path: Path) -> None:
    async with database.write() as tx:
        ana, bob, channel = await meet(tx, "Ana"), await meet(tx, "Bob"), await enter(tx)
        await say(tx, await answered(tx, channel.id, ana), bob, LIKE)
        await members.forget(tx, ana.id)
    assert await exported(database, tmp_path) == []


async def test_what_import_would_not_take_is_left_out(database: Database, tmp_path: Path) -> None:
    async with database.write() as tx:
        ana, channel = await meet(tx, "Ana"), await enter(tx)
        unasked = await answered(tx, channel.id, ana, turn(ana, "\x07 "), reply="Hm")
        endless = await answered(tx, channel.id, ana, reply="x" * 100_001)
        for about in (unasked, endless):
            await say(tx, about, ana, LIKE)
    assert await exported(database, tmp_path) == []


async def test_a_file_is_replaced_whole_or_stays(database: Database, tmp_path: Path) -> None:
    await import_file(database, written(tmp_path, line(rating=1)))
    out = tmp_path / "out" / "x.jsonl"
    with pytest.raises(StoreError, match=r"x\.jsonl cannot be written: No such file"):
        await export_file(database, out)
    out.mkdir(parents=True)
    with pytest.raises(StoreError, match="cannot be written"):
        await export_file(database, out)
    out.rmdir()
    out.write_text("what was there before, which is longer than the export" * 20)
    assert await export_file(database, out) == 1
    assert len(out.read_text().splitlines()) == 1
    assert os.listdir(out.parent) == [out.name]  # noqa: PTH208  # nothing is left beside it


async def test_standard_output(
    database: Database, tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    await import_file(database, written(tmp_path, line("Sí 🙂", rating=1)))
    assert await export_file(database, None) == 1
    assert json.loads(capsysbinary.readouterr().out)["messages"][-1]["content"] == "Sí 🙂"


async def test_the_words_of_the_store_are_not_touched(database: Database, tmp_path: Path) -> None:
    async with database.write() as tx:
        ana, channel = await meet(tx, "Ana"), await enter(tx)
        about = await answered(tx, channel.id, ana, reply="a\r\nb\x1b")
        await say(tx, about, ana, LIKE)
    await exported(database, tmp_path)
    async with database.read() as conn:
        assert await exchanges.get(conn, about.id) == about
        assert len(await conversations.every(conn)) == 1
