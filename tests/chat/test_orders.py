"""Orders that change when the bot learns, ask before they act, or hand out a copy."""

from __future__ import annotations

import asyncio
import gc
import json
from contextlib import aclosing

import pytest

from bot.domain import FeedbackKind, RequestKind, RoundState, Schedule
from bot.store import audit, memos, requests, rounds
from tests.chat.conftest import House
from tests.chat.test_news import ADMIN, learn
from tests.fakes import person, place


@pytest.mark.parametrize(
    ("line", "schedule", "said"),
    [
        ("/learning pause", Schedule(paused=True), "paused"),
        ("/learning schedule 90", Schedule(every=90), "every 90 minutes"),
        ("/learning schedule 1", Schedule(every=1), "every minute"),
        ("/learning schedule 0 3 * * *", Schedule(cron="0 3 * * *"), "the schedule 0 3 * * *"),
    ],
)
async def test_admins_change_when_it_learns(
    house: House, line: str, schedule: Schedule, said: str
) -> None:
    assert said in await house.order(line, ADMIN)
    async with house.database.read() as conn:
        assert await memos.schedule(conn) == schedule
        assert [act.action for act in await audit.recent(conn)] == ["learning"]
    assert said in await house.order("/learning", ADMIN)


async def test_a_pause_ends_and_a_schedule_is_reset_each_on_its_own(house: House) -> None:
    for line in ("/learning schedule 90", "/learning pause", "/learning schedule reset"):
        await house.order(line, ADMIN)
    async with house.database.read() as conn:
        assert await memos.schedule(conn) == Schedule(paused=True)
    assert "every 360 minutes" in await house.order("/learning resume", ADMIN)
    async with house.database.read() as conn:
        assert await memos.schedule(conn) == Schedule()


@pytest.mark.parametrize(
    "line",
    [
        "/learning schedule 0",
        "/learning schedule tomorrow",
        "/learning fast",
        "/learning schedule 99999999999",
        "/learning schedule 61 * * * *",
    ],
)
async def test_nonsense_changes_nothing(house: House, line: str) -> None:
    assert "Say /learning" in await house.order(line, ADMIN)
    async with house.database.read() as conn:
        assert await memos.schedule(conn) == Schedule()


async def test_members_change_nothing(house: House) -> None:
    assert "for admins" in await house.order("/learning pause", person("ana"))


async def test_what_matters_is_asked_first_where_a_platform_can(house: House) -> None:
    await house.say("hello")
    version = await learn(house)
    asked = await house.room.command(ADMIN, place(), "/rollback", ask=True)
    assert asked.confirm == "/rollback"
    assert "base model" in asked.text
    asked = await house.room.command(ADMIN, place(), "/promote 0", ask=True)
    assert asked.confirm == "/promote 0"
    async with house.database.read() as conn:
        assert not [a for a in await audit.recent(conn) if a.action in ("promote", "rollback")]
    done = await house.room.command(ADMIN, place(), asked.confirm)
    assert not done.confirm
    assert f"in place of version {version}" in done.text
    assert (await house.room.command(person("ana"), place(), "/rollback", ask=True)).refused
    assert (await house.room.command(person("ana"), place(), "/forget")).confirm == "/forget yes"


async def test_a_copy_holds_all_of_mine_and_nothing_of_others(house: House) -> None:
    await house.say("my words", person("ana"))
    await house.rate(FeedbackKind.CORRECTION, "my better answer", who=person("ana"))
    await house.say("words of bob", person("bob"))
    answer = await house.room.command(person("ana"), place(), "/privacy export")
    assert answer.attachment is not None
    data = json.loads(answer.attachment.data)
    assert [said["text"] for said in data["messages"]] == ["my words"]
    assert [one["reply"] for one in data["replies"]] == ["You said: my words"]
    assert [one["text"] for one in data["ratings"]] == ["my better answer"]
    assert "bob" not in answer.attachment.data.decode()


async def test_progress_is_told_until_the_round_has_ended(house: House) -> None:
    house.room._glance = 0.001
    async with house.database.write() as tx:
        await requests.ask(tx, RequestKind.TRAIN, house.clock())
    told: list[str] = []
    seen = asyncio.Event()

    async def follow() -> None:
        async for text in house.room.progress():
            told.append(text)
            seen.set()

    following = asyncio.create_task(follow())
    await seen.wait()
    assert "will begin shortly" in told[-1]
    async with house.database.write() as tx:
        [wish] = await requests.pending(tx)
        await requests.answer(tx, wish.id, "begun", house.clock())
        this = await rounds.create(
            tx, trigger="request", base_model="fake", seed=1, at=house.clock()
        )
    seen.clear()
    await seen.wait()
    assert f"Round {this.id}: queued" in told[-1]
    async with house.database.write() as tx:
        await rounds.move(
            tx, this.id, RoundState.SKIPPED, house.clock(), reason="Too little to learn from."
        )
    await following
    assert "Too little to learn from." in told[-1]


async def test_following_progress_can_be_cut_off_at_any_moment(house: House) -> None:
    """A page that is closed, or a bot that ends, cancels whoever follows and closes the store."""
    house.room._glance = 0
    async with house.database.write() as tx:
        await requests.ask(tx, RequestKind.TRAIN, house.clock())

    async def follow() -> None:
        async with aclosing(house.room.progress()) as progress:
            async for _ in progress:
                pass

    for steps in range(0, 200, 5):
        following = asyncio.create_task(follow())
        for _ in range(steps):
            await asyncio.sleep(0)
        following.cancel()
        await house.database.close()
        await asyncio.wait([following])
    gc.collect()  # a connection that was left behind complains here, and that fails the test


async def test_progress_of_nothing_is_told_once(house: House) -> None:
    assert [text async for text in house.room.progress()] == ["No round of learning has run yet."]


async def test_a_menu_names_every_command_with_its_role(house: House) -> None:
    menu = {entry.name: entry for entry in house.room.menu()}
    assert {"help", "train", "review", "privacy", "stats", "announce"} <= set(menu)
    assert menu["train"].usage == "now|status|cancel"
    assert menu["rollback"].role == "admin"
