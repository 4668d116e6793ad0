"""Talking on Discord: when the bot is spoken to, what it reads, and how its reply appears."""

from __future__ import annotations

from typing import Any

import discord
import pytest

from bot.domain import ChannelKind, Role
from tests.platforms.discord.conftest import PATIENT, Town, buttons_of

pytestmark = PATIENT


async def test_a_mention_is_answered_once_below_the_message_with_buttons(town: Town) -> None:
    reply = await town.ask("what is new?")
    assert reply.content == "You said: what is new?"
    assert [m.content for m in town.replies] == ["You said: what is new?"]
    assert list(buttons_of(reply)) == ["👍", "👎", "🔁", "✏️"]
    assert reply.reference is not None
    assert reply.reference.message_id == town.channel.history()[-2].id


@pytest.mark.parametrize("role", list(Role))
async def test_the_house_hears_who_spoke_and_where(town: Town, role: Role) -> None:
    await town.people[role].send(town.channel, f"{town.me} hi")
    heard = town.hall.messages[-1]
    assert heard.author.role is role
    assert heard.author.name == town.people[role].name
    assert heard.author.id == str(town.people[role].id)
    assert (heard.place.platform, heard.place.community) == ("discord", str(town.guild.id))
    assert (heard.place.channel, heard.place.name) == (str(town.channel.id), "general")
    assert heard.place.kind is ChannelKind.GROUP


async def test_talk_among_members_is_heard_but_not_addressed(town: Town) -> None:
    await town.ana.send(town.channel, "anybody here? @everyone")
    assert [m.addressed for m in town.hall.messages] == [False]
    assert not town.replies


async def test_a_reply_to_the_bot_is_addressed_and_quotes_it(town: Town) -> None:
    first = await town.ask("one")
    await town.people[Role.MODERATOR].send(town.channel, "really?", reply_to=first)
    heard = town.hall.messages[-1]
    assert heard.addressed
    assert heard.reply_to == str(first.id)
    assert heard.quote is not None
    assert (heard.quote.author, heard.quote.text) == (None, "You said: one")


async def test_a_reply_to_somebody_else_quotes_them_and_is_not_addressed(town: Town) -> None:
    said = await town.ana.send(town.channel, "I like tea")
    await town.people[Role.ADMIN].send(town.channel, "me too", reply_to=said)
    heard = town.hall.messages[-1]
    assert not heard.addressed
    assert heard.quote is not None
    assert heard.quote.author is not None
    assert (heard.quote.author.name, heard.quote.text) == ("ana", "I like tea")


async def test_a_direct_chat_is_always_addressed(town: Town) -> None:
    await town.ana.send_dm("hi there")
    heard = town.hall.messages[-1]
    assert heard.addressed
    assert (heard.place.community, heard.place.kind) == ("dm", ChannelKind.DIRECT)
    history = town.ana.user.dm_channel.history()
    assert [m.content for m in history] == ["hi there", "You said: hi there"]


async def test_bots_and_webhooks_are_told_apart_from_people(town: Town) -> None:
    robot = town.guild.add_member(town.env.create_user("robot", bot=True))
    await robot.send(town.channel, f"{town.me} hi")
    await town.guild.create_webhook(town.channel).send(f"{town.me} hi")
    assert [m.author.is_bot for m in town.hall.messages] == [True, True]
    assert not town.replies


async def test_what_a_member_sees_is_what_the_house_reads(town: Town) -> None:
    emoji = town.guild.create_emoji("party")
    role = town.guild.create_role("cooks")
    mo = town.people[Role.MODERATOR]
    await town.ana.send(
        town.channel,
        f"{town.me}, ask {mo.mention} and {role.mention} in {town.channel.mention} "
        f"<:party:{emoji.id}> <t:0:R>",
    )
    assert town.hall.messages[-1].text == (
        "ask @mo and @cooks in #general :party: 1970-01-01 00:00 UTC"
    )


async def test_text_files_are_read_up_to_the_limit_and_others_named(town: Town) -> None:
    await town.ana.send(
        town.channel,
        f"{town.me} look",
        attachments=[
            ("notes.txt", b"caf\xc3\xa9 \xff"),
            ("cat.png", b"\x89PNG"),
            ("long.py", b"x" * 500),
            ("late.txt", b"too much"),
        ],
    )
    assert town.hall.messages[-1].text == (
        "look\n\n[file: notes.txt]\ncafé \ufffd\n\n[file: cat.png]\n\n"
        f"[file: long.py]\n{'x' * 94}\n\n[file: late.txt]"
    )


async def test_a_long_reply_is_split_and_its_last_part_has_the_buttons(town: Town) -> None:
    town.hall.reply = "\n\n".join(f"Paragraph {n} " + "word " * 100 for n in range(9))
    await town.ask()
    assert len(town.replies) == 3
    assert all(len(m.content) <= 2000 for m in town.replies)
    assert [bool(m.components) for m in town.replies] == [False, False, True]
    words = " ".join(m.content for m in town.replies).split()
    assert words == town.hall.reply.split()
    assert set(town.hall.exchanges) == {str(m.id) for m in town.replies}


async def test_a_reply_grows_in_one_message_after_typing(town: Town) -> None:
    town.hall.pieces, town.hall.reply = ("Once", "Once upon"), "Once upon a time"
    await town.ask()
    assert [m.content for m in town.replies] == ["Once upon a time"]
    paths = [(r.method, r.path.rsplit("/", 1)[-1]) for r in town.env.http_requests]
    assert ("POST", "typing") in paths
    assert any(method == "PATCH" for method, _ in paths)


async def test_a_message_that_is_deleted_while_it_grows_is_sent_again_when_done(
    town: Town,
) -> None:
    town.hall.go.clear()
    town.hall.pieces, town.hall.reply = ("Once",), "Once upon a time"
    growing = await town.ask("a tale")
    assert growing.content == "Once ▌"
    await town.people[Role.MODERATOR].delete(growing)
    town.hall.go.set()
    await town.env.settle()
    assert [m.content for m in town.replies] == ["Once upon a time"]
    assert town.reply.id != growing.id


async def test_a_thread_that_the_bot_is_part_of_needs_no_mention(town: Town) -> None:
    start_message = await town.ask("one")
    await (
        town.env.bot.get_channel(town.channel.id)
        .get_partial_message(  # type: ignore[union-attr]
            start_message.id
        )
        .create_thread(name="tea")
    )
    thread = town.channel.threads[0]
    await town.ana.send(thread, "still there?")
    heard = town.hall.messages[-1]
    assert heard.addressed
    assert heard.place.channel == str(thread.id)
    assert heard.place.parent == str(town.channel.id)
    assert thread.last_message.content == "You said: still there?"  # type: ignore[union-attr]


async def test_nobody_is_pinged_but_the_one_who_is_answered(town: Town) -> None:
    mo = town.people[Role.MODERATOR]
    town.hall.reply = f"@everyone {mo.mention} <@&{town.guild.default_role.id}>"
    await town.ask()
    sent: list[Any] = [r.json for r in town.env.http_requests if r.path.endswith("/messages")]
    assert [body["allowed_mentions"] for body in sent] == [{"parse": [], "replied_user": True}]
    assert not town.reply.mention_everyone


async def test_a_notice_is_taken_back_after_a_while_in_a_server_and_stays_in_a_direct_chat(
    town: Town,
) -> None:
    town.hall.notice = "Slow down, please."
    await town.ask()
    await town.ana.send_dm("hi")
    assert town.reply.content == "Slow down, please."
    await town.env.advance_time(61)
    assert not town.replies
    assert town.ana.user.dm_channel.last_message.content == "Slow down, please."  # type: ignore[union-attr]


async def test_a_channel_where_the_bot_may_not_speak_is_left_alone(
    town: Town, capsys: pytest.CaptureFixture[str]
) -> None:
    deny: Any = {town.guild.default_role: discord.PermissionOverwrite(send_messages=False)}
    quiet: Any = town.guild.create_text_channel("quiet", overwrites=deny)
    ada = town.guild.add_member(
        town.env.create_user("boss"),
        roles=[town.guild.create_role("boss", permissions=discord.Permissions(administrator=True))],
    )
    before = len(town.env.http_requests)
    await ada.send(quiet, f"{town.me} hi")
    await ada.send(quiet, f"{town.me} hi again")
    assert not town.hall.messages
    assert len(town.env.http_requests) == before
    assert capsys.readouterr().out.count("may not answer in a channel") == 1


async def test_edits_and_deletions_are_followed(town: Town) -> None:
    one = await town.ana.send(town.channel, "one")
    two = await town.ana.send(town.channel, "two")
    await town.ana.edit(one, "won")
    await town.ana.edit(two, "two")  # no change
    await town.ana.delete(two)
    place = town.hall.messages[0].place
    assert town.hall.edits == [(place, str(one.id), "won")]
    assert town.hall.deletions == [(place, {str(two.id)})]


async def test_the_bots_own_edits_are_nobodys_words(town: Town) -> None:
    town.hall.pieces = ("You",)
    await town.ask()
    assert not town.hall.edits
    assert len(town.hall.messages) == 1
