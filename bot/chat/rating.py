"""What becomes of a 👍, a 👎, a flag or a better answer."""

from __future__ import annotations

from typing import Final

from bot.chat.reply import known_as
from bot.chat.services import Services
from bot.domain import (
    Decision,
    Exchange,
    Feedback,
    FeedbackKind,
    Member,
    Person,
    Place,
    Role,
    Ruling,
)
from bot.errors import Refused, StoreError
from bot.store import conversations, exchanges, feedback, members

_THANKS: Final = {
    FeedbackKind.LIKE: "👍 Thank you, noted.",
    FeedbackKind.DISLIKE: "👎 Thank you, noted.",
    FeedbackKind.CORRECTION: "✏️ Thank you, I noted the better answer.",
    FeedbackKind.FLAG: "🚩 Thank you, a moderator will look at it.",
    FeedbackKind.RETRACTION: "Your vote is taken back.",
}


async def rate(
    services: Services,
    person: Person,
    place: Place,
    exchange: int | None,
    kind: FeedbackKind,
    *,
    text: str,
    via: str,
) -> str:
    """Keep one judgement of a reply; return the thanks once it is on disk.

    A moderator's correction is a ruling as well. Raises `Refused` when there is nothing to judge,
    when it lies in another channel, or when a correction is empty or too long.
    """
    if person.is_bot:
        raise Refused("Bots do not vote.")
    text = text.strip()
    if kind is FeedbackKind.CORRECTION:
        _check_correction(text, services.settings.message_chars)
    now = services.now()
    async with services.database.write() as tx:
        member = await members.meet(tx, known_as(services, person), now)
        channel = await conversations.enter(tx, place, now)
        judged = (
            await exchanges.last_in(tx, channel.id)
            if exchange is None
            else await exchanges.get(tx, exchange)
        )
        if judged is None:
            raise Refused("There is no reply to rate here yet.")
        _check_place(judged, channel.id, member)
        if kind in feedback.VOTES:
            before = await feedback.vote(tx, judged.id, member.id)
            if kind is before:
                return f"{_THANKS[kind]} (You said so before.)"
            if kind is FeedbackKind.RETRACTION and before is None:
                return "You have no vote on this reply."
        await feedback.add(tx, Feedback(judged.id, member.id, kind, now, text, via))
        if kind is FeedbackKind.CORRECTION and member.role.may_act_as(Role.MODERATOR):
            await feedback.decide(tx, Decision(judged.id, member.id, Ruling.CORRECT, now, text))
    return _THANKS[kind]


def _check_correction(text: str, longest: int) -> None:
    if not text:
        raise Refused("Write the better answer after the exclamation mark.")
    if len(text) > longest:
        raise Refused(f"That is too long: a better answer has at most {longest} characters.")


def _check_place(exchange: Exchange, channel: int, member: Member) -> None:
    """A member judges what is in sight: a reply in another channel does not exist for them."""
    if exchange.channel != channel and not member.role.may_act_as(Role.MODERATOR):
        raise StoreError(f"There is no reply {exchange.id}.")
