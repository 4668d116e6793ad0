"""What members decide about themselves: consent, a copy of what is kept, and forgetting."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any, Final

from bot.chat.orders.order import Ask, Command
from bot.domain import Consent, Role
from bot.errors import Refused
from bot.platforms.base import Answer, Attachment
from bot.store import audit, conversations, exchanges, feedback, members


async def _privacy(ask: Ask) -> Answer:
    if [word.lower() for word in ask.words] == ["export"]:
        return await _export(ask)
    by_default = ask.services.settings.consent == "opt-out"
    consent = _chosen(ask.member.consent, ask.words) if ask.words else ask.member.consent
    if ask.words:
        await members.set_consent(ask.tx, ask.member.id, consent)
    trained = by_default if consent.trained is None else consent.trained
    kept = await exchanges.count_of(ask.tx, ask.member.id)
    return Answer(
        "\n".join(
            [
                "On this machine I keep what you say to me, my replies and your ratings; nothing "
                f"leaves it. There are {kept} replies to you.",
                f"Answering you: {_on(consent.answered)}. Remembering what you say: "
                f"{_on(consent.remembered)}. Learning from replies to you: {_on(trained)}.",
                "Change one with /privacy answering|remembering|learning on|off. "
                "/privacy export gives you a copy, /forget deletes what I have of you.",
            ]
        )
    )


def _chosen(consent: Consent, words: tuple[str, ...]) -> Consent:
    fields = {"answering": "answered", "remembering": "remembered", "learning": "trained"}
    match [word.lower() for word in words]:
        case [what, "on" | "off" as choice] if what in fields:
            return replace(consent, **{fields[what]: choice == "on"})
    raise Refused(
        "Say /privacy answering, remembering or learning, and then on or off; or /privacy export."
    )


def _on(choice: bool) -> str:
    return "on" if choice else "off"


async def _export(ask: Ask) -> Answer:
    """A copy of all that is kept of a member, and of nobody else, as JSON."""
    member = ask.member
    data: dict[str, Any] = {
        "member": {
            "platform": member.platform,
            "id": member.external_id,
            "name": member.name,
            "role": member.role.value,
            "consent": {
                "answered": member.consent.answered,
                "remembered": member.consent.remembered,
                "trained": member.consent.trained,
            },
        },
        "messages": [
            {"at": said.at.isoformat(), "channel": said.channel, "text": said.text}
            for said in await conversations.of_member(ask.tx, member.id)
        ],
        "replies": [
            {
                "id": one.id,
                "at": one.created_at.isoformat(),
                "to": one.prompt.turns[-1].text,
                "reply": one.reply,
                "version": one.adapter,
            }
            for one in await exchanges.of_member(ask.tx, member.id)
            if one.reply and one.prompt.turns
        ],
        "ratings": [
            {"at": e.at.isoformat(), "reply": e.exchange, "kind": e.kind.value, "text": e.text}
            for e in await feedback.of_member(ask.tx, member.id)
        ],
    }
    text = json.dumps(data, ensure_ascii=False, indent=2)
    return Answer(
        "This is all that I keep of you.",
        Attachment("thumbwise-of-me.json", text.encode(), "application/json"),
    )


async def _forget(ask: Ask) -> Answer:
    if ask.words != ("yes",):
        return Answer(
            "This deletes your messages, my replies to you and your ratings, for good, and keeps "
            "them out of all later learning. Say /forget yes to do it.",
            confirm="/forget yes",
        )
    cleared = await members.forget(ask.tx, ask.member.id)
    await audit.note(ask.tx, f"member {ask.member.id}", "forget", ask.now, exchanges=cleared)
    return Answer(
        f"Done: your messages, your ratings and {cleared} replies to you are deleted. Later rounds "
        "of learning work without them."
    )


COMMANDS: Final = (
    Command(
        "privacy",
        "[answering|remembering|learning|export] [on|off]",
        "what I keep, and your choices",
        Role.MEMBER,
        _privacy,
    ),
    Command("forget", "", "delete what I have of you", Role.MEMBER, _forget),
)
