"""The real bot process on a local Discord: every fault and recovery that a member could notice."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from simcord.backend.models import Channel

from tests.walks.conftest import World
from tests.wire.discord.calls import EDIT, SEND, TYPING
from tests.wire.discord.gateway import IDENTIFY, RESUME
from tests.wire.discord.members import THUMBS, Member, thumbs
from tests.wire.discord.process import running_bot
from tests.wire.discord.server import TOKEN, DiscordServer

pytestmark = pytest.mark.asyncio(loop_factories=["real"])


async def test_a_day_of_the_bot_on_discord(server: DiscordServer, world: World) -> None:
    halls = [server.guild(f"hall{at}", shard=at, shards=2) for at in (0, 1)]
    talk, far = (server.channel(hall) for hall in halls)
    ana, zoe = (server.member(name, hall) for name, hall in zip(("ana", "zoe"), halls, strict=True))

    async with running_bot(world, server, MAX_NEW_TOKENS="150") as bot:
        # A question is answered: somebody types, a message grows, the last edit has the buttons.
        asked = ana.say(talk, "hello, how are you?", mention=True)
        reply = await server.reply(talk)
        assert thumbs(reply) == THUMBS
        assert reply.reference is not None
        assert reply.reference["message_id"] == str(asked.id)
        assert world.rows("SELECT reply FROM exchanges") == [(reply.content,)]
        assert server.log.find(*TYPING)

        # Three at once in one channel keep to its pace.
        for question in ("who is there?", "what is new?", "of course"):
            ana.say(talk, question, mention=True)
        await server.reply(talk, 4)
        edits = server.log.find(*EDIT)
        assert edits
        assert all(call.text.endswith("▌") != bool(call.body["components"]) for call in edits)
        times = sorted(call.at for call in (*server.log.find(*SEND), *edits))
        assert times[-1] - times[0] >= (len(times) - 1) * 1.0  # about one call a second
        assert not server.log.limited()

        # Discord fails once and asks for patience, twice: the reply comes all the same, once.
        server.faults.answer(*SEND, 502)
        server.faults.answer(*SEND, 429, retry_after=0.2, times=2)
        ana.say(talk, "please", mention=True)
        await server.reply(talk, 5)
        statuses = [call.status for call in server.log.find(*SEND)]
        assert statuses == [200, 200, 200, 200, 502, 429, 429, 200]

        # The line is cut; what was said meanwhile comes with the RESUME and is answered once.
        async with server.gateway.away():
            ana.say(talk, "meanwhile", mention=True)
        await server.reply(talk, 6)
        assert [len(server.gateway.sent(op)) for op in (IDENTIFY, RESUME)] == [1, 1]

        # The session is lost; what was said meanwhile is looked up and answered once.
        async with server.gateway.away(lose=True):
            ana.say(talk, "and now?", mention=True)
        await server.reply(talk, 7)
        assert len(server.gateway.sent(IDENTIFY)) == 2
        assert len(world.rows("SELECT id FROM exchanges")) == 7
        await bot.kill()  # no farewell

    first = server.replies(talk)[0]
    async with running_bot(world, server, shards=2) as bot:
        # The buttons of the process that was killed still work, for anybody, and only once each.
        ben = server.member("ben", halls[0])
        for member in (ana, ben):
            assert (await member.click(first, "👍").answer()).is_ephemeral
        assert "taken back" in (await ben.click(first, "👍").answer()).content
        kinds = world.rows("SELECT kind FROM feedback ORDER BY id")
        assert kinds == [("like",), ("like",), ("retraction",)]
        assert len(server.log.find("PUT", "/applications/*/commands")) == 1

        # Two shards: each answers in its own guilds, one also while the other is away.
        zoe.say(far, "hello from afar", mention=True)
        await server.reply(far)
        async with server.gateway.away(shard=1):
            ana.say(talk, "yes", mention=True)
            zoe.say(far, "no", mention=True)
            await server.reply(talk, 8)
        await server.reply(far, 2)
        assert [frame.shard for frame in server.gateway.sent(IDENTIFY)][2:] == [0, 1]
        assert [len(server.replies(channel)) for channel in (talk, far)] == [8, 2]

    _check_log(bot.log)


async def test_what_was_said_while_the_process_was_dead_is_answered_once(
    server: DiscordServer, world: World, talk: Channel, ana: Member
) -> None:
    direct = ana.dm()
    async with running_bot(world, server) as bot:
        ana.say(direct, "before")
        await server.reply(direct)
        await bot.kill()
    ana.say(direct, "are you there?")
    ana.say(talk, "or here?", mention=True)
    async with running_bot(world, server):
        await server.reply(direct, 2)
        await server.reply(talk)
        ana.say(direct, "after")
        await server.reply(direct, 3)
    assert [len(server.replies(channel)) for channel in (direct, talk)] == [3, 1]
    asked = world.rows("SELECT text FROM messages WHERE exchange_id IS NULL ORDER BY text")
    assert asked == [("after",), ("are you there?",), ("before",), ("or here?",)]
    assert len(world.rows("SELECT id FROM exchanges")) == 4


async def test_a_wrong_token_ends_the_bot_with_one_sentence(
    server: DiscordServer, world: World
) -> None:
    async with running_bot(world, server, shards=0, DISCORD_TOKEN="wrong") as bot:  # noqa: S106
        assert await bot.process.wait() == 1
    assert "DISCORD_TOKEN" in bot.said()
    assert "Traceback" not in bot.said()


def _check_log(log: Path) -> None:
    """Every line is JSON, none is an error, and none tells the token or what members said."""
    text = log.read_text(encoding="utf-8")
    assert TOKEN not in text
    assert "how are you" not in text
    lines = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
    assert lines
    assert not [line for line in lines if line.get("level") in ("error", "critical")]
