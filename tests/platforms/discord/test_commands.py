"""Commands on Discord: who sees them, what they give, and every kind of answer."""

from __future__ import annotations

from typing import Any

import discord
import pytest
import simcord

from bot.domain import Role
from bot.platforms.base import CONFIRM_WITHIN, NOTHING_DONE, TOO_LATE, Answer, Attachment, Entry
from bot.platforms.discord.answers import GOES_ON
from tests.platforms.discord.conftest import PATIENT, Town, buttons_of, new_client
from tests.platforms.discord.hall import MENU

pytestmark = PATIENT

SHOWN = {
    Role.MEMBER: {"help", "privacy", "chat"},
    Role.MODERATOR: {"help", "privacy", "chat", "why", "review"},
    Role.ADMIN: {"help", "privacy", "chat", "train", "promote"},
}


@pytest.mark.parametrize("role", list(Role))
async def test_discord_lists_the_commands_that_somebody_may_give(town: Town, role: Role) -> None:
    assert set(town.people[role].available_commands(town.channel)) == SHOWN[role]


async def test_who_may_do_everything_sees_everything(town: Town) -> None:
    rights = discord.Permissions(administrator=True)
    boss = town.guild.add_member(
        town.env.create_user("boss"), roles=[town.guild.create_role("boss", permissions=rights)]
    )
    names = {entry.name for entry in MENU} | {"chat"}
    assert set(boss.available_commands(town.channel)) == names
    await boss.slash(town.channel, "promote", version="3")
    [order] = town.hall.orders
    assert (order.line, order.who.role) == ("/promote 3", Role.ADMIN)


@pytest.mark.parametrize(
    ("name", "options", "line"),
    [
        ("help", {}, "/help"),
        ("privacy", {}, "/privacy"),
        ("privacy", {"what": "training", "value": "off"}, "/privacy training off"),
    ],
)
async def test_a_command_becomes_a_line_and_is_answered_to_its_asker_alone(
    town: Town, name: str, options: dict[str, Any], line: str
) -> None:
    result = await town.ana.slash(town.channel, name, **options)
    [order] = town.hall.orders
    assert (order.line, order.exchange, order.ask) == (line, None, True)
    assert order.where.channel == str(town.channel.id)
    assert result.ephemeral
    assert result.response is not None
    assert result.response.content == f"Done: {line}"


async def test_choices_are_offered_and_nothing_else_is_taken(town: Town) -> None:
    ada = town.people[Role.ADMIN]
    with pytest.raises(simcord.OptionError):
        await ada.slash(town.channel, "train", what="tomorrow")
    await ada.slash(town.channel, "train", what="now")
    assert [order.line for order in town.hall.orders] == ["/train now"]


async def test_commands_work_in_a_direct_chat(town: Town) -> None:
    result = await town.ana.user.slash("help")
    assert town.hall.orders[0].where.community == "dm"
    assert result.response.content == "Done: /help"


async def test_a_long_answer_comes_in_parts(town: Town) -> None:
    text = "\n".join(f"line {n} " + "x" * 90 for n in range(50))
    town.hall.answers["/help"] = Answer(text)
    result = await town.ana.slash(town.channel, "help")
    assert result.response is not None
    parts = [result.response, *result.followups]
    assert len(parts) == 3
    assert all(part.ephemeral for part in parts)
    assert "\n".join(part.content for part in parts).split() == text.split()


@pytest.mark.parametrize(
    ("button", "lines", "text"),
    [
        ("Confirm", ["/help", "/forget yes"], "Done: /forget yes"),
        ("Cancel", ["/help"], NOTHING_DONE),
    ],
)
@pytest.mark.parametrize("restart", [False, True])
async def test_what_matters_is_confirmed_by_a_button_also_after_a_restart(
    town: Town, button: str, lines: list[str], text: str, restart: bool
) -> None:
    result, ids = await asked(town)
    if restart:
        await town.env.restart_bot(new_client(town.hall))
    assert result.response is not None
    await town.ana.click(result.response, custom_id=ids[button])
    assert [order.line for order in town.hall.orders] == lines
    assert result.response.content == text
    assert not result.response.components
    assert [order.ask for order in town.hall.orders] == [True, False][: len(lines)]


async def asked(town: Town) -> tuple[simcord.InteractionResult, dict[str, str]]:
    """A member is asked to confirm something; the ids of the buttons."""
    town.hall.answers["/help"] = Answer("Really?", confirm="/forget yes")
    result = await town.ana.slash(town.channel, "help")
    assert result.response is not None
    ids = buttons_of(result.response)
    assert list(ids) == ["Confirm", "Cancel"]
    return result, ids


async def test_a_question_is_no_longer_answered_when_it_is_old(town: Town) -> None:
    result, ids = await asked(town)
    await town.env.advance_time(CONFIRM_WITHIN.total_seconds() + 1)
    assert result.response is not None
    await town.ana.click(result.response, custom_id=ids["Confirm"])
    assert [order.line for order in town.hall.orders] == ["/help"]
    assert result.response.content == TOO_LATE
    assert not result.response.components


async def test_a_picture_is_shown_to_the_one_who_asked(town: Town) -> None:
    chart = Attachment("stats.png", b"\x89PNG", "image/png")
    town.hall.answers["/help"] = Answer("Approvals by week", attachment=chart)
    result = await town.ana.slash(town.channel, "help")
    assert result.response is not None
    assert [file.filename for file in result.response.attachments] == ["stats.png"]
    assert not town.ana.user.dm_channel.history()


async def test_a_members_own_data_comes_as_a_direct_message(town: Town) -> None:
    data = Attachment("mine.jsonl", b'{"a": 1}\n', "application/x-ndjson")
    town.hall.answers["/privacy"] = Answer("Here it is.", attachment=data)
    result = await town.ana.slash(town.channel, "privacy")
    [sent] = town.ana.user.dm_channel.history()
    assert await sent.attachments[0].read() == b'{"a": 1}\n'
    assert result.response is not None
    assert not result.response.attachments
    assert result.response.content == "Here it is.\nI sent it to you as a direct message."


async def test_a_member_who_takes_no_direct_messages_gets_their_data_here(town: Town) -> None:
    data = Attachment("mine.jsonl", b"{}\n", "application/x-ndjson")
    town.hall.answers["/privacy"] = Answer("Here it is.", attachment=data)
    town.env.inject_error("POST", "/channels/*/messages", status=403, code=50007)
    result = await town.ana.slash(town.channel, "privacy")
    assert result.response is not None
    assert [file.filename for file in result.response.attachments] == ["mine.jsonl"]
    assert result.response.ephemeral


async def test_a_live_answer_follows_what_goes_on(town: Town) -> None:
    town.hall.answers["/train status"] = Answer("step 1 of 9", live=True)
    ada = town.people[Role.ADMIN]
    result = await ada.slash(town.channel, "train", what="status")
    for text in ("step 1 of 9", "step 5 of 9", "promoted"):
        town.hall.steps.put_nowait(text)
    await town.env.settle()
    assert result.response is not None
    assert result.response.content == "promoted"
    edits: list[Any] = [r.json for r in town.env.http_requests if r.method == "PATCH"]
    assert [edit["content"] for edit in edits] == ["step 1 of 9", "step 5 of 9", "promoted"]


async def test_a_live_answer_says_how_to_go_on_before_discord_takes_no_more_edits(
    town: Town,
) -> None:
    town.hall.answers["/train status"] = Answer("step 1 of 9", live=True)
    result = await town.people[Role.ADMIN].slash(town.channel, "train", what="status")
    town.hall.steps.put_nowait("step 5 of 9")
    await town.env.settle()
    await town.env.advance_time(14 * 60 + 10)  # and nothing new happens meanwhile
    town.hall.steps.put_nowait("step 6 of 9")
    await town.env.settle()
    assert result.response is not None
    assert result.response.content == f"step 5 of 9{GOES_ON}"


@pytest.mark.parametrize("begun", [(), ("You",)])
async def test_a_reply_that_takes_longer_than_discord_waits_is_one_ordinary_message(
    town: Town, begun: tuple[str, ...]
) -> None:
    town.hall.go.clear()
    town.hall.pieces = begun
    await town.ana.slash(town.channel, "chat", text="tea?")
    await town.env.advance_time(16 * 60)
    town.hall.go.set()
    await town.env.settle()
    assert [m.content for m in town.replies] == ["> **ana**: tea?", "You said: tea?"]
    assert "👍" in buttons_of(town.reply)
    assert str(town.reply.id) in town.hall.exchanges


async def test_a_reply_that_grows_too_long_is_shortened_in_its_channel(town: Town) -> None:
    town.hall.go.clear()
    town.hall.pieces = ["word " * 500]
    await town.ana.slash(town.channel, "chat", text="tea?")
    assert len(town.replies) == 3
    await town.env.advance_time(16 * 60)
    town.hall.go.set()
    await town.env.settle()
    assert [m.content for m in town.replies] == ["> **ana**: tea?", "You said: tea?"]


async def test_a_live_answer_that_somebody_dismissed_stops_quietly(
    town: Town, capsys: pytest.CaptureFixture[str]
) -> None:
    town.hall.answers["/train status"] = Answer("step 1 of 9", live=True)
    await town.people[Role.ADMIN].slash(town.channel, "train", what="status")
    town.env.inject_error("PATCH", "/webhooks/*", status=404, code=10008)
    town.hall.steps.put_nowait("step 5 of 9")
    await town.env.settle()
    await town.env.advance_time(16 * 60)
    assert len([r for r in town.env.http_requests if r.method == "PATCH"]) == 2
    assert "failed" not in capsys.readouterr().out


async def test_nothing_is_watched_any_more_when_the_bot_leaves(town: Town) -> None:
    town.hall.answers["/train status"] = Answer("step 1 of 9", live=True)
    await town.client.watching.close(0)
    await town.people[Role.ADMIN].slash(town.channel, "train", what="status")
    town.hall.steps.put_nowait("step 5 of 9")
    await town.env.settle()
    assert town.hall.steps.qsize() == 1


async def test_a_failure_of_the_house_is_apologised_for(
    town: Town, capsys: pytest.CaptureFixture[str]
) -> None:
    town.hall.fault = RuntimeError("broken")
    result = await town.ana.slash(town.channel, "help")
    assert result.response is not None
    assert result.response.content.startswith("Sorry")
    assert "broken" not in result.response.content
    assert "an interaction failed" in capsys.readouterr().out


async def test_chat_shows_what_was_asked_and_the_reply_below(town: Town) -> None:
    result = await town.ana.slash(town.channel, "chat", text="do you like tea? @everyone")
    heard = town.hall.messages[-1]
    assert (heard.text, heard.author.name) == ("do you like tea? @everyone", "ana")
    assert heard.addressed
    assert result.response is not None
    assert not result.ephemeral
    assert result.response.content == "> **ana**: do you like tea? @\u200beveryone"
    [reply] = result.followups
    assert reply.content == "You said: do you like tea? @everyone"
    assert "👍" in buttons_of(reply)
    assert town.hall.exchanges == {str(reply.id): 1}
    sent: list[Any] = [r.json for r in town.env.http_requests if r.path.startswith("/webhooks/")]
    assert [body["allowed_mentions"] for body in sent] == [{"parse": []}]


async def test_a_notice_about_chat_is_for_its_asker_alone(town: Town) -> None:
    town.hall.notice = "Slow down, please."
    result = await town.ana.slash(town.channel, "chat", text="hi")
    [notice] = result.followups
    assert (notice.content, notice.ephemeral) == ("Slow down, please.", True)


async def test_commands_are_told_to_discord_only_when_they_changed(town: Town) -> None:
    def told() -> int:
        return sum(r.method == "PUT" for r in town.env.http_requests)

    assert told() == 1
    await town.env.restart_bot(new_client(town.hall))
    assert told() == 1
    town.hall.menu_entries = (*MENU, Entry("new", "", "something new", Role.MEMBER))
    await town.env.restart_bot(new_client(town.hall))
    assert told() == 2
    assert "new" in town.ana.available_commands(town.channel)


async def test_a_bot_whose_commands_are_refused_talks_all_the_same(town: Town) -> None:
    town.hall.menu_entries = (*MENU, Entry("new", "", "something new", Role.MEMBER))
    town.env.inject_error("PUT", "/applications/*", status=400)
    await town.env.restart_bot(new_client(town.hall))
    assert (await town.ask("hi")).content == "You said: hi"
