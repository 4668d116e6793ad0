"""Judging on Discord: buttons, reactions, forms, menus and the review queue."""

from __future__ import annotations

from typing import Any

import pytest
import simcord

from bot.domain import FeedbackKind, Role
from bot.platforms.base import Answer
from bot.platforms.discord.judging import NO_REPLY
from bot.platforms.posting import RESTARTING
from tests.platforms.discord.conftest import PATIENT, Town, buttons_of, new_client
from tests.platforms.discord.hall import Rated

pytestmark = PATIENT


async def click(
    town: Town, message: Any, button: str, who: Role = Role.MEMBER
) -> simcord.InteractionResult:
    return await town.people[who].click(message, custom_id=buttons_of(message)[button])


def votes(town: Town) -> list[tuple[str, int | None, FeedbackKind, str]]:
    return [(r.who.name, r.exchange, r.kind, r.via) for r in town.hall.ratings]


@pytest.mark.parametrize(
    ("button", "kind"), [("👍", FeedbackKind.LIKE), ("👎", FeedbackKind.DISLIKE)]
)
@pytest.mark.parametrize("role", list(Role))
async def test_anybody_votes_by_button_and_is_thanked_alone(
    town: Town, button: str, kind: FeedbackKind, role: Role
) -> None:
    reply = await town.ask()
    result = await click(town, reply, button, role)
    [rated] = town.hall.ratings
    place = town.hall.messages[0].place
    who = rated.who
    assert rated == Rated(who, place, 1, kind, "", "button", toggle=True)
    assert (who.name, who.role) == (town.people[role].name, role)
    assert result.ephemeral
    assert result.response is not None
    assert result.response.content == f"Thank you for the {kind.value}."


async def test_buttons_work_after_a_restart(town: Town) -> None:
    reply = await town.ask()
    await town.env.restart_bot(new_client(town.hall))
    result = await click(town, reply, "👍")
    assert votes(town) == [("ana", 1, FeedbackKind.LIKE, "button")]
    assert result.acknowledged


async def test_a_click_that_comes_too_late_still_counts(
    town: Town, capsys: pytest.CaptureFixture[str]
) -> None:
    reply = await town.ask()
    town.env.inject_error("POST", "/interactions/*", status=404, code=10062)
    await click(town, reply, "👍")
    assert votes(town) == [("ana", 1, FeedbackKind.LIKE, "button")]
    assert capsys.readouterr().out.count("cannot be answered") == 1


async def test_another_try_comes_below_the_reply_with_its_own_buttons(town: Town) -> None:
    reply = await town.ask()
    await click(town, reply, "🔁")
    [(person, place, exchange)] = town.hall.retries
    assert (person.name, place, exchange) == ("ana", town.hall.messages[0].place, 1)
    assert town.reply.content == "Or so."
    assert buttons_of(town.reply)["👍"] == "reply:like:2"


async def test_a_better_reply_is_written_in_a_form_that_holds_the_first_one(town: Town) -> None:
    reply = await town.ask("tea?")
    shown = await click(town, reply, "✏️")
    assert prefilled(shown) == "You said: tea?"
    result = await town.ana.submit_modal(shown, {"text": "Yes, please."})
    [rated] = town.hall.ratings
    assert (rated.exchange, rated.kind, rated.text) == (
        1,
        FeedbackKind.CORRECTION,
        "Yes, please.",
    )
    assert result.ephemeral
    assert result.response is not None
    assert result.response.content == "Thank you for the correction."


@pytest.mark.parametrize("menu", [False, True])
async def test_the_form_of_a_split_reply_holds_all_of_it_as_it_was_said(
    town: Town, menu: bool
) -> None:
    text = f"{'a' * 1500}\n\n```python\n{'print()' * 200}\n```"
    town.hall.reply = text
    reply = await town.ask()
    if menu:
        mo = town.people[Role.MODERATOR]
        shown = await mo.context_menu(town.channel, "Correct…", reply)
    else:
        shown = await click(town, reply, "✏️")
    assert prefilled(shown) == text


async def test_a_form_does_not_begin_with_half_of_a_reply(town: Town) -> None:
    town.hall.reply = "a" * 4001
    assert prefilled(await click(town, await town.ask(), "✏️")) is None


async def test_a_form_that_was_open_over_a_restart_is_not_lost(town: Town) -> None:
    reply = await town.ask()
    shown = await click(town, reply, "✏️")
    await town.env.restart_bot(new_client(town.hall))
    await town.ana.submit_modal(shown, {"text": "Better."})
    assert [r.text for r in town.hall.ratings] == ["Better."]


@pytest.mark.parametrize(
    ("emoji", "kind"),
    [("👍", FeedbackKind.LIKE), ("👎", FeedbackKind.DISLIKE), ("👍🏽", FeedbackKind.LIKE)],
)
async def test_a_reaction_is_a_vote_and_taking_it_back_too(
    town: Town, emoji: str, kind: FeedbackKind
) -> None:
    reply = await town.ask()
    await town.ana.react(reply, emoji)
    await town.ana.unreact(reply, emoji)
    assert votes(town) == [
        ("ana", 1, kind, "reaction"),
        ("ana", 1, FeedbackKind.RETRACTION, "reaction"),
    ]
    assert [r.toggle for r in town.hall.ratings] == [False, False]


async def test_taking_back_one_of_two_thumbs_leaves_the_other(town: Town) -> None:
    reply = await town.ask()
    for emoji in ("👍", "👎"):
        await town.ana.react(reply, emoji)
    await town.people[Role.MODERATOR].react(reply, "👍")
    await town.ana.unreact(reply, "👍")
    assert [kind for name, _, kind, _ in votes(town) if name == "ana"] == [
        FeedbackKind.LIKE,
        FeedbackKind.DISLIKE,
        FeedbackKind.DISLIKE,
    ]


async def test_other_reactions_other_messages_and_bots_do_not_vote(town: Town) -> None:
    question = await town.ana.send(town.channel, f"{town.me} hi")
    reply = town.reply
    robot = town.guild.add_member(town.env.create_user("robot", bot=True))
    await town.ana.react(reply, "🎉")
    await town.ana.react(question, "👍")
    await robot.react(reply, "👍")
    await (
        town.client.get_channel(town.channel.id)
        .get_partial_message(  # type: ignore[union-attr]
            reply.id
        )
        .add_reaction("👎")
    )
    await town.env.settle()
    assert not town.hall.ratings


MENUS = {
    "Approve": "/approve",
    "Reject": "/reject",
    "Why this reply?": "/why",
    "Flag": "/flag",
}


@pytest.mark.parametrize(("name", "line"), MENUS.items())
@pytest.mark.parametrize("role", list(Role))
async def test_a_replys_menu_gives_commands_about_it_to_those_who_may(
    town: Town, name: str, line: str, role: Role
) -> None:
    reply = await town.ask()
    town.hall.menu_entries = ()
    who = town.people[role]
    if role is not Role.MODERATOR and name != "Flag":
        with pytest.raises(simcord.SetupError, match="not visible"):
            await who.context_menu(town.channel, name, reply)
        return
    result = await who.context_menu(town.channel, name, reply)
    [order] = town.hall.orders
    assert (order.line, order.exchange, order.ask) == (line, 1, True)
    assert (order.who.name, order.who.role) == (who.name, role)
    assert result.ephemeral
    assert result.response is not None
    assert result.response.content == f"Done: {line}"


async def test_a_moderator_corrects_a_reply_from_its_menu(town: Town) -> None:
    reply = await town.ask("tea?")
    mo = town.people[Role.MODERATOR]
    shown = await mo.context_menu(town.channel, "Correct…", reply)
    assert prefilled(shown) == "You said: tea?"
    result = await mo.submit_modal(shown, {"text": "Two lines,\nplease."})
    [order] = town.hall.orders
    assert (order.line, order.exchange) == ("/correct Two lines,\nplease.", 1)
    assert result.ephemeral


async def test_the_menu_of_a_members_message_leads_nowhere(town: Town) -> None:
    message = await town.ana.send(town.channel, "hi all")
    result = await town.ana.context_menu(town.channel, "Flag", message)
    assert not town.hall.orders
    assert result.response is not None
    assert result.response.content == NO_REPLY


def prefilled(shown: simcord.InteractionResult) -> str | None:
    """What stands in the field of a form that was opened."""
    assert shown.modal is not None
    value: str | None = shown.modal["components"][0]["component"].get("value")
    return value


async def reviewed(town: Town, *queue: int) -> simcord.InteractionResult:
    """A moderator begins to review; `queue` is what comes, one after the other."""
    todo = list(queue)

    class Queue(dict[str, Answer]):
        def get(self, line: str, default: Any = None) -> Any:
            if line == "/review":
                number = todo.pop(0) if todo else None
                text = f"Exchange {number}" if number else "Nothing is left to review."
                return Answer(text, review=number)
            return super().get(line, default)

    town.hall.answers = Queue(town.hall.answers)
    return await town.people[Role.MODERATOR].slash(town.channel, "review")


@pytest.mark.parametrize(("button", "line"), [("Approve", "/approve"), ("Skip", "/skip")])
async def test_review_goes_from_one_exchange_to_the_next(
    town: Town, button: str, line: str
) -> None:
    result = await reviewed(town, 7, 9)
    message = result.response
    assert message is not None
    assert message.ephemeral
    assert message.content == "Exchange 7"
    assert list(buttons_of(message)) == ["Approve", "Reject", "Correct…", "Skip", "Ban rater"]
    await click(town, message, button, Role.MODERATOR)
    given = [(o.line, o.exchange) for o in town.hall.orders]
    assert given == [("/review", None), (line, 7), ("/review", None)]
    assert result.response is not None
    assert result.response.content == f"Done: {line}\n\nExchange 9"
    assert buttons_of(result.response)["Approve"] == "review:approve:9"
    await click(town, result.response, "Reject", Role.MODERATOR)
    assert result.response.content == "Done: /reject\n\nNothing is left to review."
    assert not result.response.components


async def test_a_moderators_wording_under_review(town: Town) -> None:
    town.hall.replies[7] = "What was said elsewhere."
    result = await reviewed(town, 7)
    shown = await click(town, result.response, "Correct…", Role.MODERATOR)
    assert prefilled(shown) == "What was said elsewhere."
    await town.people[Role.MODERATOR].submit_modal(shown, {"text": "Like so."})
    assert ("/correct Like so.", 7) in [(o.line, o.exchange) for o in town.hall.orders]
    assert result.response is not None
    assert result.response.content.endswith("Nothing is left to review.")


async def test_a_ruling_by_button_is_not_asked_for_again(town: Town) -> None:
    result = await reviewed(town, 7, 9)
    await click(town, result.response, "Ban rater", Role.MODERATOR)
    assert [(o.line, o.exchange, o.ask) for o in town.hall.orders] == [
        ("/review", None, True),
        ("/ban", 7, False),
        ("/review", None, True),
    ]


async def test_a_refused_ruling_leaves_the_exchange_under_review(town: Town) -> None:
    town.hall.answers["/approve"] = Answer("That is for moderators.", refused=True)
    result = await reviewed(town, 7)
    clicked = await click(town, result.response, "Approve", Role.MODERATOR)
    assert result.response is not None
    assert result.response.content == "Exchange 7"
    assert [m.content for m in clicked.followups] == ["That is for moderators."]
    assert clicked.followups[0].ephemeral


async def test_who_clicks_while_the_bot_leaves_is_told_so(town: Town) -> None:
    reply = await town.ask()
    town.client.walks.closed = True
    result = await click(town, reply, "👍")
    form = await click(town, reply, "✏️")
    for answer in (result.response, form.response):
        assert answer is not None
        assert answer.ephemeral
        assert answer.content == RESTARTING
    assert not town.hall.ratings
