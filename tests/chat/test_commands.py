"""The commands: what they do, who may give them, what is written down."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from bot.chat.commands import COMMANDS
from bot.domain import (
    Adapter,
    AdapterState,
    ChannelKind,
    FeedbackKind,
    RequestKind,
    Role,
    RoundState,
)
from bot.store import adapters, audit, exchanges, feedback, presence, requests, rounds
from bot.store.tables import messages
from tests.chat.conftest import House
from tests.fakes import START, person, place

ADMIN = person("boss", Role.ADMIN)
MODERATOR = person("mo", Role.MODERATOR)


async def publish(house: House, count: int) -> None:
    """As many versions as given, the last of them live."""
    for _ in range(count):
        async with house.database.write() as tx:
            fresh = Adapter(0, "fake", 0, AdapterState.CANDIDATE, "v", "0" * 64, {}, START)
            version = (await adapters.add(tx, fresh)).version
            await adapters.promote(
                tx, version, base_model="fake", actor="learner", at=START, kind="round"
            )


async def live(house: House) -> int:
    async with house.database.read() as conn:
        found = await adapters.live(conn, "fake")
    return found.version if found else 0


@pytest.mark.parametrize("role", list(Role))
async def test_help_shows_what_the_role_may_do(house: House, role: Role) -> None:
    said = await house.order("/help", person("p", role))
    shown = {line.split()[0].strip("/:") for line in said.splitlines()[1:]}
    assert shown == {c.name for c in COMMANDS.values() if role.may_act_as(c.role)}


@pytest.mark.parametrize("name", [c.name for c in COMMANDS.values() if c.role is Role.ADMIN])
@pytest.mark.parametrize("who", [person("p"), MODERATOR])
async def test_admin_commands_are_refused_to_others(house: House, name: str, who: object) -> None:
    await publish(house, 2)
    said = await house.order(f"/{name} 1", who)  # type: ignore[arg-type]
    assert said == f"/{name} is for admins."
    assert await live(house) == 2


@pytest.mark.parametrize("what", ["now", "cancel"])
async def test_training_is_for_admins(house: House, what: str) -> None:
    assert await house.order(f"/train {what}", MODERATOR) == f"/train {what} is for admins."
    async with house.database.read() as conn:
        assert await requests.pending(conn) == []


async def test_bots_give_no_commands(house: House) -> None:
    robot = person("robot", Role.ADMIN, is_bot=True)
    assert await house.order("/train now", robot) == "Bots give no commands."


@pytest.mark.parametrize("house", [{"member_rate": 2}], indirect=True)
async def test_commands_have_a_rate_but_not_for_staff(house: House) -> None:
    said = [await house.order("/help") for _ in range(3)]
    assert said[-1].startswith("One moment")
    assert not (await house.order("/help", ADMIN)).startswith("One moment")


async def test_a_version_that_no_database_can_hold(house: House) -> None:
    assert "Say which version" in await house.order("/promote " + "9" * 20, ADMIN)


async def test_unknown_command(house: House) -> None:
    assert "/help" in await house.order("/dance")
    assert "/help" in await house.order("/")


async def test_reset_forgets_the_context(house: House) -> None:
    await house.say("my name is Ana")
    await house.order("/reset")
    await house.say("what is my name?")
    turns = house.generator.jobs[-1].prompt.turns
    assert [turn.text for turn in turns] == ["what is my name?"]


async def test_train_now_leaves_a_request_and_an_audit_line(house: House) -> None:
    said = await house.order("/train now", ADMIN)
    assert "not running" in said, "without a learner the admin is told"
    await house.order("/train now", ADMIN)
    async with house.database.read() as conn:
        assert [r.kind for r in await requests.pending(conn)] == [RequestKind.TRAIN]
        assert [(a.actor, a.action) for a in await audit.recent(conn)][-1] == (
            "terminal:boss",
            "train now",
        )


async def test_train_while_a_round_runs(house: House) -> None:
    async with house.database.write() as tx:
        await presence.show(tx, "learner", 1, START)
        running = await rounds.create(tx, trigger="schedule", seed=1, base_model="fake", at=START)
        await rounds.move(tx, running.id, RoundState.TRAINING, START)
    assert "running already" in await house.order("/train now", ADMIN)
    assert "training" in await house.order("/train status")
    assert "cancelled" in await house.order("/train cancel", ADMIN)
    async with house.database.read() as conn:
        assert [r.kind for r in await requests.pending(conn)] == [RequestKind.CANCEL]


async def test_cancel_takes_back_a_request_that_has_not_begun(house: House) -> None:
    assert await house.order("/train cancel", ADMIN) == "No round is running."
    await house.order("/train now", ADMIN)
    await house.order("/train cancel", ADMIN)
    async with house.database.read() as conn:
        assert await requests.pending(conn) == []


async def test_promote_and_rollback(house: House) -> None:
    await publish(house, 3)
    assert "Version 1 is live now in place of version 3" in await house.order("/promote 1", ADMIN)
    assert await live(house) == 1
    assert "live already" in await house.order("/promote v1", ADMIN)
    assert "There is no adapter version 9" in await house.order("/promote 9", ADMIN)
    assert "Say which version" in await house.order("/promote one", ADMIN)
    async with house.database.read() as conn:
        assert (await audit.recent(conn))[0].action == "promote"


async def test_rollback_goes_further_back_each_time(house: House) -> None:
    await publish(house, 2)
    assert "Version 1 is live now" in await house.order("/rollback", ADMIN)
    assert "The base model is live now" in await house.order("/rollback", ADMIN)
    assert "Nothing to roll back" in await house.order("/rollback", ADMIN)
    assert await live(house) == 0


async def test_adapters_lists_versions(house: House) -> None:
    assert "No adapter yet" in await house.order("/adapters", MODERATOR)
    await publish(house, 2)
    said = (await house.order("/adapters", MODERATOR)).splitlines()
    assert [line.split(",")[0] for line in said] == ["1: retired", "2: live"]


async def test_status_counts(house: House) -> None:
    await house.say("hello")
    await house.rate(FeedbackKind.LIKE)
    said = await house.order("/status")
    assert "1 👍, 0 👎, 0 ✏️" in said
    assert "base model" in said


async def test_privacy_choices_are_kept(house: House) -> None:
    assert "Learning from replies to you: on" in await house.order("/privacy")
    assert "Learning from replies to you: off" in await house.order("/privacy learning off")
    assert "Learning from replies to you: off" in await house.order("/privacy")
    assert "Say /privacy" in await house.order("/privacy everything off")
    await house.order("/privacy answering off")
    assert not (await house.say("hello")).finished


@pytest.mark.parametrize("house", [{"consent": "opt-in"}], indirect=True)
async def test_opt_in_means_not_trained_until_chosen(house: House) -> None:
    assert "Learning from replies to you: off" in await house.order("/privacy")
    assert "Learning from replies to you: on" in await house.order("/privacy learning on")


async def test_forget_asks_first_and_then_deletes(house: House) -> None:
    number = (await house.say("my secret")).finished[0][1]
    await house.rate(FeedbackKind.LIKE)
    assert "Say /forget yes" in await house.order("/forget")
    async with house.database.read() as conn:
        assert (await exchanges.get(conn, number)).reply
    assert "Done" in await house.order("/forget yes")
    async with house.database.read() as conn:
        exchange = await exchanges.get(conn, number)
        texts = (await conn.execute(select(messages.c.text))).scalars().all()
        assert await feedback.events(conn) == []
    assert (exchange.reply, exchange.prompt.turns) == ("", ())
    assert "my secret" not in texts
    await house.say("who am I?")
    assert [t.text for t in house.generator.jobs[-1].prompt.turns] == ["who am I?"]


async def test_flag(house: House) -> None:
    assert "no reply here yet" in await house.order("/flag")
    number = (await house.say("hello")).finished[0][1]
    await house.order("/flag it is rude")
    async with house.database.read() as conn:
        [event] = await feedback.events(conn, number)
    assert (event.kind, event.text) == (FeedbackKind.FLAG, "it is rude")


async def test_persona_is_the_channels_own(house: House) -> None:
    await house.order("/persona You are a pirate.", ADMIN)
    await house.say("hello")
    await house.say("hello", where=place("elsewhere"))
    assert [job.prompt.persona for job in house.generator.jobs] == ["You are a pirate.", "P"]
    assert "pirate" in await house.order("/persona", ADMIN)
    await house.order("/persona reset", ADMIN)
    await house.say("hello")
    assert house.generator.jobs[-1].prompt.persona == "P"
    assert "at most" in await house.order("/persona " + "x" * 2000, ADMIN)


async def test_channel_mode(house: House) -> None:
    hall = place(kind=ChannelKind.GROUP)
    await house.order("/channel on", ADMIN, hall)
    assert (await house.say("to nobody", where=hall, addressed=False)).finished
    await house.order("/channel off", ADMIN, hall)
    assert not (await house.say("hey bot", where=hall)).finished
    assert "Say /channel" in await house.order("/channel maybe", ADMIN, hall)
