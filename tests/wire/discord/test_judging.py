"""The real platform over real sockets: buttons, reactions, forms and commands."""

from __future__ import annotations

from pathlib import Path

import pytest
from simcord.backend.models import Channel, Guild

from bot.platforms.base import NOT_YOURS
from tests.wire.discord.calls import SEND
from tests.wire.discord.house import House, opened
from tests.wire.discord.members import Member
from tests.wire.discord.server import DiscordServer

pytestmark = pytest.mark.usefixtures("pointed")

COMMANDS = ("PUT", "/applications/*/commands")


async def votes(house: House) -> list[tuple[str, str]]:
    """All judgements so far: the kind and the way it came."""
    found = await house.rows("SELECT kind, via FROM feedback ORDER BY id")
    return [(str(kind), str(via)) for kind, via in found]


async def test_buttons_work_after_a_restart_and_the_commands_are_not_told_again(
    server: DiscordServer, house: House, hall: Guild, talk: Channel, ana: Member, tmp_path: Path
) -> None:
    ana.say(talk, "hello", mention=True)
    reply = await server.reply(talk)
    thanks = await ana.click(reply, "👍").answer()
    assert thanks.is_ephemeral
    assert await votes(house) == [("like", "button")]
    await house.end()
    assert len(server.log.find(*COMMANDS)) == 1
    async with opened(server, tmp_path):
        ben = server.member("ben", hall)
        thanks = await ben.click(reply, "👎").answer()
        assert thanks.is_ephemeral
        taken_back = await ana.click(reply, "👍").answer()
        assert "taken back" in taken_back.content
    assert await votes(house) == [
        ("like", "button"),
        ("dislike", "button"),
        ("retraction", "button"),
    ]
    assert len(server.log.find(*COMMANDS)) == 1
    assert len(server.replies(talk)) == 1


async def test_a_form_opened_before_a_restart_is_kept_after_it(
    server: DiscordServer, house: House, talk: Channel, ana: Member, tmp_path: Path
) -> None:
    ana.say(talk, "hello", mention=True)
    reply = await server.reply(talk)
    form = await ana.click(reply, "✏️").acknowledged()
    assert reply.content in str(form.modal)
    await house.end()
    async with opened(server, tmp_path):
        thanks = await ana.submit(form, "Good day!").answer()
        assert thanks.is_ephemeral
    assert await house.rows("SELECT kind, text FROM feedback") == [("correction", "Good day!")]


async def test_what_was_asked_before_a_restart_is_confirmed_after_it_by_its_asker_once(
    server: DiscordServer, house: House, hall: Guild, talk: Channel, ana: Member, tmp_path: Path
) -> None:
    ana.say(talk, "hello", mention=True)
    await server.reply(talk)
    question = await ana.slash(talk, "forget").answer()
    await house.end()
    async with opened(server, tmp_path):
        ben = server.member("ben", hall)
        assert (await ben.click(question, "Confirm").answer()).content == NOT_YOURS
        assert await house.rows("SELECT action FROM audit") == []
        for click in [ana.click(question, "Confirm") for _ in range(3)]:  # all at once
            await click.acknowledged()
        await server.bell.until(lambda: question.content.startswith("Done"), "what was done")
    assert not question.components
    assert await house.rows("SELECT action FROM audit") == [("forget",)]


async def test_another_try_is_a_second_message_below_the_first(
    server: DiscordServer, house: House, talk: Channel, ana: Member
) -> None:
    ana.say(talk, "hello", mention=True)
    reply = await server.reply(talk)
    house.generator.reply = "Another one."
    ana.click(reply, "🔁")
    assert (await server.reply(talk, 2)).content == "Another one."
    assert await house.rows("SELECT retry_of FROM exchanges ORDER BY id") == [(None,), (1,)]


async def test_reactions_count_like_buttons(
    server: DiscordServer, house: House, talk: Channel, ana: Member
) -> None:
    said = ana.say(talk, "hello", mention=True)
    reply = await server.reply(talk)
    ana.react(said, "👎")  # not on a reply: nothing to judge
    ana.react(reply, "👍")
    await house.until("rating")
    ana.unreact(reply, "👍")
    await house.until("rating", 2)
    assert await votes(house) == [("like", "reaction"), ("retraction", "reaction")]


async def test_a_reaction_on_a_reply_that_still_grows_counts_once_it_is_done(
    server: DiscordServer, house: House, talk: Channel, ana: Member
) -> None:
    await house.begin(ana, talk)
    growing = server.replies(talk)[0]
    ana.react(growing, "👍")
    await house.until("exchange_of")
    house.tap.flow()
    await house.until("rating")
    assert await votes(house) == [("like", "reaction")]
    assert (await server.reply(talk)).id == growing.id


async def test_edits_and_deletions_are_followed(
    server: DiscordServer, house: House, talk: Channel, ana: Member
) -> None:
    one = ana.say(talk, "my cat is called Tim")
    two = ana.say(talk, "and my dog is called Bo")
    ana.say(talk, "hello", mention=True)
    await server.reply(talk)
    ana.edit(one, "my cat is called Tom")
    ana.delete(two)
    await house.until("edited")
    await house.until("deleted")
    ana.say(talk, "who is who?", mention=True)
    await server.reply(talk, 2)
    turns = [turn.text for turn in house.generator.jobs[-1].prompt.turns]
    assert "my cat is called Tom" in turns
    assert not [text for text in turns if "Tim" in text or "Bo" in text]


async def test_commands_menus_and_their_rights(
    server: DiscordServer, house: House, hall: Guild, talk: Channel, ana: Member
) -> None:
    mia = server.member("mia", hall, manage_messages=True)
    ana.say(talk, "hello", mention=True)
    reply = await server.reply(talk)
    assert (await ana.slash(talk, "status").answer()).is_ephemeral
    with pytest.raises(AssertionError, match="cannot see"):
        ana.menu(reply, "Approve")
    assert (await mia.menu(reply, "Approve").answer()).is_ephemeral
    assert await house.rows("SELECT ruling FROM decisions") == [("approve",)]
    ana.slash(talk, "chat", text="and now?")
    assert "and now?" in (await server.reply(talk, 3)).content
    assert not server.log.limited()
    assert server.log.find(*SEND)
