"""What becomes of a 👍, a 👎, a flag or a better answer."""

from __future__ import annotations

from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.chat.authority import known_as, reaches_everywhere
from bot.chat.orders.order import in_sight
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
from bot.platforms.formatting import harmless, readable
from bot.settings import Settings
from bot.store import audit, conversations, exchanges, feedback, members

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
    toggle: bool = False,
    of: FeedbackKind | None = None,
    first: bool = False,
) -> str:
    """Keep one judgement of a reply; return the thanks once it is on disk.

    With `toggle` a like or dislike that is in force already is taken back; a retraction `of` one
    kind of vote leaves the other kind alone. What must be a `first` vote changes no other, and
    counts only for who spoke before the reply: an older one may be of before a /forget.
    A moderator's correction is a ruling as well. Raises `Refused` when there is nothing to judge,
    when it lies in another channel, or when a correction is empty or too long.
    """
    if person.is_bot:
        raise Refused("Bots do not vote.")
    now = services.now()
    async with services.database.write() as tx:
        member = await members.meet(tx, known_as(services.settings, person, place), now)
        channel = await conversations.enter(tx, place, now)
        judged = (
            await exchanges.last_in(tx, channel.id)
            if exchange is None
            else await exchanges.get(tx, exchange)
        )
        if judged is None:
            raise Refused("There is no reply to judge here yet.")
        everywhere = reaches_everywhere(services.settings, person)
        if not await in_sight(tx, judged, channel, member.role, everywhere):
            raise StoreError(f"There is no reply {judged.id}.")
        before = await feedback.vote(tx, judged.id, member.id)
        if toggle and kind is before:
            kind = FeedbackKind.RETRACTION
        events = await feedback.events(tx, judged.id) if first else ()
        voted = any(e.member == member.id and e.kind in feedback.VOTES for e in events)
        if first and not await members.spoke_before(tx, member.id, judged.id):
            return "It is unknown when you gave that vote, so it does not count."
        if voted or (kind is FeedbackKind.RETRACTION and of not in (None, before)):
            return "Your vote stands as it is."
        event = Feedback(judged.id, member.id, kind, now, readable(text).strip(), via)
        return await judge(tx, event, judged, member, longest=services.settings.message_chars)


async def reply_of(
    conn: AsyncConnection, settings: Settings, person: Person, place: Place, exchange: int
) -> str:
    """A reply as it may be shown to whoever can judge it from a place; "" for everybody else."""
    channel = await conversations.find(conn, place)
    if channel is None:
        return ""
    found = await exchanges.get(conn, exchange)
    role = known_as(settings, person, place).role
    seen = await in_sight(conn, found, channel, role, reaches_everywhere(settings, person))
    return harmless(found.reply) if seen else ""


async def judge(
    tx: AsyncConnection, event: Feedback, judged: Exchange, member: Member, *, longest: int
) -> str:
    """Keep what a member says of a reply; the thanks. `longest` bounds corrections."""
    if not judged.reply:
        raise Refused("I kept nothing of that reply, so there is nothing to judge.")
    if event.kind in feedback.VOTES:
        before = await feedback.vote(tx, judged.id, member.id)
        if event.kind is before:
            return f"{_THANKS[event.kind]} (You said so before.)"
        if event.kind is FeedbackKind.RETRACTION and before is None:
            return "You have no vote on this reply."
    elif not member.consent.remembered and event.text:
        raise Refused("You asked me not to remember what you say, so I cannot keep that.")
    if event.kind is FeedbackKind.CORRECTION:
        _check_correction(event.text, longest)
    await feedback.add(tx, event)
    if event.kind is FeedbackKind.CORRECTION and member.role.may_act_as(Role.MODERATOR):
        ruling = Decision(judged.id, member.id, Ruling.CORRECT, event.at, event.text)
        await feedback.decide(tx, ruling)
        actor = f"{member.platform}:{member.external_id}"
        await audit.note(tx, actor, "correct", event.at, f"exchange {judged.id}")
    return _THANKS[event.kind]


def _check_correction(text: str, longest: int) -> None:
    if not text:
        raise Refused("Write the better answer after the exclamation mark.")
    if len(text) > longest:
        raise Refused(f"That is too long: a better answer has at most {longest} characters.")
