"""What members and moderators do with the buttons under messages."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from datetime import datetime
from typing import Final

import structlog

from bot.domain import ChannelKind, FeedbackKind, Person, Place, Role
from bot.platforms.base import CONFIRM_WITHIN, NOT_YOURS, NOTHING_DONE, TOO_LATE, Room
from bot.platforms.formatting import utf16
from bot.platforms.telegram import keyboards
from bot.platforms.telegram.answers import Answers, is_done
from bot.platforms.telegram.bounds import Bounds
from bot.platforms.telegram.entities import MAX_UNITS, Mark, Rendered, plain
from bot.platforms.telegram.events import Ask, Pressed
from bot.platforms.telegram.intake import PENCIL, anonymous, ask_link
from bot.platforms.telegram.keyboards import Press
from bot.platforms.telegram.roles import Roles
from bot.platforms.telegram.writer import Spot, Writer, spot_of
from bot.platforms.walks import Walks

log = structlog.get_logger()

STALE: Final = "This button is too old for me."

_ASK_SECONDS: Final = 60.0


class Presses:
    """Carries out presses, except for 🔁, which is a reply.

    Telegram is asked who administers a group only for what moderators do, as that may take long.
    `now` tells how old a question is.
    """

    def __init__(
        self,
        bounds: Bounds,
        writer: Writer,
        room: Room,
        answers: Answers,
        roles: Roles,
        username: str,
        now: Callable[[], datetime],
    ) -> None:
        self._bounds = bounds
        self._roles = roles
        self._now = now
        self._writer = writer
        self._room = room
        self._answers = answers
        self._username = username
        self._counting: set[tuple[str, str, int]] = set()
        self._counts = Walks()
        self._asked: dict[tuple[str, int], float] = {}
        self._confirmations: deque[tuple[str, str]] = deque(maxlen=1000)

    async def carry_out(self, pressed: Pressed, press: Press, safe: Callable[[], None]) -> None:
        """Do what a button says; `safe` is called once it is done, before anybody is told."""
        if press.act in ("like", "dislike"):
            await self._vote(pressed, press, safe)
        elif press.act in ("improve", "correct"):
            await self._ask_for_better(pressed, press)
        elif press.act in ("yes", "next", "no"):
            await self._confirmed(pressed, press, safe)
        else:
            await self._rule(pressed, press, safe)

    async def close(self) -> None:
        """Let the last counts be drawn, if they are quick."""
        await self._counts.close(1.0)

    async def recount(self, place: Place, message: str, exchange: int) -> None:
        """Show the votes on the buttons soon; many votes at once are drawn once."""
        key = (place.channel, message, exchange)
        if message and key not in self._counting and not self._counts.closed:
            self._counting.add(key)
            self._counts.begin(self._recount(place, message, exchange))

    async def _recount(self, place: Place, message: str, exchange: int) -> None:
        spot = spot_of(place)
        await self._writer.turn(spot)
        self._counting.discard((place.channel, message, exchange))
        if await self._room.exchange_of(place, message) != exchange:
            return  # an altered app pressed one reply's button below another message
        buttons = keyboards.rating(exchange, await self._room.votes(exchange))
        await self._writer.change_keyboard(spot, int(message), buttons)

    async def _vote(self, pressed: Pressed, press: Press, safe: Callable[[], None]) -> None:
        kind, person = FeedbackKind(press.act), self._roles.recall(pressed.person, pressed.place)
        thanks = await self._room.rating(
            person, pressed.place, press.exchange, kind, via="button", toggle=True
        )
        safe()
        await self._writer.acknowledge(pressed.id, thanks)
        if press.exchange is not None:
            await self.recount(pressed.place, pressed.message, press.exchange)

    async def _ask_for_better(self, pressed: Pressed, press: Press) -> None:
        """Ask the person for the reply as it should have been.

        The exchange is in a link of the request itself, so that the answer finds it after a
        restart too.
        """
        person = pressed.person
        if press.act == "correct":
            person = await self._roles.grant(person, pressed.place)
            if not person.role.may_act_as(Role.MODERATOR):
                await self._writer.acknowledge(pressed.id, "That is for moderators.")
                return
        ask = Ask(press.exchange or 0, reviewing=press.act == "correct")
        if not self._may_ask(person, ask):
            await self._writer.acknowledge(pressed.id, "I asked you already: reply to my message.")
            return
        await self._writer.acknowledge(pressed.id)
        group = pressed.place.kind is ChannelKind.GROUP
        body = request(ask, self._username, person if group else None)
        spot = spot_of(pressed.place, pressed.message)
        await self._writer.turn(spot)
        await self._writer.post(spot, body, keyboards.answer_here())

    def _may_ask(self, person: Person, ask: Ask) -> bool:
        """Whether a request may be sent: one a minute, so that presses cannot flood a chat."""
        now = self._bounds.now()
        self._asked = {key: until for key, until in self._asked.items() if until > now}
        key = (person.id, ask.exchange)
        if key in self._asked:
            return False
        self._asked[key] = now + _ASK_SECONDS
        return True

    async def _confirmed(self, pressed: Pressed, press: Press, safe: Callable[[], None]) -> None:
        person = await self._asked_of(pressed, press)
        if person is None:
            await self._writer.acknowledge(pressed.id, NOT_YOURS, alert=True)
            return
        await self._writer.acknowledge(pressed.id)
        key = (pressed.place.channel, pressed.message or pressed.data)
        if key in self._confirmations:
            return  # pressed twice, before the buttons were gone
        self._confirmations.append(key)
        spot = spot_of(pressed.place, pressed.message)
        if press.act == "no":
            await self._replace(spot, pressed.message, NOTHING_DONE)
            return
        if self._now() - pressed.shown_at > CONFIRM_WITHIN:
            await self._replace(spot, pressed.message, TOO_LATE)
            return
        person = await self._roles.grant(person, pressed.place)
        answer = await self._room.command(
            person, pressed.place, press.line, exchange=press.exchange, ask=False
        )
        safe()
        if answer.attachment is None and not answer.live:
            await self._replace(spot, pressed.message, answer.text)
        else:
            await self._strip(spot, pressed.message)
            await self._answers.show(spot, person, pressed.place, answer)
        if press.act == "next" and not answer.refused:
            await self.review_next(spot, person, pressed.place)

    async def _asked_of(self, pressed: Pressed, press: Press) -> Person | None:
        """As whom somebody confirms a command; None for whoever was not asked.

        An anonymous administrator presses buttons under their own name: any administrator may
        confirm what one asked for, and it is done in the name of the group as it was asked.
        """
        if press.asker != keyboards.ANYBODY_ANONYMOUS:
            return pressed.person if press.asker == pressed.person.id else None
        person = await self._roles.grant(pressed.person, pressed.place)
        return anonymous(pressed.place) if person.role.may_act_as(Role.MODERATOR) else None

    async def _rule(self, pressed: Pressed, press: Press, safe: Callable[[], None]) -> None:
        """A moderator's word on a reply under review; then the next one is shown."""
        person = await self._roles.grant(pressed.person, pressed.place)
        answer = await self._room.command(
            person, pressed.place, f"/{press.act}", exchange=press.exchange, ask=True
        )
        if is_done(answer):
            safe()
        spot = spot_of(pressed.place, pressed.message)
        if answer.confirm:
            await self._writer.acknowledge(pressed.id)
            await self._answers.show(
                spot, person, pressed.place, answer, exchange=press.exchange, reviewing=True
            )
            return
        await self._writer.acknowledge(pressed.id, answer.text, alert=answer.refused)
        if not answer.refused:
            await self._strip(spot, pressed.message)
            await self.review_next(spot, person, pressed.place)

    async def review_next(self, spot: Spot, person: Person, place: Place) -> None:
        """Show the next reply that a moderator is asked to judge."""
        answer = await self._room.command(person, place, "/review", ask=True)
        await self._answers.show(spot, person, place, answer)

    async def _replace(self, spot: Spot, message: str, text: str) -> None:
        """Let a message say something else, without buttons."""
        body = plain(text)
        if not message or not 0 < utf16(body.text) <= MAX_UNITS:
            await self._strip(spot, message)
            await self._writer.say(spot, text)
            return
        await self._writer.turn(spot)
        if not await self._writer.change(spot, int(message), body):
            await self._writer.say(spot, text)

    async def _strip(self, spot: Spot, message: str) -> None:
        """Take a message's buttons away, if it can be changed."""
        if message:
            await self._writer.turn(spot)
            await self._writer.change_keyboard(spot, int(message), None)


def request(ask: Ask, username: str, person: Person | None) -> Rendered:
    """A request for a better answer; in a group it names the person whose form it opens."""
    marks = [Mark("text_link", 0, utf16(PENCIL), ask_link(username, ask))]
    text = f"{PENCIL} "
    if person is not None and person.id.isdecimal():
        name = " ".join(person.name.split())[:64] or "you"
        marks.append(Mark("text_mention", utf16(text), utf16(name), user=int(person.id)))
        text += f"{name}: "
    return Rendered(f"{text}reply to this message with what I should have said.", tuple(marks))
