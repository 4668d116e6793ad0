"""The commands, the same on every platform: the table of them all, and how one is carried out.

Rights are checked here, whatever a platform shows in its own menus; every act of an admin or a
moderator is in the audit log.
"""

from __future__ import annotations

from typing import Final

from bot.chat.authority import known_as, reaches_everywhere
from bot.chat.orders import figures, judging, learning, privacy, talking
from bot.chat.orders.order import Ask, Command
from bot.chat.reply import wait_a_little
from bot.chat.services import Services
from bot.domain import Person, Place, Role
from bot.errors import Refused
from bot.platforms.base import Answer
from bot.platforms.formatting import readable
from bot.store import conversations, members


async def run(
    services: Services,
    person: Person,
    place: Place,
    line: str,
    *,
    exchange: int | None = None,
    ask: bool = False,
) -> Answer:
    """Carry out a line such as "/train now". See `Room.command` for `exchange` and `ask`.

    Raises `Refused` for what is not allowed or unknown.
    """
    if person.is_bot:
        raise Refused("Bots give no commands.")
    line = readable(line).strip().removeprefix("/")
    words = tuple(line.split())
    command = COMMANDS.get(words[0].lower()) if words else None
    if command is None:
        raise Refused(f"I do not know /{words[0] if words else ''}. /help lists what I know.")
    now, settings = services.now(), services.settings
    async with services.database.write() as tx:
        member = await members.meet(tx, known_as(settings, person, place), now)
        channel = await conversations.enter(tx, place, now)
        if not member.role.may_act_as(command.role):
            raise Refused(f"/{command.name} is for {command.role.value}s.")
        if member.role is Role.MEMBER:
            wait = services.limits.take(member.id, channel.id, now)
            if wait:
                raise Refused(wait_a_little(wait))
        answer = await command.act(
            Ask(
                services,
                tx,
                member,
                channel,
                words[1:],
                now,
                text=line.removeprefix(words[0]).strip(),
                target=exchange,
                ask=ask,
                everywhere=reaches_everywhere(settings, person),
            )
        )
    return answer if isinstance(answer, Answer) else await answer()


async def _help(ask: Ask) -> Answer:
    lines = ["I answer here, and I learn from what you tell me about my answers."]
    lines += [
        f"/{f'{command.name} {command.usage}'.strip()}: {command.meaning}"
        for command in COMMANDS.values()
        if ask.member.role.may_act_as(command.role)
    ]
    return Answer("\n".join(lines))


COMMANDS: Final = {
    command.name: command
    for command in (
        Command("help", "", "what I can do", Role.MEMBER, _help),
        *talking.COMMANDS,
        *privacy.COMMANDS,
        *judging.COMMANDS,
        *judging.FOR_MODERATORS,
        *learning.COMMANDS,
        *talking.FOR_ADMINS,
        *figures.COMMANDS,
    )
}
