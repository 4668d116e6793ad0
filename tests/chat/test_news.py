"""What is told after a promotion, where, and only once; statistics in words and as a picture."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from bot.chat import chart, news, stats
from bot.domain import Adapter, AdapterState, FeedbackKind, Part, Place, Role, RoundState
from bot.platforms.base import Capabilities, Room
from bot.store import adapters, rounds
from bot.store.rounds import Lesson
from tests.chat.conftest import House
from tests.fakes import person

ADMIN = person("owner")


@dataclass
class Crier:
    """A platform that keeps what it announced."""

    name: str = "terminal"
    capabilities: Capabilities = field(default_factory=Capabilities)
    told: list[tuple[Place, str]] = field(default_factory=list)

    async def run(self, room: Room) -> None:
        """Nothing comes in."""

    async def announce(self, place: Place, text: str) -> None:
        self.told.append((place, text))


async def learn(house: House, kind: str = "round") -> int:
    """A round that ends in a version which goes live."""
    now, base = house.clock(), house.generator.base_model
    async with house.database.write() as tx:
        this = await rounds.create(tx, trigger="command", base_model=base, seed=1, at=now)
        await rounds.record(tx, this.id, [Lesson(1, Part.NEW, 1.0)])
        metrics = {
            "held_out": {"live": 2.0, "candidate": 1.5, "base": 2.0, "count": 4},
            "anchors": {"live": 2.0, "candidate": 2.02, "base": 2.0, "count": 9},
        }
        new = Adapter(
            0, base, 0, AdapterState.CANDIDATE, "v0001", "0" * 64, metrics, now, round=this.id
        )
        version = (await adapters.add(tx, new)).version
        await rounds.move(tx, this.id, RoundState.CURATING, now)
        await rounds.move(tx, this.id, RoundState.TRAINING, now)
        await rounds.move(tx, this.id, RoundState.EVALUATING, now)
        await rounds.move(tx, this.id, RoundState.PROMOTED, now, report={"metrics": metrics})
        await adapters.promote(tx, version, base_model=base, actor="learner", at=now, kind=kind)
    return version


async def test_a_promotion_is_told_once_where_it_is_wanted(house: House) -> None:
    await house.say("hello")
    await house.rate(FeedbackKind.LIKE)
    await house.order("/announce on", ADMIN)
    crier = Crier()
    assert await news.tell(house.services, {"terminal": crier}) == 0
    await learn(house)
    assert await news.tell(house.services, {"terminal": crier}) == 1
    assert await news.tell(house.services, {"terminal": crier}) == 0
    [(place, text)] = crier.told
    assert place.channel == "hall"
    assert "version 1" in text
    assert "1 reply that 1 person rated" in text
    assert "25% less" in text
    assert "+1.0%" in text
    assert "/rollback" in text


async def test_nothing_is_told_unasked_nor_of_the_past_nor_of_a_rollback(house: House) -> None:
    await house.say("hello")
    crier = Crier()
    await learn(house)
    await house.order("/announce on", ADMIN)
    assert await news.tell(house.services, {"terminal": crier}) == 0  # that was before we looked
    await house.order("/rollback", ADMIN)
    assert await news.tell(house.services, {"terminal": crier}) == 0
    await house.order("/announce off", ADMIN)
    await learn(house)
    assert await news.tell(house.services, {"terminal": crier}) == 0
    assert not crier.told


async def test_only_admins_switch_the_news_on(house: House) -> None:
    assert "for admins" in await house.order("/announce on", person("ana"))
    assert "Say /announce" in await house.order("/announce maybe", ADMIN)


async def test_statistics_count_votes_in_force_by_day_week_and_version(house: House) -> None:
    await house.say("one")
    await house.say("two")
    house.generator.live = 3
    await house.say("three")
    await house.rate(FeedbackKind.LIKE, exchange=1)
    await house.rate(FeedbackKind.DISLIKE, exchange=1)  # changed their mind
    await house.rate(FeedbackKind.LIKE, exchange=2, who=person("bob"))
    await house.rate(FeedbackKind.LIKE, exchange=3)
    await learn(house)
    async with house.database.read() as conn:
        found = await stats.gather(conn, house.clock())
    assert len(found.by_day) == stats.DAYS
    assert found.by_day[-1] == (house.clock().date(), 2, 1)
    assert [tuple(week)[1:] for week in found.approval_by_week] == [(0, 1, 1), (3, 1, 0)]
    [lesson] = found.by_round
    assert (lesson.held_out_live, lesson.held_out_candidate) == (2.0, 1.5)
    assert lesson.retention_live is None
    assert "version 3: 1 👍, 0 👎 (100% approval)" in "\n".join(found.lines())


async def test_stats_come_with_a_picture_for_admins_alone(house: House) -> None:
    await house.say("hello")
    await house.rate(FeedbackKind.LIKE)
    answer = await house.room.command(
        replace(ADMIN, role=Role.MEMBER), Place("terminal", "home", "hall"), "/stats"
    )
    assert answer.attachment is not None
    assert answer.attachment.data.startswith(b"\x89PNG")
    assert "1 👍" in answer.text
    assert "for admins" in await house.order("/stats", person("ana"))


def test_a_picture_of_nothing_can_be_drawn() -> None:
    assert chart.draw(stats.Stats([], [], [])).startswith(b"\x89PNG")
