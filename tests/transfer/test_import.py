"""Import keeps all that is new in a file, once, or nothing at all."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import func, select, text

from bot.domain import BASE, FeedbackKind, Finish
from bot.errors import StoreError
from bot.store import conversations, exchanges, feedback, members
from bot.store.database import Database
from bot.store.tables import exchanges as table
from bot.transfer import ImportResult, Problem, import_file
from bot.transfer.lines import LONGEST_LINE
from tests.transfer.samples import line, written

NOW = datetime(2026, 3, 1, tzinfo=UTC)
LIKE, DISLIKE, CORRECTION = FeedbackKind.LIKE, FeedbackKind.DISLIKE, FeedbackKind.CORRECTION


async def kept(database: Database) -> int:
    """How many exchanges there are."""
    async with database.read() as conn:
        return (await conn.execute(select(func.count()).select_from(table))).scalar_one()


async def said(database: Database) -> list[tuple[str, FeedbackKind, str]]:
    """All feedback: who, what, with what text."""
    async with database.read() as conn:
        names = {member.id: member.name for member in await members.every(conn)}
        return [(names[e.member], e.kind, e.text) for e in await feedback.events(conn)]


async def test_a_line_becomes_an_exchange_with_its_feedback(
    database: Database, tmp_path: Path
) -> None:
    file = written(tmp_path, line(rating=-1, channel="general", rater="ana", correction="Better"))
    result = await import_file(database, file, persona="Be kind.", at=NOW)
    assert result == ImportResult(1, 0, [])
    async with database.read() as conn:
        [judged] = await exchanges.judged(conn, trained_by_default=False)
        [channel] = await conversations.every(conn)
        [ana] = await members.every(conn)
    one = judged.exchange
    assert (one.finish, one.origin, one.adapter) == (Finish.IMPORTED, "import", BASE)
    assert (one.base_model, one.asker, one.created_at) == ("import", None, NOW)
    assert (one.prompt.persona, one.reply) == ("Be kind.", "Hello!")
    assert (channel.place.platform, channel.place.channel) == ("import", "general")
    assert (ana.platform, ana.external_id, ana.consent.trained) == ("import", "ana", True)
    assert judged.consented, "who imports a conversation answers for it"
    assert [(e.kind, e.text, e.via, e.at) for e in judged.feedback] == [
        (DISLIKE, "", "import", NOW),
        (CORRECTION, "Better", "import", NOW),
    ]


async def test_bad_lines_are_reported_by_number_and_the_others_kept(
    database: Database, tmp_path: Path
) -> None:
    huge = b'{"messages": "' + b"x" * (2 * LONGEST_LINE) + b'"}'
    file = written(tmp_path, line(rating=1), "oops", "", huge, b"\xff", line("Other", rating=1))
    result = await import_file(database, file)
    assert (result.imported, result.duplicates) == (2, 0)
    assert [(p.line, p.reason) for p in result.skipped] == [
        (2, "it is not JSON"),
        (4, "it is longer than 4 MiB"),
        (5, "it is not UTF-8 text"),
    ]
    assert all(isinstance(problem, Problem) for problem in result.skipped)
    assert await kept(database) == 2


async def test_the_same_file_twice_changes_nothing(database: Database, tmp_path: Path) -> None:
    file = written(
        tmp_path,
        line(rating=1, rater="ana"),
        line(rating=1, rater="ana"),
        line(rating=-1, rater="ana"),  # she changed her mind
        line(rating=1, rater="bob", correction="Better"),
        line("Other"),
    )
    assert await import_file(database, file) == ImportResult(4, 1, [])
    before = await said(database)
    assert before == [("ana", DISLIKE, ""), ("bob", LIKE, ""), ("bob", CORRECTION, "Better")]
    assert await import_file(database, file) == ImportResult(0, 5, [])
    assert (await kept(database), await said(database)) == (2, before)


async def test_a_file_that_grew_brings_only_what_is_new(database: Database, tmp_path: Path) -> None:
    first = [line(rating=1, rater="ana"), line("Two", rating=1, rater="ana")]
    await import_file(database, written(tmp_path, *first))
    grown = [
        *first,
        line("Three", rating=1),
        line(rating=1, rater="bob"),
        line(rating=-1, rater="ana"),
    ]
    result = await import_file(database, written(tmp_path, *grown))
    assert (result.imported, result.duplicates) == (3, 2)
    assert await kept(database) == 3
    assert (await said(database))[2:] == [
        ("bob", LIKE, ""),
        ("ana", DISLIKE, ""),
        ("import", LIKE, ""),
    ]


async def test_a_line_without_a_verdict_is_kept_unjudged(
    database: Database, tmp_path: Path
) -> None:
    assert (await import_file(database, written(tmp_path, line()))).imported == 1
    assert (await kept(database), await said(database)) == (1, [])


async def test_what_is_imported_is_nobodys_context(database: Database, tmp_path: Path) -> None:
    await import_file(database, written(tmp_path, line(rating=1, channel="general")))
    async with database.read() as conn:
        [channel] = await conversations.every(conn)
        assert await conversations.history(conn, channel.id) == []


async def test_a_full_disk_imports_nothing(database: Database, tmp_path: Path) -> None:
    lines = [line(f"{number} " + "x" * 5000, rating=1) for number in range(200)]
    file = written(tmp_path, *lines)
    async with database.read() as conn:  # the one connection that the pool will hand out again
        used = (await conn.execute(text("PRAGMA page_count"))).scalar_one()
        await conn.execute(text(f"PRAGMA max_page_count = {used + 20}"))
    with pytest.raises(StoreError, match="disk is full: nothing was saved"):
        await import_file(database, file)
    assert (await kept(database), await said(database)) == (0, [])
    async with database.read() as conn:
        assert await members.every(conn) == []
        await conn.execute(text("PRAGMA max_page_count = 1000000"))
    assert (await import_file(database, file)).imported == 200


async def test_thousands_of_lines(database: Database, tmp_path: Path) -> None:
    lines = [line(f"Reply {n}", rating=1, rater=f"rater {n % 50}") for n in range(5000)]
    assert (await import_file(database, written(tmp_path, *lines))).imported == 5000
    async with database.read() as conn:
        replies = [
            one.exchange.reply for one in await exchanges.judged(conn, trained_by_default=True)
        ]
    assert replies == [f"Reply {n}" for n in range(5000)], "in the order of the file"


async def test_a_file_that_cannot_be_read_is_one_sentence(
    database: Database, tmp_path: Path
) -> None:
    for path in (tmp_path / "nowhere.jsonl", tmp_path):
        with pytest.raises(StoreError, match="cannot be read"):
            await import_file(database, path)


@pytest.mark.parametrize("content", [b"", b"\n\n", b"\xff\xfeh\x00i\x00", b"PK\x03\x04\x00\x00"])
async def test_a_file_of_another_kind_imports_nothing(
    database: Database, tmp_path: Path, content: bytes
) -> None:
    assert (await import_file(database, written(tmp_path, content))).imported == 0
    assert await kept(database) == 0


async def test_a_long_import_tells_how_far_it_is(database: Database, tmp_path: Path) -> None:
    file = written(tmp_path, *[line(reply=f"yes {number}") for number in range(5000)])
    heard: list[tuple[str, int, int]] = []
    await import_file(database, file, heard=lambda *words: heard.append(words))
    size = file.stat().st_size
    assert [stage for stage, done, total in heard if done == total] == [
        "reading",
        "looking for what is known already",
        "keeping the replies",
        "keeping the ratings",
    ]
    assert ("reading", size, size) in heard
    assert [done for stage, done, _ in heard if stage == "keeping the replies"] == [
        2000,
        4000,
        5000,
    ]
