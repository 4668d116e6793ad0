"""The one place that calls Telegram: patient when it asks for patience, honest when it refuses."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final, TypeVar

import structlog
import telegram
from telegram.error import (
    BadRequest,
    ChatMigrated,
    EndPointNotFound,
    Forbidden,
    InvalidToken,
    NetworkError,
    RetryAfter,
    TelegramError,
)
from telegram.request import HTTPXRequest

from bot.errors import ThumbwiseError
from bot.platforms.telegram.bounds import Bounds
from bot.platforms.telegram.events import Me
from bot.platforms.telegram.intake import ALLOWED

log = structlog.get_logger()

os.environ.setdefault("PTB_TIMEDELTA", "true")  # or the library warns of its own next version

T = TypeVar("T")

TRIES: Final = 24
"""How often a call is tried while the network is down: some ten minutes."""

LONGEST_WAIT: Final = 30.0

LATE_SECONDS: Final = 60.0
"""A passing word, such as "one moment, please", is of no use so much later."""

MOST_AT_ONCE: Final = 100
"""How many updates Telegram shows at most: the oldest that are not acknowledged."""

_UNWELCOME: Final = (
    "not enough rights",
    "no rights to send",
    "chat not found",
    "chat_write_forbidden",
    "chat_restricted",
    "chat_admin_required",
    "topic_closed",
    "message thread not found",
)
_NEVER_SENT: Final = ("ConnectError", "ConnectTimeout", "PoolTimeout")
"""What httpx calls failures before anything was sent; the library passes them on as causes."""

_NOISY: Final = ("telegram", "httpx", "httpcore")


class Unwelcome(ThumbwiseError):
    """The bot may not write in a chat: it was removed, blocked or silenced there."""


class UpdatesRequest(HTTPXRequest):
    """Asks for updates. One that the library cannot read becomes an empty one.

    It would otherwise make all that come with it unreadable, and come again for ever.
    """

    @staticmethod
    def parse_json_payload(payload: bytes) -> dict[str, Any]:
        """See `BaseRequest.parse_json_payload`."""
        data = HTTPXRequest.parse_json_payload(payload)
        if isinstance(data.get("result"), list):
            data["result"] = [readable(update) for update in data["result"]]
        return data


def readable(update: dict[str, Any]) -> dict[str, Any]:
    """The update, or an empty one in its place if the library cannot read it."""
    try:
        telegram.Update.de_json(dict(update), None)
    except Exception:
        log.exception("an update cannot be read", update=update.get("update_id"))
        return {"update_id": update["update_id"]}
    return update


class Client:
    """A Telegram bot account. What cannot be done raises a `TelegramError` or `Unwelcome`.

    `moved` is awaited when Telegram says that a group has new ids; calls follow it by themselves.
    `moves` are the new ids of all such groups by the old ones.
    """

    def __init__(self, token: str, api_base: str, bounds: Bounds) -> None:
        for name in _NOISY:  # their lines for debugging hold addresses, and these the token
            logger = logging.getLogger(name)
            logger.setLevel(max(logging.WARNING, logger.level))
        server = api_base.rstrip("/") or "https://api.telegram.org"
        try:
            self.bot = telegram.Bot(
                token,
                f"{server}/bot",
                f"{server}/file/bot",
                request=HTTPXRequest(32, read_timeout=20, connect_timeout=10, pool_timeout=60),
                get_updates_request=UpdatesRequest(1, read_timeout=15, connect_timeout=10),
            )
        except InvalidToken:
            raise wrong_token() from None
        self.bounds = bounds
        self.moved: Callable[[int, int], Awaitable[None]] = _nothing
        self.moves: dict[int, int] = {}
        self._telling: set[asyncio.Future[None]] = set()

    async def open(self) -> Me:
        """Begin; who the bot is. Waits while Telegram cannot be reached."""
        try:
            await self.call(None, lambda _: self.bot.initialize(), tries=None)
        except (InvalidToken, EndPointNotFound, Forbidden):
            raise wrong_token() from None
        user = self.bot.bot
        return Me(user.id, user.username or "", bool(user.can_read_all_group_messages))

    async def close(self) -> None:
        """Let go of the connections."""
        await self.bot.shutdown()

    async def updates(self, offset: int | None, seconds: int) -> Sequence[telegram.Update]:
        """The updates from an offset on, as Telegram sent them; waits so long for the first one."""
        return await self.bot.get_updates(
            offset, MOST_AT_ONCE, timeout=seconds, allowed_updates=ALLOWED
        )

    def update(self, sent: Mapping[str, Any]) -> telegram.Update:
        """An update as Telegram sent it; an empty one if the library cannot read it."""
        return telegram.Update.de_json(readable(dict(sent)), self.bot)

    async def download(self, file: str) -> bytes:
        """A file that somebody sent, by its id."""
        found = await self.call(None, lambda _: self.bot.get_file(file), tries=3)
        return bytes(await self.call(None, lambda _: found.download_as_bytearray(), tries=3))

    async def call(
        self,
        chat: int | None,
        make: Callable[[int], Awaitable[T]],
        *,
        tries: int | None = TRIES,
        passing: bool = False,
    ) -> T:
        """Make one call that concerns a chat (None: no chat in particular).

        However long Telegram asks for patience in a chat, the call is made after.

        Args:
            make: the call, given the id that the chat has by now.
            tries: how often a network that is down is tried (None: without end).
            passing: rather not at all than twice or too late. What may have been done is not tried
                again, and no long patience is kept.
        """
        failures = 0
        while True:
            now_at = self.current(chat) if chat is not None else None
            await self.bounds.call(now_at)
            try:
                return await make(now_at or 0)
            except RetryAfter as error:
                await self._patience(now_at, error)
                if passing and now_at is not None:
                    self.check_patience(now_at)
            except ChatMigrated as error:
                if chat is None:
                    raise
                await self.follow(now_at or chat, error.new_chat_id)
            except Forbidden as error:
                if chat is None:
                    raise
                raise Unwelcome(f"I may not write in Telegram's chat {chat}: {error}.") from None
            except BadRequest as error:
                if chat is None or not any(sign in str(error).lower() for sign in _UNWELCOME):
                    raise
                raise Unwelcome(f"I cannot write in Telegram's chat {chat}: {error}.") from None
            except NetworkError as error:
                failures += 1
                if (tries is not None and failures >= tries) or (passing and is_unsure(error)):
                    raise
                log.warning("Telegram cannot be reached", error=str(error), failures=failures)
                await self.bounds.sleep(backoff(failures))

    def check_patience(self, chat: int) -> None:
        """Raises `Unwelcome` if Telegram asked for so much patience that a word comes too late."""
        if self.bounds.held(self.current(chat)) > LATE_SECONDS:
            raise Unwelcome(f"Telegram asks for much patience in chat {chat}.")

    def current(self, chat: int) -> int:
        """The id that a chat has by now."""
        while chat in self.moves:
            chat = self.moves[chat]
        return chat

    async def follow(self, before: int, after: int) -> None:
        """A group has new ids: tell the house, once, and use them from now on."""
        if self.current(before) in (before, after) and before != after:
            known = before in self.moves
            self.moves[before] = after
            self.moves.pop(after, None)
            if not known:
                log.info("a Telegram group has moved", before=before, after=after)
                telling = asyncio.ensure_future(self.moved(before, after))
                self._telling.add(telling)
                telling.add_done_callback(self._telling.discard)
                await asyncio.shield(telling)  # "typing", which often notices first, is cut short

    async def _patience(self, chat: int | None, error: RetryAfter) -> None:
        wait = error.retry_after
        seconds = wait if isinstance(wait, int) else wait.total_seconds()
        log.warning("Telegram asks for patience", chat=chat, seconds=seconds)
        if chat is None:
            await self.bounds.sleep(seconds)
        else:
            self.bounds.hold(chat, seconds)


def is_unsure(error: NetworkError) -> bool:
    """Whether a call that failed may have had its effect: it was sent, and no answer came."""
    cause = error.__cause__
    if cause is None or isinstance(cause, TelegramError):
        return False  # Telegram answered
    return type(cause).__name__ not in _NEVER_SENT


def backoff(failures: int) -> float:
    """Seconds to wait after so many failures in a row, at least one."""
    return float(min(2.0 ** (failures - 1), LONGEST_WAIT))


def wrong_token() -> ThumbwiseError:
    """What to say when Telegram does not know the token. It does not hold the token."""
    return ThumbwiseError(
        "Telegram does not accept TELEGRAM_TOKEN: copy it again from @BotFather, without spaces."
    )


async def _nothing(_before: int, _after: int) -> None:
    """Nobody wants to know."""


__all__ = ["Client", "TelegramError", "Unwelcome", "backoff", "is_unsure", "wrong_token"]
