"""The whole house behind Discord: what members, moderators and admins do, down to the store."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import discord
import pytest
import simcord

from bot.chat.commands import COMMANDS
from bot.chat.room import ChatRoom
from bot.chat.services import Services
from bot.domain import Role
from bot.platforms.discord.client import Client
from bot.settings import Settings
from bot.store.database import Database
from tests.fakes import Clock, EchoGenerator
from tests.platforms.discord.conftest import PATIENT, Town, buttons_of
from tests.platforms.discord.test_judging import click, prefilled
from tests.platforms.discord.test_missed import lose_session, new_session

pytestmark = PATIENT


@pytest.fixture
async def services(tmp_path: Path) -> AsyncIterator[Services]:
    settings = Settings(_env_file=None, persona="P", data_dir=tmp_path)
    database = await Database.open(settings.database)
    seeds = itertools.count(100)
    yield Services(database, EchoGenerator(), settings, Clock(), lambda: next(seeds))
    await database.close()


def client_of(services: Services) -> Client:
    return Client(ChatRoom(services), shards=1, every=0.0)


@pytest.fixture
def simcord_bot(services: Services) -> Client:
    return client_of(services)


def turns(services: Services) -> list[tuple[str, str]]:
    """Who said what in the last prompt."""
    generator = services.generator
    assert isinstance(generator, EchoGenerator)
    return [(turn.speaker or turn.role, turn.text) for turn in generator.jobs[-1].prompt.turns]


async def text_of(result: simcord.InteractionResult) -> str:
    assert result.response is not None
    assert result.ephemeral
    return result.response.content


async def test_a_vote_counts_changes_and_is_taken_back_by_a_second_click(town: Town) -> None:
    reply = await town.ask("tea?")
    room = town.client.room
    await click(town, reply, "👍")
    await click(town, reply, "👍", Role.MODERATOR)
    assert await room.votes(1) == (2, 0)
    await click(town, reply, "👎")
    assert await room.votes(1) == (1, 1)
    await click(town, reply, "👎")
    assert await room.votes(1) == (1, 0)


async def test_reactions_and_buttons_are_one_vote_a_member(town: Town) -> None:
    reply = await town.ask("tea?")
    room = town.client.room
    await click(town, reply, "👍")
    await town.ana.react(reply, "👍")
    assert await room.votes(1) == (1, 0)
    await town.ana.unreact(reply, "👍")
    assert await room.votes(1) == (0, 0)


async def test_thumbs_that_nobody_heard_of_count_unless_there_is_a_vote(town: Town) -> None:
    reply = await town.ask("tea?")
    mo, ada = town.people[Role.MODERATOR], town.people[Role.ADMIN]
    await click(town, reply, "👎", Role.MODERATOR)
    await lose_session(town)
    for somebody in (town.ana, mo):
        await somebody.react(reply, "👍")
    await ada.react(reply, "🎉")
    assert await town.client.room.votes(1) == (0, 1)
    await new_session(town)
    assert await town.client.room.votes(1) == (1, 1)
    await town.ana.unreact(reply, "👍")
    assert await town.client.room.votes(1) == (0, 1)


async def test_a_thumb_of_before_a_forget_does_not_come_back(town: Town) -> None:
    reply = await town.ask("tea?")
    mo = town.people[Role.MODERATOR]
    await mo.send(town.channel, "I like tea")
    await town.ask("more tea?")
    for message in (reply, town.reply):
        await mo.react(message, "👍")
    assert [await town.client.room.votes(number) for number in (1, 2)] == [(1, 0)] * 2
    asked = await mo.slash(town.channel, "forget")
    await click(town, asked.response, "Confirm", Role.MODERATOR)
    await mo.send(town.channel, "I am new here")
    await lose_session(town)
    await new_session(town)
    assert [await town.client.room.votes(number) for number in (1, 2)] == [(0, 0)] * 2


async def test_a_question_by_chat_is_its_askers_and_goes_with_its_message(
    town: Town, services: Services
) -> None:
    mo = town.people[Role.MODERATOR]
    shown = await town.ana.slash(town.channel, "chat", text="my PIN is 1234")
    assert shown.response is not None
    await mo.send(town.channel, "what is that?", reply_to=shown.response)
    said = ("ana", "my PIN is 1234")
    assert turns(services).count(said) == 1
    assert ("assistant", "> **ana**: my PIN is 1234") not in turns(services)
    await mo.delete(shown.response)
    await mo.send(town.channel, f"{town.me} and now?")
    assert "PIN" not in str(turns(services))


async def test_a_question_by_chat_that_is_not_to_be_kept_is_not_quoted(
    town: Town, services: Services
) -> None:
    await town.ana.slash(town.channel, "privacy", what="remembering", value="off")
    shown = await town.ana.slash(town.channel, "chat", text="my PIN is 1234")
    assert shown.response is not None
    await town.people[Role.MODERATOR].send(town.channel, "what?", reply_to=shown.response)
    assert turns(services) == [("mo", "what?")]


async def test_the_conversation_follows_edits_and_deletions(town: Town, services: Services) -> None:
    mo = town.people[Role.MODERATOR]
    wrong = await mo.send(town.channel, "I like coffee")
    gone = await mo.send(town.channel, "this is a secret")
    await mo.edit(wrong, "I like tea")
    await mo.delete(gone)
    await town.ask("what does mo like?")
    assert turns(services) == [("mo", "I like tea"), ("ana", "what does mo like?")]


async def test_a_message_is_answered_once_whatever_discord_tells_again(
    town: Town, services: Services
) -> None:
    asked = await town.ana.send(town.channel, f"{town.me} tea?")
    await town.client.room.keep_cursor("discord", asked.id - 1)
    await town.env.restart_bot(client_of(services))  # whose trail knows nothing of before
    assert [m.content for m in town.replies] == ["You said: tea?"]


async def test_another_try_is_remembered_as_one_of_a_pair(town: Town) -> None:
    reply = await town.ask("tea?")
    await click(town, reply, "🔁")
    again = town.reply
    assert again.id != reply.id
    assert buttons_of(again)["👍"] == "reply:like:2"
    await click(town, again, "👍")
    assert await town.client.room.votes(2) == (1, 0)
    why = await town.people[Role.MODERATOR].context_menu(town.channel, "Why this reply?", again)
    assert "another try at reply 1" in await text_of(why)


async def test_a_members_better_reply_waits_for_a_moderator_who_approves_it(town: Town) -> None:
    reply = await town.ask("tea?")
    shown = await click(town, reply, "✏️")
    await town.ana.submit_modal(shown, {"text": "Yes, green tea."})
    mo = town.people[Role.MODERATOR]
    review = await mo.slash(town.channel, "review")
    assert "Yes, green tea." in await text_of(review)
    assert "tea?" in await text_of(review)
    await click(town, review.response, "Approve", Role.MODERATOR)
    assert "Approved" in await text_of(review)
    assert "nothing to review" in await text_of(review)
    assert review.response is not None
    assert not review.response.components


async def test_a_flag_brings_a_reply_before_the_moderators(town: Town) -> None:
    reply = await town.ask("tea?")
    await town.ana.context_menu(town.channel, "Flag", reply)
    review = await town.people[Role.MODERATOR].slash(town.channel, "review")
    assert "You said: tea?" in await text_of(review)


WITH: dict[str, dict[str, Any]] = {
    "unban": {"number": "7"},
    "promote": {"version": "0"},
    "channel": {"what": "on"},
    "announce": {"what": "on"},
    "train": {"what": "status"},
}
LINES = [(c.name, c.role, WITH.get(c.name, {})) for c in COMMANDS.values()]
LINES += [(c, Role.ADMIN, {"what": what}) for c, what in (("train", "now"), ("train", "cancel"))]


@pytest.mark.parametrize(("name", "needed", "options"), LINES)
@pytest.mark.parametrize("role", list(Role))
async def test_the_house_checks_who_may_whatever_discord_lists(
    town: Town, name: str, needed: Role, options: dict[str, Any], role: Role
) -> None:
    told = {command.name: command for command in await town.client.tree.fetch_commands()}
    town.guild.set_command_permissions(told[name], {town.people[role]: True})
    said = await text_of(await town.people[role].slash(town.channel, name, **options))
    what = f"{name} {options['what']}" if name == "train" else name
    assert (said == f"/{what} is for {needed.value}s.") is not role.may_act_as(needed)


@pytest.mark.parametrize("name", ["Approve", "Reject", "Why this reply?"])
@pytest.mark.parametrize("role", list(Role))
async def test_the_house_checks_who_may_choose_from_the_menus(
    town: Town, name: str, role: Role
) -> None:
    reply = await town.ask("tea?")
    told = {command.name: command for command in await town.client.tree.fetch_commands()}
    town.guild.set_command_permissions(told[name], {town.people[role]: True})
    said = await text_of(await town.people[role].context_menu(town.channel, name, reply))
    assert said.endswith(" is for moderators.") is not role.may_act_as(Role.MODERATOR)


async def test_a_channel_that_is_on_needs_no_mention_and_one_that_is_off_is_deaf(
    town: Town,
) -> None:
    ada = town.people[Role.ADMIN]
    await ada.slash(town.channel, "channel", what="on")
    await town.ana.send(town.channel, "tea?")
    assert [m.content for m in town.replies] == ["You said: tea?"]
    await ada.slash(town.channel, "channel", what="off")
    await town.ana.send(town.channel, f"{town.me} still there?")
    assert len(town.replies) == 1


@pytest.mark.parametrize(
    ("by", "name", "what", "said"),
    [
        (Role.ADMIN, "channel", {"what": "off"}, "switched off"),
        (Role.MEMBER, "privacy", {"what": "answering", "value": "off"}, "not to answer you"),
    ],
)
async def test_who_would_not_be_answered_is_told_alone_when_they_use_chat(
    town: Town, by: Role, name: str, what: dict[str, str], said: str
) -> None:
    person = town.people[by]
    await person.slash(town.channel, name, **what)
    result = await person.slash(town.channel, "chat", text="is this private?")
    assert said in await text_of(result)
    assert not town.replies


async def test_a_member_gets_their_data_and_then_has_it_deleted(
    town: Town, services: Services
) -> None:
    await town.ask("I live in Rome")
    result = await town.ana.slash(town.channel, "privacy", what="export")
    assert result.ephemeral
    [sent] = town.ana.user.dm_channel.history()
    assert b"I live in Rome" in await sent.attachments[0].read()
    asked = await town.ana.slash(town.channel, "forget")
    await click(town, asked.response, "Confirm")
    assert (await text_of(asked)).startswith("Done")
    await town.ask("where do I live?")
    assert turns(services) == [("ana", "where do I live?")]


async def test_who_is_no_longer_an_admin_confirms_in_vain(town: Town) -> None:
    ada = town.people[Role.ADMIN]
    shown = await ada.slash(town.channel, "promote", version="0")
    assert "Shall it?" in await text_of(shown)
    role = town.guild.roles["admin"]
    town.env.backend.edit_role(town.guild.id, role.id, {"permissions": 0})
    await click(town, shown.response, "Confirm", Role.ADMIN)
    assert await text_of(shown) == "/promote is for admins."


async def test_a_form_holds_the_reply_as_it_was_said_here_and_under_review(
    town: Town, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = "Two lines,\nand @everyone " + "x" * 2500
    monkeypatch.setattr(services.generator, "write", lambda _: words)
    reply = await town.ask()
    assert len(town.replies) == 2
    said = words.replace("@everyone", "@\u200beveryone")
    assert prefilled(await click(town, reply, "✏️")) == said
    mo = town.people[Role.MODERATOR]
    await town.ana.context_menu(town.channel, "Flag", reply)
    review = await mo.slash(town.guild.create_text_channel("mods"), "review")
    shown = await click(town, review.response, "Correct…", Role.MODERATOR)
    assert prefilled(shown) == said


async def test_who_asks_too_often_is_told_so_and_the_word_goes_away(town: Town) -> None:
    for number in range(13):
        await town.ask(f"{number}")
    assert "ask me again in 60 seconds" in town.reply.content
    said = town.reply
    await town.env.advance_time(61)
    assert said.id not in {m.id for m in town.replies}


async def test_who_uses_chat_too_often_is_told_so_each_time_and_nothing_is_shown(
    town: Town,
) -> None:
    for number in range(12):
        await town.ask(f"{number}")
    for _ in range(2):
        result = await town.ana.slash(town.channel, "chat", text="and now?")
        assert "ask me again in 60 seconds" in await text_of(result)
    assert len(town.replies) == 12


async def test_a_reply_that_fails_is_apologised_for(town: Town, services: Services) -> None:
    generator = services.generator
    assert isinstance(generator, EchoGenerator)
    generator.fault = RuntimeError("broken")
    await town.ask("tea?")
    assert town.reply.content.startswith("Sorry")


async def test_the_progress_of_learning_ends_where_nothing_is_learned(town: Town) -> None:
    result = await town.people[Role.ADMIN].slash(town.channel, "train", what="status")
    assert await text_of(result)


async def test_discord_can_list_every_command_of_the_house(town: Town) -> None:
    boss = town.guild.add_member(
        town.env.create_user("boss"),
        roles=[town.guild.create_role("boss", permissions=discord.Permissions(administrator=True))],
    )
    names = {entry.name for entry in town.client.room.menu()} | {"chat"}
    assert set(boss.available_commands(town.channel)) == names
