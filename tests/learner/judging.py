"""Short ways to write down what was said of an exchange."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.domain import (
    Decision,
    Exchange,
    Feedback,
    FeedbackKind,
    Finish,
    Judged,
    Prompt,
    Ruling,
    Sampling,
    Turn,
)

START = datetime(2026, 3, 1, tzinfo=UTC)
KINDS = {
    "+": FeedbackKind.LIKE,
    "-": FeedbackKind.DISLIKE,
    "0": FeedbackKind.RETRACTION,
    "!": FeedbackKind.CORRECTION,
    "f": FeedbackKind.FLAG,
}
RULINGS = {"A": Ruling.APPROVE, "R": Ruling.REJECT, "C": Ruling.CORRECT, "S": Ruling.SKIP}
MODERATOR = 99


def judged(
    said: str,
    *,
    number: int = 1,
    channel: int = 1,
    at: datetime | None = None,
    trust: dict[int, float] | None = None,
    consented: bool = True,
    **changes: Any,
) -> Judged:
    """An exchange of which was said, word by word in this order, `said`.

    "1+" is a like by member 1, "2-" a dislike by member 2, "1!better" a correction, "1f" a flag,
    "10" a retraction; "A", "R", "S" and "C:better" are a moderator's rulings.
    """
    feedback: list[Feedback] = []
    decisions: list[Decision] = []
    for moment, word in enumerate(said.split()):
        when = START + timedelta(minutes=moment)
        if word[0] in RULINGS:
            text = word[2:]
            decisions.append(Decision(number, MODERATOR, RULINGS[word[0]], when, text, moment + 1))
        else:
            member, kind, text = int(word[0]), KINDS[word[1]], word[2:]
            feedback.append(Feedback(number, member, kind, when, text, "test", moment + 1))
    members = {event.member for event in feedback}
    facts: dict[str, Any] = {
        "id": number,
        "channel": channel,
        "asker": 1,
        "prompt": Prompt("p", (Turn("user", f"question {number}", "Ana", 1),)),
        "reply": f"reply {number}",
        "adapter": 0,
        "base_model": "b",
        "sampling": Sampling(),
        "seed": 0,
        "finish": Finish.STOP,
        "created_at": at or START + timedelta(hours=number),
    }
    return Judged(
        Exchange(**{**facts, **changes}),
        tuple(feedback),
        tuple(decisions),
        {member: (trust or {}).get(member, 1.0) for member in members},
        consented,
    )


def liked(count: int, *, member: int = 1, first: int = 1, **changes: Any) -> Sequence[Judged]:
    """Exchanges that one member liked, each in a conversation of its own."""
    return [judged(f"{member}+", number=first + i, **changes) for i in range(count)]
