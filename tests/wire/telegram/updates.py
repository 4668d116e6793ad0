"""The queue of updates, and long polling from it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

from tests.wire.telegram.refusals import Json, Refusal, blunder

KINDS: Final = {
    "message",
    "edited_message",
    "channel_post",
    "edited_channel_post",
    "callback_query",
    "message_reaction",
    "message_reaction_count",
    "my_chat_member",
    "chat_member",
}
_FOREIGN: Final = {
    "business_connection",
    "business_message",
    "edited_business_message",
    "deleted_business_messages",
    "inline_query",
    "chosen_inline_result",
    "shipping_query",
    "pre_checkout_query",
    "purchased_paid_media",
    "poll",
    "poll_answer",
    "chat_join_request",
    "chat_boost",
    "removed_chat_boost",
}
_BY_WISH: Final = {"message_reaction", "message_reaction_count", "chat_member"}
FIRST_ID: Final = 870_000_001


class Updates:
    """Updates wait here until a poll with a higher offset, or the webhook, has confirmed them.

    Attributes:
        allowed: the kinds that are queued.
        withheld: what was not queued because its kind is not allowed.
        pending: what is not confirmed yet, oldest first.
        given: the id of every update that was handed out, as often as it was.
        confirmed: the ids that were confirmed.
    """

    def __init__(self, changed: Callable[[], None]) -> None:
        """An empty queue; `changed` is called whenever updates come, are given or confirmed."""
        self._changed = changed
        self.allowed: set[str] = KINDS - _BY_WISH
        self.withheld: list[Json] = []
        self.pending: list[Json] = []
        self.given: list[int] = []
        self.confirmed: list[int] = []
        self.polls = 0
        self.conflicts = 0
        self._next = FIRST_ID
        self._bells: set[asyncio.Event] = set()

    def push(self, kind: str, body: Json) -> int | None:
        """Queue an update and return its id, or None if the bot did not ask for its kind."""
        if kind not in self.allowed:
            self.withheld.append({kind: body})
            return None
        update = self._next
        self._next += 1
        self.pending.append({"update_id": update, kind: body})
        self.ring()
        return update

    def allow(self, kinds: Sequence[object] | None) -> None:
        """Take a call's `allowed_updates`: none leaves all as it was, empty is the default."""
        if kinds is None:
            return
        unknown = set(map(str, kinds)) - KINDS - _FOREIGN
        if unknown:
            raise blunder(f"unknown allowed_updates: {sorted(unknown)}")
        self.allowed = {str(k) for k in kinds} & KINDS if kinds else KINDS - _BY_WISH

    async def poll(self, offset: int | None, limit: int, timeout: float) -> list[Json]:  # noqa: ASYNC109 - the API's own parameter
        """One `getUpdates`; a second one ends the first with a conflict."""
        self.polls += 1
        turn = self.polls
        self._confirm(offset)
        self.ring()
        if not self.pending and timeout > 0:
            await self._wait(timeout, turn)
        if turn != self.polls:
            self.conflicts += 1
            raise Refusal(
                409,
                "Conflict: terminated by other getUpdates request; "
                "make sure that only one bot instance is running",
            )
        batch = self.pending[:limit]
        self.given += [update["update_id"] for update in batch]
        self._changed()
        return batch

    async def wait(self) -> None:
        """Wait until something is pending."""
        while not self.pending:
            await self._wait(None, self.polls)

    def done(self, update: Json) -> None:
        """The webhook took an update."""
        self.pending.remove(update)
        self.confirmed.append(update["update_id"])
        self._changed()

    def clear(self) -> None:
        """Drop what is pending."""
        self.pending.clear()

    def ring(self) -> None:
        """Wake whoever waits for updates."""
        for bell in self._bells:
            bell.set()
        self._changed()

    def _confirm(self, offset: int | None) -> None:
        if offset is None or offset == 0:
            return
        if offset < 0:
            self.pending = self.pending[offset:]
            return
        self.confirmed += [u["update_id"] for u in self.pending if u["update_id"] < offset]
        self.pending = [u for u in self.pending if u["update_id"] >= offset]

    async def _wait(self, seconds: float | None, turn: int) -> None:
        """Wait for an update, for a poll after this turn, or for the time to pass."""
        bell = asyncio.Event()
        self._bells.add(bell)
        try:
            async with asyncio.timeout(seconds):
                while not self.pending and turn == self.polls:
                    bell.clear()
                    await bell.wait()
        except TimeoutError:
            pass
        finally:
            self._bells.discard(bell)
