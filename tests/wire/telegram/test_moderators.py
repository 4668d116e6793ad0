"""What a group's administrators do: review, rule, train, and set the house in order."""

from __future__ import annotations

import asyncio

import pytest

from bot.chat.commands import COMMANDS
from bot.domain import Place, Progress, Role, RoundState
from bot.store import presence, rounds
from tests.wire.telegram import town
from tests.wire.telegram.house import House
from tests.wire.telegram.people import Human
from tests.wire.telegram.server import BotApi
from tests.wire.telegram.town import answered, group, replies, said, spoken
from tests.wire.telegram.world import Chat, Membership, Message


@pytest.fixture
def hall(api: BotApi, ana: Human, bo: Human, mod: Human) -> Chat:
    """A group that Mod rules."""
    return group(api, ana, bo, admins=(mod,))


async def disliked(api: BotApi, chat: Chat, asker: Human, rater: Human, text: str) -> Message:
    """A reply that somebody disliked."""
    before = len(town.rated(api, chat))
    asker.say(chat, f"/chat {text}")
    reply = (await replies(api, chat, before + 1))[-1]
    await answered(api, rater.press(reply, "👎"))
    return reply


async def rulings(house: House) -> list[tuple[str, str, str]]:
    """All rulings: on which reply, what, and with which better answer."""
    found = await house.rows(
        "SELECT e.reply, d.ruling, d.text FROM decisions d "
        "JOIN exchanges e ON e.id = d.exchange_id ORDER BY d.id"
    )
    return [(str(reply), str(ruling), str(text)) for reply, ruling, text in found]


async def test_a_moderator_goes_through_the_queue(
    api: BotApi, house: House, hall: Chat, ana: Human, bo: Human, mod: Human
) -> None:
    for text in ("one", "two", "three"):
        await disliked(api, hall, ana, bo, text)
    mod.say(hall, "/review")
    card = await said(api, hall, "3 to review")
    assert "Bo" in card.text
    mod.press(card, "✅")
    second = await said(api, hall, "2 to review")
    assert not card.labels
    mod.press(second, "❌")
    third = await said(api, hall, "1 to review")
    mod.press(third, "✏️ Correct")
    asked = await api.until(
        lambda: next((m for m in spoken(api, hall) if m.asks), None), "a forced reply"
    )
    mod.say(hall, "Better so.", reply=asked)
    await said(api, hall, "nothing to review")
    kinds = [(kind, text) for _, kind, text in await rulings(house)]
    assert kinds == [("approve", ""), ("reject", ""), ("correct", "Better so.")]


async def test_a_raters_votes_can_be_banned(
    api: BotApi, house: House, hall: Chat, ana: Human, bo: Human, mod: Human
) -> None:
    await disliked(api, hall, ana, bo, "one")
    mod.say(hall, "/review")
    card = await said(api, hall, "1 to review")
    mod.press(card, "🚫")
    await said(api, hall, "ignored")
    trust = await house.rows(f"SELECT trust FROM members WHERE external_id = '{bo.user.id}'")
    assert trust == [(0.0,)]


async def test_rulings_as_replies(
    api: BotApi, house: House, hall: Chat, ana: Human, mod: Human
) -> None:
    found = []
    for number, text in enumerate(("one", "two", "three"), 1):
        ana.say(hall, f"/chat {text}")
        found.append((await replies(api, hall, number))[-1])
    for line, reply, thanks in zip(
        ("/approve", "/reject", "/correct Three it is."),
        found,
        ("Approved", "Rejected", "Corrected"),
        strict=True,
    ):
        mod.say(hall, line, reply=reply)
        await said(api, hall, thanks)
    assert {m.text.partition(".")[0] for m in spoken(api, hall)} >= {
        "Approved: reply 1",
        "Rejected: reply 2",
        "Corrected: reply 3",
    }
    assert await rulings(house) == [
        ("You said: one", "approve", ""),
        ("You said: two", "reject", ""),
        ("You said: three", "correct", "Three it is."),
    ]
    mod.say(hall, "/why", reply=found[0])
    why = await said(api, hall, "seed")
    assert "Ruling: approve" in why.text


@pytest.mark.parametrize("line", ["/reject", "/correct No!", "/better No!", "/flag", "/ban"])
async def test_a_word_on_what_is_no_reply_of_the_bots_is_about_no_reply(
    api: BotApi, house: House, hall: Chat, ana: Human, bo: Human, mod: Human, line: str
) -> None:
    await disliked(api, hall, ana, bo, "one")
    mod.say(hall, line, reply=bo.say(hall, "one is a silly number"))
    await said(api, hall, "do not know that message as a reply of mine")
    assert await rulings(house) == []
    assert [kind for _, kind in await house.votes()] == ["dislike"]
    assert await house.rows("SELECT * FROM members WHERE trust < 1") == []


async def test_a_rater_is_banned_by_number_in_answer_to_whatever(
    api: BotApi, house: House, hall: Chat, ana: Human, bo: Human, mod: Human
) -> None:
    await disliked(api, hall, ana, bo, "one")
    [(number,)] = await house.rows(f"SELECT id FROM members WHERE external_id = '{bo.user.id}'")
    mod.say(hall, f"/ban {number}", reply=bo.say(hall, "one is a silly number"))
    await said(api, hall, "count for nothing")


async def test_members_may_not_rule(
    api: BotApi, house: House, hall: Chat, ana: Human, bo: Human, mod: Human
) -> None:
    reply = await disliked(api, hall, ana, bo, "one")
    ana.say(hall, "/approve", reply=reply)
    await said(api, hall, "/approve is for moderators")
    mod.say(hall, "/review")
    card = await said(api, hall, "1 to review")
    assert "for moderators" in await answered(api, ana.press(card, "✅"))
    assert card.labels
    for line in ("/promote 0", "/train now", "/learning pause", "/stats", "/persona x"):
        ana.say(hall, line)
        await said(api, hall, f"{line.split()[0]}{' now' if 'train' in line else ''} is for admins")
    assert await rulings(house) == []


@pytest.mark.parametrize("role", list(Role))
async def test_every_command_is_for_its_role_alone(
    api: BotApi, house: House, ana: Human, bo: Human, mod: Human, role: Role
) -> None:
    del house
    hall = group(api, ana, mod, admins=(bo,))
    hall.members[mod.user.id] = Membership(mod.user, "administrator", rights=False)
    who = {Role.MEMBER: ana, Role.MODERATOR: mod, Role.ADMIN: bo}[role]
    ana.say(hall, "/chat tea?")
    await replies(api, hall)
    words = {"unban": "7", "promote": "0", "channel": "on", "announce": "on", "ban": "9"}
    lines = [(f"/{c.name} {words.get(c.name, '')}".strip(), c.role) for c in COMMANDS.values()]
    lines += [("/train now", Role.ADMIN), ("/train cancel", Role.ADMIN)]
    for line, needed in lines:
        before = len(spoken(api, hall))
        who.say(hall, line)
        await api.until(lambda n=before: len(spoken(api, hall)) > n, f"an answer to {line}")  # type: ignore[misc]
        what = line if line.startswith("/train ") else line.split()[0]
        refused = f"{what} is for {needed.value}s." in spoken(api, hall)[before].text
        assert refused is not role.may_act_as(needed), line


async def test_who_rules_is_asked_of_telegram_and_forgotten_soon(
    api: BotApi, house: House, hall: Chat, ana: Human, mod: Human
) -> None:
    ana.say(hall, "/chat one")
    (reply,) = await replies(api, hall)
    mod.say(hall, "/approve", reply=reply)
    await said(api, hall, "Approved")
    mod.say(hall, "/reject", reply=reply)
    await said(api, hall, "Rejected")
    assert len(api.made("getChatAdministrators")) <= 2
    hall.members[mod.user.id].status = "member"
    await asyncio.sleep(120)  # of the loop's brisk seconds
    mod.say(hall, "/approve", reply=reply)
    await said(api, hall, "/approve is for moderators")
    assert [kind for _, kind, _ in await rulings(house)] == ["approve", "reject"]


async def test_rights_in_one_group_are_none_in_another(
    api: BotApi, house: House, hall: Chat, ana: Human, bo: Human, mod: Human
) -> None:
    await disliked(api, hall, ana, bo, "one")
    other = group(api, mod, admins=(bo,))
    mod.say(other, "/review")
    await said(api, other, "/review is for moderators")
    bo.say(other, "/review")
    await said(api, other, "nothing to review")
    mod.say(mod.private, "/train now")
    await said(api, mod.private, "for admins")
    assert await house.rows("SELECT * FROM requests") == []


async def test_an_anonymous_administrator_is_a_moderator(
    api: BotApi, house: House, hall: Chat, ana: Human, mod: Human
) -> None:
    mod.say(hall, "/chat my own words")
    await replies(api, hall)
    hall.members[mod.user.id].anonymous = True
    mod.say(hall, "@thumbwise_bot hello from nobody")
    reply = (await replies(api, hall, 2))[-1]
    mod.say(hall, "/approve", reply=reply)
    await said(api, hall, "Approved")
    mod.say(hall, "/promote 0")
    await said(api, hall, "/promote is for admins")
    mod.say(hall, "/forget")
    asked = await said(api, hall, "for good")
    wrong = ana.press(asked, "Confirm")
    await api.until(lambda: wrong.answered, "a member is told")
    assert wrong.alert
    mod.press(asked, "Confirm")  # buttons are pressed under the own name
    await said(api, hall, "deleted")
    kept = str(await house.rows("SELECT text FROM messages"))
    assert "hello from nobody" not in kept
    assert "my own words" in kept  # they were said under a name, and that one forgets nothing


async def test_a_round_is_followed_as_it_goes(
    api: BotApi, house: House, hall: Chat, mod: Human
) -> None:
    async with house.database.write() as tx:
        await presence.show(tx, "learner", 1, house.clock())
    mod.say(hall, "/train now")
    await said(api, hall, "I asked for a round")
    assert await house.rows("SELECT kind FROM requests") == [("train",)]
    async with house.database.write() as tx:
        new = await rounds.create(
            tx, trigger="request", seed=1, base_model="fake", at=house.clock()
        )
        await rounds.move(tx, new.id, RoundState.TRAINING, house.clock())
        await rounds.show_progress(tx, new.id, Progress(step=5, steps=10))
    shown = await said(api, hall, "5/10")
    assert len(shown.versions) > 1
    mod.say(hall, "/train cancel")
    await said(api, hall, "being cancelled")
    async with house.database.write() as tx:
        await rounds.move(tx, new.id, RoundState.CANCELLED, house.clock())
    await api.until(lambda: "cancelled" in shown.text, "the end is shown")


async def test_versions_are_listed_and_switched_after_a_question(
    api: BotApi, house: House, hall: Chat, mod: Human
) -> None:
    mod.say(hall, "/adapters")
    await said(api, hall, "No adapter yet")
    mod.say(hall, "/promote 7")
    asked = await said(api, hall, "Shall it?")
    mod.press(asked, "Confirm")
    await api.until(lambda: not asked.labels, "it was tried")
    assert "7" in asked.text
    mod.say(hall, "/rollback")
    await said(api, hall, "roll")
    assert await house.rows("SELECT * FROM promotions") == []


async def test_learning_is_paused_and_scheduled(
    api: BotApi, house: House, hall: Chat, mod: Human
) -> None:
    mod.say(hall, "/learning pause")
    await said(api, hall, "paused")
    mod.say(hall, "/learning schedule 90")
    await said(api, hall, "every 90 minutes")
    mod.say(hall, "/learning resume")
    await said(api, hall, "looks for work every 90 minutes")
    assert len(await house.rows("SELECT * FROM audit WHERE action = 'learning'")) == 3


@pytest.mark.usefixtures("house")
async def test_the_figures_come_as_a_picture(api: BotApi, hall: Chat, mod: Human) -> None:
    mod.say(hall, "/stats")
    photo = await api.until(
        lambda: next((m for m in spoken(api, hall) if "photo" in m.data), None), "a picture"
    )
    assert photo.text


async def test_persona_and_when_the_bot_answers(
    api: BotApi, house: House, hall: Chat, ana: Human, mod: Human
) -> None:
    api.world.privacy = False
    mod.say(hall, "/persona You are a pirate.")
    await said(api, hall, "persona here is changed")
    mod.say(hall, "/channel on")
    await said(api, hall, "every message here")
    ana.say(hall, "hello all")
    await replies(api, hall)
    assert house.voice.prompts[-1].persona == "You are a pirate."
    mod.say(hall, "/channel off")
    await said(api, hall, "no longer answer here")
    ana.say(hall, "@thumbwise_bot hello?")
    mod.say(hall, "/channel mention-only")
    await said(api, hall, "when I am addressed")
    ana.say(hall, "@thumbwise_bot back?")
    found = await replies(api, hall, 2)
    assert "back?" in found[1].text


@pytest.mark.parametrize("quiet_house", [{"admins": ("telegram:5000000001",)}], indirect=True)
async def test_admins_of_the_settings_rule_everywhere(
    api: BotApi, quiet_house: House, ana: Human
) -> None:
    assert ana.user.id == 5000000001
    await quiet_house.start()
    ana.say(ana.private, "/learning pause")
    await said(api, ana.private, "paused")


@pytest.mark.parametrize("quiet_house", [{"communities": ("telegram:-1",)}], indirect=True)
async def test_rulers_of_groups_that_the_settings_do_not_name_rule_nothing(
    api: BotApi, quiet_house: House, hall: Chat, mod: Human
) -> None:
    await quiet_house.start()
    mod.say(hall, "/learning pause")
    await said(api, hall, "for admins")


async def test_news_is_told_where_it_is_wanted(
    api: BotApi, house: House, hall: Chat, mod: Human
) -> None:
    mod.say(hall, "/announce on")
    await said(api, hall, "I will tell here")
    found = await house.rows("SELECT c.external_id FROM channels c WHERE c.announce")
    assert found == [(str(hall.id),)]
    assert house.platform is not None
    await house.platform.announce(Place("telegram", str(hall.id), str(hall.id)), "I learned @bo_tg")
    news = await said(api, hall, "I learned")
    assert not news.marked("mention")
