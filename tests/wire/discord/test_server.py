"""The server itself, proved with a small bot: REST, the gateway, and all that people do."""

from __future__ import annotations

import discord
import pytest
from simcord.backend.models import Channel

from tests.wire.discord.calls import EDIT, SEND, TYPING
from tests.wire.discord.client import Parrot, running
from tests.wire.discord.gateway import IDENTIFY
from tests.wire.discord.members import Member, buttons
from tests.wire.discord.server import DiscordServer

pytestmark = pytest.mark.usefixtures("pointed")


async def test_a_message_is_answered_by_typing_sending_and_editing(
    server: DiscordServer, talk: Channel, ana: Member
) -> None:
    async with running(Parrot()):
        await server.gateway.until_live()
        asked = ana.say(talk, "hello", mention=True, files=[("note.txt", b"a note")])
        reply = await server.reply(talk)
        assert reply.content == "You said: @TestBot hello a note"
        assert reply.reference is not None
        assert reply.reference["message_id"] == str(asked.id)
        assert [b["label"] for b in buttons(reply)] == ["Good", "Better"]
        calls = await server.log.until(*EDIT)
        assert [c.text for c in server.log.find(*SEND)] == ["..."]
        assert [c.text for c in calls] == [reply.content]
        assert server.log.find(*TYPING)


async def test_direct_messages_are_answered(server: DiscordServer) -> None:
    ben = server.member("ben")
    async with running(Parrot()):
        await server.gateway.until_live()
        ben.say(ben.dm(), "psst")
        assert (await server.reply(ben.dm())).content == "You said: psst"


async def test_a_click_a_form_a_command_and_a_menu_are_answered(
    server: DiscordServer, talk: Channel, ana: Member
) -> None:
    async with running(Parrot()):
        await server.gateway.until_live()
        ana.say(talk, "hello", mention=True)
        reply = await server.reply(talk)
        thanks = await ana.click(reply, "Good").answer()
        assert (thanks.content, thanks.is_ephemeral) == ("thanks for good:1", True)
        form = await ana.click(reply, "better").acknowledged()
        assert (await ana.submit(form, "so").answer()).content == "thanks for better:1"
        echo = ana.slash(talk, "echo", text="ho")
        await server.bell.until(lambda: len(echo.messages()) == 2, "a followup")
        first, second = echo.messages()
        assert (first.content, second.content) == ("echo ho", "and a file")
        assert second.attachments[0]["filename"] == "a.txt"
        length = await ana.menu(reply, "Length").answer()
        assert length.content == str(len(reply.content))


async def test_edits_deletions_and_reactions_of_members_reach_the_bot(
    server: DiscordServer, talk: Channel, ana: Member
) -> None:
    parrot = Parrot()
    async with running(parrot):
        await server.gateway.until_live()
        said = ana.say(talk, "one")
        ana.edit(said, "two")
        ana.react(said, "👍")
        ana.unreact(said, "👍")
        ana.delete(said)
        last = f"deleted {said.id}"
        await parrot.bell.until(lambda: last in parrot.events, last)
        assert parrot.events == ["edited two", "+👍", "-👍", last]


async def test_two_shards_share_the_guilds(server: DiscordServer) -> None:
    halls = [server.guild(f"hall {at}", shard=at, shards=2) for at in (0, 1)]
    talks = [server.channel(hall) for hall in halls]
    people = [server.member(f"member{at}", hall) for at, hall in enumerate(halls)]
    async with running(Parrot(shard_count=2)):
        for shard in (0, 1):
            session = await server.gateway.until_live(shard)
            own, other = str(halls[shard].id), str(halls[1 - shard].id)
            guilds = [event for event in session.events if '"GUILD_CREATE"' in event]
            assert [own in event for event in guilds] == [True]
            assert not any(other in event for event in session.events)
        for talk, member in zip(talks, people, strict=True):
            member.say(talk, "hello", mention=True)
            assert "hello" in (await server.reply(talk)).content
        assert [frame.shard for frame in server.gateway.sent(IDENTIFY)] == [0, 1]


async def test_a_wrong_token_is_refused() -> None:
    with pytest.raises(discord.LoginFailure):
        async with running(Parrot(), token="wrong"):  # noqa: S106
            pass


async def test_an_intent_that_was_not_granted_is_refused(server: DiscordServer) -> None:
    server.gateway.approved.message_content = False
    with pytest.raises(discord.PrivilegedIntentsRequired):
        async with running(Parrot()) as task:
            await task
