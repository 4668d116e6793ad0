"""Who is answered: a table of cases."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.chat.admit import admit
from bot.domain import Channel, ChannelMode, Consent, Member, Role
from tests.fakes import message, person, place

MEMBER = Member(1, "terminal", "ana", "ana", Role.MEMBER, Consent())
CHANNEL = Channel(1, place(), mode=ChannelMode.MENTION)
LURKER = replace(MEMBER, consent=Consent(answered=False))
GHOST = replace(MEMBER, consent=Consent(remembered=False))


@pytest.mark.parametrize(
    ("text", "member", "mode", "addressed", "answer", "hear"),
    [
        ("hi", MEMBER, ChannelMode.MENTION, True, True, True),
        ("hi", MEMBER, ChannelMode.MENTION, False, False, True),
        ("hi", MEMBER, ChannelMode.ON, False, True, True),
        ("hi", MEMBER, ChannelMode.OFF, True, False, False),
        ("  ", MEMBER, ChannelMode.ON, True, False, False),
        ("x" * 101, MEMBER, ChannelMode.ON, True, False, False),
        ("hi", LURKER, ChannelMode.ON, True, False, True),
        ("hi", GHOST, ChannelMode.ON, True, True, False),
        ("hi", GHOST, ChannelMode.MENTION, False, False, False),
    ],
)
def test_admission(
    text: str, member: Member, mode: ChannelMode, addressed: bool, answer: bool, hear: bool
) -> None:
    said = message(text, addressed=addressed)
    decision = admit(said, member, replace(CHANNEL, mode=mode), longest=100)
    assert (decision.answer, decision.hear) == (answer, hear)


def test_bots_are_neither_answered_nor_heard() -> None:
    said = message("hi", person("robot", is_bot=True))
    decision = admit(said, MEMBER, replace(CHANNEL, mode=ChannelMode.ON), longest=100)
    assert (decision.answer, decision.hear) == (False, False)


def test_too_long_is_explained_only_to_who_asked() -> None:
    long = "x" * 101
    assert "100" in admit(message(long), MEMBER, CHANNEL, longest=100).say
    assert admit(message(long, addressed=False), MEMBER, CHANNEL, longest=100).say == ""
