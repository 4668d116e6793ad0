"""Interactions answered: in time, and then with what the house says, to one person alone."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncGenerator, Coroutine
from contextlib import aclosing, suppress
from datetime import UTC, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import discord
import structlog

from bot.domain import Message, Person, Place
from bot.platforms import posting
from bot.platforms.base import (
    APOLOGY,
    CONFIRM_WITHIN,
    NOT_YOURS,
    NOTHING_DONE,
    TOO_LATE,
    Answer,
)
from bot.platforms.discord.buttons import Confirming, confirm_buttons, review_buttons
from bot.platforms.discord.formatting import quoted
from bot.platforms.discord.incoming import person_of, place_in
from bot.platforms.discord.permissions import NOBODY
from bot.platforms.discord.surface import MAX_CHARS, insist
from bot.platforms.formatting import harmless, split

if TYPE_CHECKING:
    from bot.platforms.discord.client import Client

log = structlog.get_logger()

GOES_ON: Final = "\n\nI cannot show more of it here: /train status tells how it goes on."
MOST_ANSWERED: Final = 1000
"""How many questions are kept in mind, so that two quick clicks do a thing once."""


def asker_of(interaction: discord.Interaction[Any]) -> tuple[Person, Place]:
    """Who used a command or a button, and where."""
    place = place_in(interaction.channel, interaction.channel_id or 0, interaction.guild_id)
    return person_of(interaction.user), place


async def attend(interaction: discord.Interaction[Client], walk: Coroutine[Any, Any, None]) -> None:
    """Begin the walk of a command or a click, unless the bot is on its way out."""
    client = interaction.client
    if client.walks.closed:
        walk.close()
        await _attended(interaction, tell(interaction, posting.RESTARTING))
    else:
        client.walks.begin(_attended(interaction, walk))


async def acknowledge(interaction: discord.Interaction[Any], *, update: bool = False) -> None:
    """Tell Discord within its three seconds that an answer comes; `update`: in the same message.

    Too late is no failure: what was asked for is done, only nobody is told.
    """
    try:
        if update:
            await interaction.response.defer()
        else:
            await interaction.response.defer(ephemeral=True, thinking=True)
    except discord.HTTPException as error:
        log.warning("an interaction cannot be answered", error=str(error))


async def tell(interaction: discord.Interaction[Any], text: str) -> None:
    """Say a short thing to the one who asked, alone."""
    text = text[:MAX_CHARS]
    response = interaction.response
    if not response.is_done():
        await response.send_message(text, ephemeral=True, allowed_mentions=NOBODY)
    elif response.type is discord.InteractionResponseType.deferred_channel_message:
        await interaction.edit_original_response(content=text, allowed_mentions=NOBODY)
    else:
        await interaction.followup.send(text, ephemeral=True, allowed_mentions=NOBODY)


async def command(
    interaction: discord.Interaction[Client], line: str, *, exchange: int | None = None
) -> None:
    """Give a command to the house and show the answer."""
    await acknowledge(interaction)
    answer = await ordered(interaction, line, exchange=exchange, ask=True)
    await show(interaction, answer)


async def ordered(
    interaction: discord.Interaction[Client], line: str, *, exchange: int | None, ask: bool
) -> Answer:
    """The house's answer to a command of the one who asked."""
    person, place = asker_of(interaction)
    return await interaction.client.room.command(person, place, line, exchange=exchange, ask=ask)


async def show(interaction: discord.Interaction[Client], answer: Answer) -> None:
    """Show an answer where the acknowledgement stands, with its file and its buttons."""
    if not interaction.response.is_done():
        return  # it came too late to be answered
    text, file = await _delivered(interaction, answer)
    view: discord.ui.View | None = None
    if answer.confirm:
        view = confirm_buttons(interaction.user.id, interaction.id, answer.confirm)
    elif answer.review is not None:
        view = review_buttons(answer.review)
    *parts, last = split(text, MAX_CHARS)
    for at, part in enumerate(parts):
        if at == 0:
            await interaction.edit_original_response(
                content=part, view=None, attachments=[], allowed_mentions=NOBODY
            )
        else:
            await interaction.followup.send(part, ephemeral=True, allowed_mentions=NOBODY)
    if parts:
        options: dict[str, Any] = {"view": view} if view else {}
        if file:
            options["file"] = file
        await interaction.followup.send(last, ephemeral=True, allowed_mentions=NOBODY, **options)
    else:
        await interaction.edit_original_response(
            content=last,
            view=view,
            attachments=[file] if file else [],
            allowed_mentions=NOBODY,
        )
        client = interaction.client
        if answer.live and not client.watching.closed:
            client.watching.begin(_watch(interaction, client.room.progress(), last))


async def confirmed(interaction: discord.Interaction[Client], press: Confirming) -> None:
    """The walk of a click at Confirm or Cancel: what was asked is done once, or left.

    The house decides anew whether whoever clicks may do it.
    """
    answered = interaction.client.answered
    if interaction.user.id != press.asker:
        await tell(interaction, NOT_YOURS)
    elif press.question in answered:
        await acknowledge(interaction, update=True)
    elif not press.line:
        answered.append(press.question)
        await interaction.response.edit_message(content=NOTHING_DONE, view=None)
    elif interaction.created_at - discord.utils.snowflake_time(press.question) > CONFIRM_WITHIN:
        await interaction.response.edit_message(content=TOO_LATE, view=None)
    else:
        answered.append(press.question)
        await acknowledge(interaction, update=True)
        await show(interaction, await ordered(interaction, press.line, exchange=None, ask=False))


async def chatted(interaction: discord.Interaction[Client], text: str) -> None:
    """The walk of /chat: the channel sees the question, and the reply below.

    The question is kept under the id of the message that shows it, so that it goes with that.
    """
    room = interaction.client.room
    person, place = asker_of(interaction)
    if refusal := await room.refusal(person, place):
        await tell(interaction, refusal)
        return
    shown = await interaction.response.send_message(
        harmless(quoted(person.name, text))[:MAX_CHARS], allowed_mentions=NOBODY
    )
    at = interaction.created_at.astimezone(UTC)
    said = Message(place, person, text, str(shown.message_id or interaction.id), at)
    outlet = interaction.client.outlet_below(interaction)
    await posting.attend(room.message(said, outlet), outlet)


async def following(interaction: discord.Interaction[Client], said: str) -> Answer:
    """The next exchange under review, below what was said of the last one."""
    answer = await ordered(interaction, "/review", exchange=None, ask=True)
    return Answer(f"{said}\n\n{answer.text}", review=answer.review)


async def _delivered(
    interaction: discord.Interaction[Any], answer: Answer
) -> tuple[str, discord.File | None]:
    """The text and the file to show. A member's own data goes to their direct chat if it can."""
    attachment = answer.attachment
    if attachment is None:
        return answer.text, None
    if not attachment.media_type.startswith("image/"):
        try:
            await interaction.user.send(file=_file(answer))
        except discord.HTTPException as error:  # closed to strangers, most likely
            log.info("a file cannot be sent as a direct message", error=str(error))
        else:
            return f"{answer.text}\nI sent it to you as a direct message.".strip(), None
    return answer.text, _file(answer)


def _file(answer: Answer) -> discord.File:
    attachment = answer.attachment
    if attachment is None:
        raise ValueError("the answer has no file")
    return discord.File(io.BytesIO(attachment.data), filename=attachment.name)


async def _watch(
    interaction: discord.Interaction[Client], progress: AsyncGenerator[str, None], shown: str
) -> None:
    """Keep a message at what goes on, until shortly before Discord lets it be edited no more."""
    client = interaction.client
    left = interaction.expires_at - timedelta(minutes=1) - discord.utils.utcnow()
    try:
        async with aclosing(progress), asyncio.timeout(left.total_seconds()) as deadline:
            async for text in progress:
                if (text := text[:MAX_CHARS]) == shown:
                    continue
                await client.pace.wait(f"live:{interaction.id}", client.every)
                await insist(partial(_rewrite, interaction, text))
                shown = text
    except discord.NotFound:
        log.debug("somebody dismissed a message, or it can no longer be edited")
    except TimeoutError:
        if not deadline.expired():
            raise
        text = f"{shown[: MAX_CHARS - len(GOES_ON)]}{GOES_ON}"
        with suppress(discord.NotFound):
            await insist(partial(_rewrite, interaction, text))


async def _rewrite(interaction: discord.Interaction[Any], text: str) -> None:
    await interaction.edit_original_response(content=text, allowed_mentions=NOBODY)


async def _attended(interaction: discord.Interaction[Any], walk: Coroutine[Any, Any, None]) -> None:
    """One walk to its end: the operator gets the whole failure, the person an apology."""
    try:
        await walk
    except discord.NotFound as error:  # the interaction has expired, or its message is gone
        log.warning("an interaction cannot be answered", error=str(error))
    except Exception:
        log.exception("an interaction failed")
        try:
            await tell(interaction, APOLOGY)
        except discord.HTTPException as error:
            log.warning("could not even say so", error=str(error))
