"""The real platform over real sockets: what members say, and how replies reach them."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from simcord.backend.models import Channel

from bot.errors import ThumbwiseError
from tests.wire.discord.calls import EDIT, SEND, TYPING
from tests.wire.discord.gateway import IDENTIFY
from tests.wire.discord.house import House, opened
from tests.wire.discord.members import THUMBS, Member, thumbs
from tests.wire.discord.server import TOKEN, DiscordServer

pytestmark = pytest.mark.usefixtures("pointed")


async def test_a_mention_is_answered_once_with_buttons_and_pings_nobody_else(
    server: DiscordServer, house: House, talk: Channel, ana: Member
) -> None:
    ana.say(talk, "not to the bot")
    asked = ana.say(talk, "@everyone hello", mention=True)
    reply = await server.reply(talk)
    assert "hello" in reply.content
    assert "@everyone" not in reply.content
    assert thumbs(reply) == THUMBS
    assert reply.reference is not None
    assert reply.reference["message_id"] == str(asked.id)
    assert (reply.ping_user_ids, reply.mention_everyone) == ([], False)
    assert server.log.find(*TYPING)[0].at < server.log.find(*SEND)[0].at
    await house.end()
    assert len(server.replies(talk)) == 1


async def test_a_reply_grows_by_edits_at_a_bearable_pace_and_ends_complete(
    server: DiscordServer, house: House, talk: Channel, ana: Member
) -> None:
    words = [f"word{at}" for at in range(40)]
    house.generator.reply = " ".join(words)
    house.tap.clear()
    ana.say(talk, "tell me", mention=True)
    for at in range(39):  # ten words to every call: most of them must be coalesced
        house.tap.drip()
        if at % 10 == 9:
            await server.log.until(*SEND)
            await server.log.until(*EDIT, count=at // 10)
    house.tap.flow()
    reply = await server.reply(talk)
    assert reply.content == " ".join(words)
    await house.end()
    sends, edits = server.log.find(*SEND), server.log.find(*EDIT)
    assert len(sends) == 1
    assert 3 <= len(edits) <= 6
    texts = [call.text.removesuffix(" ▌") for call in (*sends, *edits)]
    assert all(reply.content.startswith(text) for text in texts)
    assert texts == sorted(texts, key=len)
    assert [call.text.endswith("▌") for call in edits] == [True] * (len(edits) - 1) + [False]
    times = [call.at for call in (*sends, *edits)]
    assert times[-1] - times[0] >= len(edits) * 1.0  # at most about one edit a second
    assert not server.log.limited()


async def test_replies_in_one_channel_share_its_pace(server: DiscordServer, tmp_path: Path) -> None:
    hall = server.guild()
    talk = server.channel(hall)
    people = [server.member(f"member{at}", hall) for at in range(4)]
    async with opened(server, tmp_path):
        for member in people:
            member.say(talk, "hello", mention=True)
        await server.reply(talk, 4)
    assert [len(server.replies(talk)), len(server.log.limited())] == [4, 0]
    times = sorted(call.at for call in (*server.log.find(*SEND), *server.log.find(*EDIT)))
    assert times[-1] - times[0] >= (len(times) - 1) * 1.0


async def test_a_long_reply_is_split_and_its_last_part_has_the_buttons(
    server: DiscordServer, house: House, talk: Channel, ana: Member
) -> None:
    house.generator.reply = "Here:\n```python\n" + "print('hello')\n" * 150 + "```\nThat is all."
    ana.say(talk, "code, please", mention=True)
    last = await server.reply(talk, 2)
    first = server.replies(talk)[0]
    assert (thumbs(first), thumbs(last)) == ([], THUMBS)
    assert all(len(part.content) <= 2000 for part in (first, last))
    assert all(part.content.count("```") == 2 for part in (first, last))
    joined = first.content + last.content
    assert joined.count("print('hello')") == 150
    await house.until("message")
    known = await house.rows("SELECT external_id FROM deliveries ORDER BY external_id")
    assert known == [(str(first.id),), (str(last.id),)]


@pytest.mark.usefixtures("house")
async def test_direct_messages_replies_and_threads_are_answered_without_a_mention(
    server: DiscordServer, talk: Channel, ana: Member
) -> None:
    ben = server.member("ben")
    ben.say(ben.dm(), "psst")
    assert "psst" in (await server.reply(ben.dm())).content
    ana.say(talk, "hello", mention=True)
    reply = await server.reply(talk)
    ana.say(talk, "and more", reply_to=reply)
    assert "and more" in (await server.reply(talk, 2)).content
    thread = server.thread(talk, ana)
    ana.say(thread, "in here", mention=True)
    assert "in here" in (await server.reply(thread)).content


@pytest.mark.usefixtures("house")
async def test_a_text_file_is_fetched_and_read(
    server: DiscordServer, talk: Channel, ana: Member
) -> None:
    files = [("note.txt", b"buy milk"), ("cat.png", b"\x89PNG")]
    ana.say(talk, "what is this?", mention=True, files=files)
    reply = await server.reply(talk)
    assert "buy milk" in reply.content
    assert "PNG" not in reply.content


async def test_each_shard_answers_in_its_own_guilds(server: DiscordServer, tmp_path: Path) -> None:
    halls = [server.guild(f"hall{at}", shard=at, shards=2) for at in (0, 1)]
    talks = [server.channel(hall) for hall in halls]
    people = [server.member(f"member{at}", hall) for at, hall in enumerate(halls)]
    async with opened(server, tmp_path, shards=2):
        for talk, member in zip(talks, people, strict=True):
            member.say(talk, "hello", mention=True)
        await asyncio.gather(*map(server.reply, talks))
        async with server.gateway.away(shard=1):
            people[0].say(talks[0], "is the other one away?", mention=True)
            people[1].say(talks[1], "am I missed?", mention=True)
            await server.reply(talks[0], 2)
        assert "am I missed?" in (await server.reply(talks[1], 2)).content
    assert [frame.shard for frame in server.gateway.sent(IDENTIFY)] == [0, 1]
    assert [len(server.replies(talk)) for talk in talks] == [2, 2]


@pytest.mark.parametrize(("token", "granted"), [("wrong", True), (TOKEN, False)])
async def test_what_only_the_owner_can_mend_is_said_in_one_sentence(
    server: DiscordServer, token: str, granted: bool, tmp_path: Path
) -> None:
    server.gateway.approved.message_content = granted
    async with opened(server, tmp_path, token=token, shards=0) as house:
        with pytest.raises(ThumbwiseError, match=r"DISCORD_TOKEN|Message Content Intent") as told:
            await house.serving
        assert token not in str(told.value)
