"""What members and moderators do to a reply through Discord's buttons, menus and forms."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import discord
import structlog

from bot.domain import FeedbackKind
from bot.platforms.discord import answers

if TYPE_CHECKING:
    from bot.platforms.discord.client import Client

log = structlog.get_logger()

LONGEST_FORM: Final = 4000
"""Characters that a form's field takes at most."""

_FORM: Final = re.compile(r"(improve|correct|review):([0-9]{1,18})")


class Wording(discord.ui.Modal):
    """A form with one field for the reply as it should have been.

    What is sent with it comes to `submitted` by its id, so that a restart between loses nothing.
    """

    def __init__(self, purpose: str, exchange: int, text: str) -> None:
        super().__init__(
            title="A better reply", custom_id=f"{purpose}:{exchange}", timeout=_FORM_SECONDS
        )
        field: discord.ui.TextInput[Any] = discord.ui.TextInput(
            custom_id="text",
            style=discord.TextStyle.paragraph,
            default=text[:LONGEST_FORM] or None,
            placeholder="Write the whole reply.",
            max_length=LONGEST_FORM,
        )
        self.add_item(discord.ui.Label(text="What should I have said?", component=field))


_FORM_SECONDS: Final = 900.0


async def clicked(interaction: discord.Interaction[Client], act: str, exchange: int) -> None:
    """Somebody used a button below a reply."""
    if act == "improve":
        await _open(interaction, Wording("improve", exchange, await _reply(interaction, exchange)))
    elif act == "again":
        await answers.attend(interaction, _again(interaction, exchange))
    else:
        await answers.attend(interaction, _vote(interaction, exchange, FeedbackKind(act)))


async def reviewed(interaction: discord.Interaction[Client], act: str, exchange: int) -> None:
    """A moderator used a button below an exchange under review."""
    if act == "correct":
        await _open(interaction, Wording("review", exchange, ""))
    else:
        await answers.attend(interaction, _rule(interaction, f"/{act}", exchange))


async def chosen(
    interaction: discord.Interaction[Client], message: discord.Message, line: str
) -> None:
    """Somebody chose a command from a message's menu; `/correct` asks for the wording first."""
    _, place = answers.asker_of(interaction)
    exchange = await interaction.client.room.exchange_of(place, str(message.id))
    if exchange is None:
        await answers.attend(interaction, answers.tell(interaction, "That is no reply of mine."))
    elif line == "/correct":
        await _open(interaction, Wording("correct", exchange, message.content))
    else:
        await answers.attend(interaction, answers.command(interaction, line, exchange=exchange))


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


async def _open(interaction: discord.Interaction[Client], form: Wording) -> None:
    if interaction.client.walks.closed:
        await answers.attend(interaction, answers.tell(interaction, answers.RESTARTING))
        return
    try:
        await interaction.response.send_modal(form)
    except discord.NotFound as error:  # more than three seconds have passed
        log.warning("an interaction cannot be answered", error=str(error))


async def _reply(interaction: discord.Interaction[Client], exchange: int) -> str:
    """The whole reply that a button stands below, be it split over some messages."""
    last, channel = interaction.message, interaction.channel
    if last is None:
        return ""
    parts = [last.content]
    if last.reference is None and isinstance(channel, discord.abc.Messageable):
        _, place = answers.asker_of(interaction)
        try:
            async for earlier in channel.history(limit=_MOST_PARTS, before=last):
                found = await interaction.client.room.exchange_of(place, str(earlier.id))
                if found != exchange:
                    break
                parts.insert(0, earlier.content)
        except discord.Forbidden:
            log.info("cannot read the earlier parts of a reply")
    return "\n".join(parts)


_MOST_PARTS: Final = 3


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
        await interaction.client.room.again(person, place, exchange, outlet)


async def _improve(interaction: discord.Interaction[Client], exchange: int, text: str) -> None:
    await answers.acknowledge(interaction)
    person, place = answers.asker_of(interaction)
    thanks = await interaction.client.room.rating(
        person, place, exchange, FeedbackKind.CORRECTION, text=text, via="button"
    )
    await _thank(interaction, thanks)


async def _rule(interaction: discord.Interaction[Client], line: str, exchange: int) -> None:
    await answers.acknowledge(interaction, update=True)
    answer = await answers.ordered(interaction, line, exchange=exchange, ask=True)
    if answer.refused:
        await answers.tell(interaction, answer.text)
    elif answer.confirm:
        await answers.show(interaction, answer, exchange=exchange, reviewing=True)
    else:
        await answers.show(interaction, await answers.following(interaction, answer.text))


async def _thank(interaction: discord.Interaction[Client], thanks: str) -> None:
    if interaction.response.is_done():
        await answers.tell(interaction, thanks)
