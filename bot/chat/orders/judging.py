"""What moderators do: look through the queue, rule on replies, and see how a reply came about."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from bot.chat.authority import is_private
from bot.chat.orders.order import Ask, Command
from bot.chat.rating import judge
from bot.domain import (
    Decision,
    Exchange,
    Feedback,
    FeedbackKind,
    Role,
    Ruling,
    Turn,
)
from bot.errors import Refused
from bot.platforms.base import Answer
from bot.platforms.formatting import harmless
from bot.store import adapters, audit, conversations, exchanges, feedback, members, review
from bot.store.review import Rater

_SIGNS: Final = {
    FeedbackKind.LIKE: "👍",
    FeedbackKind.DISLIKE: "👎",
    FeedbackKind.CORRECTION: "✏️",
    FeedbackKind.FLAG: "🚩",
}
_TURNS: Final = 3
_TURN_CHARS: Final = 300
_DIGITS: Final = 15


async def _flag(ask: Ask) -> Answer:
    found = await ask.exchange()
    why = ask.text[:500]
    event = Feedback(found.id, ask.member.id, FeedbackKind.FLAG, ask.now, why, via="command")
    return Answer(await judge(ask.tx, event, found, ask.member, longest=len(why)))


async def _review(ask: Ask) -> Answer:
    """The next reply of the queue; those of other communities only where nobody reads along."""
    community = None
    if not (ask.everywhere and is_private(ask.channel.place)):
        community = await conversations.community_of(ask.tx, ask.channel.id)
    queue = await review.waiting(ask.tx, moderator=ask.member.id, community=community)
    if not queue:
        return Answer("There is nothing to review: every reply is settled or skipped.")
    found = await exchanges.get(ask.tx, queue[0])
    left = await review.count(ask.tx, moderator=ask.member.id, community=community)
    head = f"Reply {found.id}, {left} to review."
    return Answer(harmless(f"{head}\n\n{await _card(ask, found)}"), review=found.id)


async def _card(ask: Ask, found: Exchange) -> str:
    """An exchange as a moderator reads it: what was said before, the reply, and its judges."""
    before = "\n".join(map(_line, found.prompt.turns[-_TURNS:]))
    said = await review.raters(ask.tx, found.id)
    judged = "\n".join(_judged(rater) for rater in said) or "Nobody has rated it."
    return f"{before}\n» {_cut(found.reply, 4 * _TURN_CHARS)}\n\n{judged}"


def _line(turn: Turn) -> str:
    who = turn.speaker or ("I" if turn.role == "assistant" else "somebody")
    return f"{who}: {_cut(turn.text, _TURN_CHARS)}"


def _judged(rater: Rater) -> str:
    name = f"{rater.name or 'somebody'} (#{rater.member})"
    ignored = ", ignored" if rater.trust == 0 else ""
    words = f": {_cut(rater.text, _TURN_CHARS)}" if rater.text else ""
    return f"{_SIGNS[rater.kind]} {name}{ignored}{words}"


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"


async def _approve(ask: Ask) -> Answer:
    return await _rule(ask, Ruling.APPROVE, "Approved", "I may learn from it.")


async def _reject(ask: Ask) -> Answer:
    return await _rule(ask, Ruling.REJECT, "Rejected", "I will not learn from it.")


async def _skip(ask: Ask) -> Answer:
    return await _rule(ask, Ruling.SKIP, "Skipped", "It comes again when there is news of it.")


async def _correct(ask: Ask) -> Answer:
    """The better answer in the moderator's words, or the newest one that a member wrote."""
    text = ask.text
    if not text:
        said = await review.raters(ask.tx, (await ask.exchange()).id)
        text = next((r.text for r in reversed(said) if r.kind is FeedbackKind.CORRECTION), "")
    if not text:
        raise Refused("Write the better answer: /correct TEXT.")
    longest = ask.services.settings.message_chars
    if len(text) > longest:
        raise Refused(f"That is too long: a better answer has at most {longest} characters.")
    return await _rule(ask, Ruling.CORRECT, "Corrected", "I may learn from your answer.", text)


async def _rule(ask: Ask, ruling: Ruling, done: str, so: str, text: str = "") -> Answer:
    found = await ask.exchange()
    if not found.reply:
        raise Refused("I kept nothing of that reply, so there is nothing to judge.")
    await feedback.decide(ask.tx, Decision(found.id, ask.member.id, ruling, ask.now, text))
    if ruling is not Ruling.SKIP:
        await audit.note(ask.tx, ask.actor, ruling.value, ask.now, f"exchange {found.id}")
    return Answer(f"{done}: reply {found.id}. {so}")


async def _why(ask: Ask) -> Answer:
    """How a reply came about."""
    found = await ask.exchange()
    s = found.sampling
    likes, dislikes = await review.votes(ask.tx, found.id)
    rulings = await feedback.rulings(ask.tx, found.id)
    lines = [
        f"Reply {found.id}, by {_lower(adapters.name(found.adapter))}, "
        f"{found.created_at:%Y-%m-%d %H:%M} UTC.",
        f"Temperature {s.temperature:g}, top-p {s.top_p:g}, top-k {s.top_k}, repetition penalty "
        f"{s.repetition_penalty:g}, seed {found.seed}.",
        f"{found.prompt_tokens} tokens read, {found.reply_tokens} written in "
        f"{found.latency_ms / 1000:.1f} s; ended by {found.finish.value}.",
        f"Votes: {likes} 👍, {dislikes} 👎. "
        + (f"Ruling: {rulings[-1].ruling.value}." if rulings else "No ruling yet."),
    ]
    if found.retry_of is not None:
        lines.append(f"It is another try at reply {found.retry_of}.")
    return Answer("\n".join(lines))


def _lower(name: str) -> str:
    return name[0].lower() + name[1:]


async def _ban(ask: Ask) -> Answer:
    """Let a rater's votes count for nothing."""
    known = await members.get(ask.tx, await _rater(ask))
    if known.id == ask.member.id:
        raise Refused("That is you.")
    if known.role.may_act_as(Role.MODERATOR) and not ask.member.role.may_act_as(Role.ADMIN):
        raise Refused("Only an admin can ignore the votes of a moderator.")
    await members.set_trust(ask.tx, known.id, 0.0)
    await audit.note(ask.tx, ask.actor, "ban rater", ask.now, f"member {known.id}")
    return Answer(
        f"The votes of {known.name} count for nothing from now on, the old ones too. "
        f"/unban {known.id} takes that back."
    )


async def _rater(ask: Ask) -> int:
    """The rater that is meant: by number, anybody in sight; else one of those of the reply."""
    number = ask.text.removeprefix("#")
    if number.isdecimal() and len(number) <= _DIGITS:
        home = await conversations.community_of(ask.tx, ask.channel.id)
        community = None if ask.everywhere else home
        if await review.has_rated(ask.tx, int(number), community=community):
            return int(number)
        raise Refused(f"There is no rater #{number} here.")
    return _meant(await review.raters(ask.tx, (await ask.exchange()).id), ask.text)


def _meant(said: Sequence[Rater], name: str) -> int:
    """The only rater of a reply, or the only one of a name."""
    if not said:
        raise Refused("Nobody has rated that reply.")
    people = {r.member for r in said if not name or r.name.casefold() == name.casefold()}
    if len(people) == 1:
        return people.pop()
    listed = ", ".join(dict.fromkeys(f"{r.name} (#{r.member})" for r in said))
    raise Refused(f"Say whom, by number: /ban 12. It was rated by {listed}.")


async def _unban(ask: Ask) -> Answer:
    number = ask.text.removeprefix("#")
    if not number.isdecimal() or len(number) > _DIGITS:
        raise Refused("Say whom, by number: /unban 12.")
    known = await members.get(ask.tx, int(number))
    await members.set_trust(ask.tx, known.id, 1.0)
    await audit.note(ask.tx, ask.actor, "unban rater", ask.now, f"member {known.id}")
    return Answer(f"The votes of {known.name} count again.")


COMMANDS: Final = (
    Command("flag", "[WHY]", "report a reply to the moderators", Role.MEMBER, _flag),
)

FOR_MODERATORS: Final = (
    Command("review", "", "the next reply that waits for a moderator", Role.MODERATOR, _review),
    Command("approve", "", "I may learn from this reply", Role.MODERATOR, _approve),
    Command("reject", "", "I must not learn from this reply", Role.MODERATOR, _reject),
    Command("correct", "[TEXT]", "learn a better answer instead", Role.MODERATOR, _correct),
    Command("skip", "", "leave this reply undecided", Role.MODERATOR, _skip),
    Command("why", "", "how this reply came about", Role.MODERATOR, _why),
    Command("ban", "[WHO]", "ignore the votes of a rater", Role.MODERATOR, _ban),
    Command("unban", "NUMBER", "count a rater's votes again", Role.ADMIN, _unban),
)
