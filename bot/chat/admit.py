"""May we answer? A pure decision, with the reason when we may not."""

from __future__ import annotations

from dataclasses import dataclass

from bot.domain import Channel, ChannelMode, Member, Message


@dataclass(frozen=True, slots=True)
class Admission:
    """The decision. `hear`: keep the message as context. `say`: what to tell the member, if any."""

    answer: bool
    hear: bool
    reason: str = ""
    say: str = ""


def admit(message: Message, member: Member, channel: Channel, *, longest: int) -> Admission:
    """Decide on one message. `longest` is the most characters that are read.

    Rates are asked of `Limits` after this, so that a message which gets no answer costs nothing.
    """
    if message.author.is_bot:
        return Admission(answer=False, hear=False, reason="bot")
    if not message.text.strip():
        return Admission(answer=False, hear=False, reason="empty")
    if channel.mode is ChannelMode.OFF:
        return Admission(answer=False, hear=False, reason="channel off")
    hear = member.consent.remembered
    if len(message.text) - message.attached > longest:
        return Admission(
            answer=False,
            hear=False,
            reason="too long",
            say=f"That is too long for me: I read up to {longest} characters at a time."
            if message.addressed
            else "",
        )
    if not message.addressed and channel.mode is not ChannelMode.ON:
        return Admission(answer=False, hear=hear, reason="not addressed")
    if not member.consent.answered:
        return Admission(answer=False, hear=hear, reason="no consent")
    return Admission(answer=True, hear=hear)
