"""What the server answers instead of a result."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]


class Refusal(Exception):
    """An error as the Bot API words it. `blunder`: only a wrong program makes such a call."""

    def __init__(
        self, code: int, description: str, *, blunder: bool = False, **parameters: int
    ) -> None:
        """`parameters` are the API's own: `retry_after`, `migrate_to_chat_id`."""
        super().__init__(description)
        self.code = code
        self.description = description
        self.parameters = parameters
        self.blunder = blunder

    def to_json(self) -> Json:
        """The body of the response."""
        body: Json = {"ok": False, "error_code": self.code, "description": self.description}
        return body | ({"parameters": self.parameters} if self.parameters else {})


def bad(why: str) -> Refusal:
    """A call that the state of things forbids: a message is gone, a query is old."""
    return Refusal(400, f"Bad Request: {why}")


def blunder(why: str) -> Refusal:
    """A call that is wrong whatever the state: a test that sees one has found a fault."""
    return Refusal(400, f"Bad Request: {why}", blunder=True)


def forbidden(why: str) -> Refusal:
    """A call in a place where the bot may not speak."""
    return Refusal(403, f"Forbidden: {why}")
