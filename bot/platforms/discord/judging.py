"""What members and moderators do to a reply through Discord's buttons, menus and forms."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import discord
import structlog

from bot.domain import FeedbackKind
from bot.platforms.discord import answers
from bot.platforms.discord.buttons import Judging
from bot.platforms.posting import RESTARTING, attend

if TYPE_CHECKING:
    from bot.platforms.discord.client import Client

log = structlog.get_logger()

LONGEST_FORM: Final = 4000
"""Characters that a form's field takes at most."""

NO_REPLY: Final = "That is no finished reply of mine."

_FORM: Final = re.compile(r"(improve|correct|review):([0-9]{1,18})")


class Wording(discord.ui.Modal):
    """A form with one field for the reply as it should have been.

    What is sent with it comes to `submitted` by its id, so that a restart between loses nothing.
    A reply that does not fit is left out: its first part would be taken for the whole.
    """

    def __init__(self, purpose: str, exchange: int, text: str) -> None:
        super().__init__(
            title="A better reply", custom_id=f"{purpose}:{exchange}", timeout=_FORM_SECONDS
        )
        field: discord.ui.TextInput[Any] = discord.ui.TextInput(
            custom_id="text",
            style=discord.TextStyle.paragraph,
            default=text if 0 < len(text) <= LONGEST_FORM else None,
            placeholder="Write the whole reply.",
            max_length=LONGEST_FORM,
        )
        self.add_item(discord.ui.Label(text="What should I have said?", component=field))


_FORM_SECONDS: Final = 900.0
_FORMS: Final = {"improve": "improve", "correct": "review"}
"""The buttons that open a form, and the purpose of the form."""


async def clicked(interaction: discord.Interaction[Client], press: Judging) -> None:
    """Somebody used a button below a reply, or below one that is under review."""
    act, exchange = press.act, press.exchange
    if act in _FORMS:
        await _open(interaction, _FORMS[act], exchange)
    elif press.row == "review":
        await answers.attend(interaction, _rule(interaction, f"/{act}", exchange))
    elif act == "again":
        await answers.attend(interaction, _again(interaction, exchange))
    else:
        await answers.attend(interaction, _vote(interaction, exchange, FeedbackKind(act)))


async def chosen(
    interaction: discord.Interaction[Client], message: discord.Message, line: str
) -> None:
    """Somebody chose a command from a message's menu; `/correct` asks for the wording first."""
    if line != "/correct":
        await answers.attend(interaction, _about(interaction, message, line))
        return
    _, place = answers.asker_of(interaction)
    exchange = await interaction.client.room.exchange_of(place, str(message.id))
    if exchange is None:
        await answers.attend(interaction, answers.tell(interaction, NO_REPLY))
    else:
        await _open(interaction, "correct", exchange)


async def submitted(interaction: discord.Interaction[Client]) -> None:
    """Somebody sent a form, perhaps one that was opened before a restart."""
    data: Mapping[str, Any] = interaction.data or {}
    form = _FORM.fullmatch(str(data.get("custom_id", "")))
    if form is None:
        return
    purpose, exchange = form[1], int(form[2])
    text = written(data.get("components", ()))
    if purpose == "improve":
        await answers.attend(interaction, _improve(interaction, exchange, text))
    elif purpose == "correct":
        line = f"/correct {text}"
        await answers.attend(interaction, answers.command(interaction, line, exchange=exchange))
    else:
        await answers.attend(interaction, _rule(interaction, f"/correct {text}", exchange))


def written(components: Sequence[Mapping[str, Any]]) -> str:
    """The text in the field of a form, as Discord sends it."""
    for component in components:
        if component.get("custom_id") == "text":
            return str(component.get("value") or "").strip()
        inner = component.get("components") or [component.get("component") or {}]
        if inner != [{}] and (text := written(inner)):
            return text
    return ""


async def _open(interaction: discord.Interaction[Client], purpose: str, exchange: int) -> None:
    """Show a form that holds the reply as it is."""
    client = interaction.client
    if client.walks.closed:
        await answers.attend(interaction, answers.tell(interaction, RESTARTING))
        return
    person, place = answers.asker_of(interaction)
    text = await client.room.reply_of(person, place, exchange)
    try:
        await interaction.response.send_modal(Wording(purpose, exchange, text))
    except discord.NotFound as error:  # more than three seconds have passed
        log.warning("an interaction cannot be answered", error=str(error))


async def _about(
    interaction: discord.Interaction[Client], message: discord.Message, line: str
) -> None:
    """A command about a message, which may be a reply that is just being finished."""
    await answers.acknowledge(interaction)
    _, place = answers.asker_of(interaction)
    client = interaction.client
    mine = message.author.id == client.me
    exchange = await client.room.exchange_of(place, str(message.id), wait=mine)
    if exchange is None:
        await answers.tell(interaction, NO_REPLY)
    else:
        answer = await answers.ordered(interaction, line, exchange=exchange, ask=True)
        await answers.show(interaction, answer)


async def _vote(
    interaction: discord.Interaction[Client], exchange: int, kind: FeedbackKind
) -> None:
    """A vote by button; the same one a second time takes it back."""
    await answers.acknowledge(interaction)
    person, place = answers.asker_of(interaction)
    thanks = await interaction.client.room.rating(
        person, place, exchange, kind, via="button", toggle=True
    )
    await _thank(interaction, thanks)


async def _again(interaction: discord.Interaction[Client], exchange: int) -> None:
    """Another reply to the same prompt, below the first one."""
    await answers.acknowledge(interaction, update=True)
    if interaction.response.is_done():
        person, place = answers.asker_of(interaction)
        outlet = interaction.client.outlet_below(interaction)
        await attend(interaction.client.room.again(person, place, exchange, outlet), outlet)


async def _improve(interaction: discord.Interaction[Client], exchange: int, text: str) -> None:
    await answers.acknowledge(interaction)
    person, place = answers.asker_of(interaction)
    thanks = await interaction.client.room.rating(
        person, place, exchange, FeedbackKind.CORRECTION, text=text, via="button"
    )
    await _thank(interaction, thanks)


async def _rule(interaction: discord.Interaction[Client], line: str, exchange: int) -> None:
    """A moderator's word on a reply under review; then the next one is shown."""
    await answers.acknowledge(interaction, update=True)
    answer = await answers.ordered(interaction, line, exchange=exchange, ask=False)
    if answer.refused:
        await answers.tell(interaction, answer.text)
    else:
        await answers.show(interaction, await answers.following(interaction, answer.text))


async def _thank(interaction: discord.Interaction[Client], thanks: str) -> None:
    if interaction.response.is_done():
        await answers.tell(interaction, thanks)
