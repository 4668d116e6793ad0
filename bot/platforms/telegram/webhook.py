"""Updates by webhook, behind a proxy that speaks https; answered once they are safe."""

from __future__ import annotations

import asyncio
import hmac
import json
import re
from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from typing import Any, Final

import structlog
import telegram
from aiohttp import web
from telegram.error import BadRequest

from bot.errors import ThumbwiseError
from bot.platforms.base import Room
from bot.platforms.telegram.client import Client
from bot.platforms.telegram.intake import ALLOWED
from bot.platforms.telegram.past import Json, Keeper, Past
from bot.platforms.telegram.polling import Begin

log = structlog.get_logger()

HEADER: Final = "X-Telegram-Bot-Api-Secret-Token"
_SECRET: Final = re.compile(r"[A-Za-z0-9_-]{1,256}")
_LARGEST: Final = 1 << 20
_REMEMBERED: Final = 500
"""How many updates are known again when Telegram brings them once more."""


class Webhook:
    """A server that Telegram brings updates to.

    Telegram takes an update for received once it was answered with 200, and brings it again
    otherwise; so the answer waits until all that comes of the update is safe.
    """

    def __init__(
        self, client: Client, room: Room, begin: Begin, *, url: str, listen: str, secret: str
    ) -> None:
        if not _SECRET.fullmatch(secret):
            raise ThumbwiseError(
                "TELEGRAM_WEBHOOK_SECRET takes 1 to 256 letters, digits, _ and - only."
            )
        self._client = client
        self._begin = begin
        self._url = url
        host, _, port = listen.rpartition(":")
        self._host, self._port = host.strip("[]"), int(port)
        self._secret = secret.encode()
        self._known: OrderedDict[int, asyncio.Future[bool]] = OrderedDict()
        self._before = Past()
        self._left: dict[int, Json] = {}
        self._keeper = Keeper(room, client.bot.id, self._past)
        self._runner: web.AppRunner | None = None
        self._closed = False

    async def run(self) -> None:
        """Listen, tell Telegram where, and serve until cancelled."""
        self._before = await self._keeper.open()
        self._left = {update["update_id"]: update for update in self._before.under_way}
        for number in self._before.ended:
            _settle(self._expect(number))
        app = web.Application(client_max_size=_LARGEST)
        app.router.add_post("/{path:.*}", self.receive)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=5)
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, self._host, self._port).start()
        except OSError as error:
            raise ThumbwiseError(
                f"The webhook cannot listen at TELEGRAM_WEBHOOK_LISTEN: {error.strerror}."
            ) from error
        try:
            for update in self._before.under_way:
                self._take(self._client.update(update))
            await self._register()
            await asyncio.Event().wait()
        finally:
            self._closed = True

    async def close(self) -> None:
        """Stop listening. Telegram keeps what comes meanwhile, and brings it to the next one."""
        await self._keeper.close()
        for safe in self._known.values():
            _settle(safe, done=False)
        if self._runner is not None:
            await self._runner.cleanup()

    async def receive(self, request: web.Request) -> web.Response:
        """One delivery: 401 for strangers, 400 for what is no update, 503 on the way out."""
        given = request.headers.get(HEADER, "").encode("utf-8", errors="replace")
        if not hmac.compare_digest(given, self._secret):
            return web.Response(status=401)
        try:
            update = json.loads(await request.read())
        except ValueError:
            return web.Response(status=400)
        if not isinstance(update, dict) or not isinstance(update.get("update_id"), int):
            return web.Response(status=400)
        if self._closed:
            return web.Response(status=503)
        if self._before.reaches(update["update_id"]):
            return web.Response()
        safe = await asyncio.shield(self._take(self._client.update(update)))
        return web.Response(status=200 if safe else 503)

    def _take(self, update: telegram.Update) -> asyncio.Future[bool]:
        """Begin an update, or find it: Telegram brings it again when the answer took long."""
        number = update.update_id
        if number not in self._known:
            self._begin(update, partial(self._end, number, self._expect(number)))
        return self._known[number]

    def _expect(self, number: int) -> asyncio.Future[bool]:
        """What tells whether all that comes of an update is safe."""
        safe = self._known[number] = asyncio.get_running_loop().create_future()
        while len(self._known) > _REMEMBERED and next(iter(self._known.values())).done():
            self._known.popitem(last=False)
        return safe

    def _end(self, number: int, safe: asyncio.Future[bool]) -> None:
        _settle(safe)
        self._left.pop(number, None)
        self._keeper.change()

    def _past(self) -> Past:
        ended = (number for number, safe in self._known.items() if safe.done() and safe.result())
        return Past(self._before.position, tuple(ended), tuple(self._left.values()))

    async def _register(self) -> None:
        register: Callable[[int], Any] = lambda _: self._client.bot.set_webhook(  # noqa: E731
            self._url, allowed_updates=ALLOWED, secret_token=self._secret.decode()
        )
        try:
            await self._client.call(None, register, tries=None)
        except BadRequest as error:
            raise ThumbwiseError(f"Telegram refuses TELEGRAM_WEBHOOK_URL: {error}.") from error
        log.info("Telegram brings updates to the webhook", listen=f"{self._host}:{self._port}")


def _settle(safe: asyncio.Future[bool], *, done: bool = True) -> None:
    if not safe.done():
        safe.set_result(done)
