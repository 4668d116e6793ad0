"""A Bot API server for tests: local, strict, and with a memory of all that it was asked.

What a right program never does is answered as Telegram would and noted in `complaints`; what goes
over a limit is noted in `limits.violations`. `verdict` lists both, and a test ends with it.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from aiohttp import web

from tests.wire.telegram import files, menus, parameters, rooms, writing
from tests.wire.telegram.faults import Fault, Faults
from tests.wire.telegram.limits import Limits
from tests.wire.telegram.parameters import Parameters
from tests.wire.telegram.refusals import Json, Refusal, blunder
from tests.wire.telegram.updates import Updates
from tests.wire.telegram.webhook import Webhook
from tests.wire.telegram.world import User, World

TOKEN: Final = "5000000000:AAStrictLocalServerOfThumbwise_0123"  # noqa: S105 - opens nothing
NOW: Final = 1_795_348_800
"""22 November 2026, noon, UTC."""
PATIENCE: Final = 120.0
"""How many of the loop's seconds a test waits for something before it fails."""


@dataclass(frozen=True)
class Call:
    """One call that was answered. `code` is 200, or the error's; 0 if the connection was cut."""

    method: str
    values: Mapping[str, Any]
    code: int
    at: float


@dataclass(eq=False)
class Press:
    """An inline button that was pressed. `stale`: too long ago to be answered."""

    id: str
    stale: bool = False
    answered: bool = False
    said: str = ""
    alert: bool = False


class BotApi:
    """The server. Everything in it may be looked at and changed by a test at any time.

    Args:
        clock: seconds, for the limits and for dates; the event loop's unless a test brings its own.
    """

    def __init__(self, clock: Callable[[], float] | None = None) -> None:
        """A server that does not listen yet, with a bot called Thumbwise."""
        self.clock = clock or asyncio.get_running_loop().time
        self._began = self.clock()
        self._bells: set[asyncio.Event] = set()
        bot = User(int(TOKEN.partition(":")[0]), "Thumbwise", "thumbwise_bot", is_bot=True)
        self.world = World(bot, lambda: NOW + int(self.clock() - self._began))
        self.token = TOKEN
        self.updates = Updates(self.ring)
        self.complaints: list[str] = []
        self.webhook = Webhook(self.updates, self.complaints.append)
        self.limits = Limits(lambda: self.clock())
        self.faults = Faults()
        self.files = files.Files()
        self.menus = menus.Menus()
        self.presses: dict[str, Press] = {}
        self.calls: list[Call] = []
        self.method = ""
        self.port = 0
        self._runner: web.AppRunner | None = None

    @property
    def base(self) -> str:
        """The address for TELEGRAM_API_BASE."""
        return f"http://127.0.0.1:{self.port}"

    async def listen(self) -> None:
        """Begin to serve; after `vanish`, on the same port."""
        app = web.Application(client_max_size=60 * 2**20)
        app.router.add_route("*", "/bot{token}/{method}", self._serve)
        app.router.add_get("/file/bot{token}/{path:.+}", self._download)
        self._runner = web.AppRunner(
            app, handler_cancellation=True, keepalive_timeout=1e6, shutdown_timeout=0.1
        )
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def vanish(self) -> None:
        """Be unreachable, as when the network is lost; what is known stays."""
        runner, self._runner = self._runner, None
        if runner is not None:
            await runner.cleanup()

    async def close(self) -> None:
        """End for good."""
        await self.webhook.close()
        await self.vanish()

    async def until(self, true: Callable[[], Any], what: str) -> Any:
        """Wait until something is true, and return it; a test in which it never is fails."""
        bell = asyncio.Event()
        self._bells.add(bell)
        try:
            async with asyncio.timeout(PATIENCE):
                while not (found := true()):
                    bell.clear()
                    await bell.wait()
        except TimeoutError:
            story = "\n".join(
                f"  {c.code} {c.method} {str(dict(c.values))[:300]}" for c in self.calls[-12:]
            )
            raise AssertionError(f"never came true: {what}\nthe last calls:\n{story}") from None
        finally:
            self._bells.discard(bell)
        return found

    def ring(self) -> None:
        """Tell whoever waits that something has changed."""
        for bell in self._bells:
            bell.set()

    def made(self, method: str) -> list[Call]:
        """The calls of a method."""
        return [call for call in self.calls if call.method == method]

    def verdict(self) -> list[str]:
        """All that a right program would not have done."""
        ignored = [p for p in self.presses.values() if not (p.answered or p.stale)]
        return [
            *self.complaints,
            *(f"over the limit: {violation}" for violation in self.limits.violations),
            *(f"never answered: {press}" for press in ignored),
        ]

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        method, token = request.match_info["method"], request.match_info["token"]
        given: Parameters = Parameters({})
        fault: Fault | None = None
        try:
            self._admit(token)
            given = await parameters.read(request)
            fault = self.faults.take(method, _chat(given))
            if fault is not None and fault.gate is not None and not fault.carried_out:
                await fault.gate.wait()
            if fault is not None and fault.drop and not fault.carried_out:
                return self._cut(request, method, given)
            if fault is not None and fault.refusal is not None:
                raise fault.refusal
            body: Json = {"ok": True, "result": await self._carry_out(method, given)}
            code = 200
            if fault is not None and fault.gate is not None:
                await fault.gate.wait()
        except Refusal as refusal:
            body, code = refusal.to_json(), refusal.code
            if refusal.blunder:
                self.complaints.append(f"{method}: {refusal.description}: {given.values}")
        if fault is not None and fault.drop:
            return self._cut(request, method, given)
        self._note(method, given, code)
        return web.json_response(body, status=code)

    def _admit(self, token: str) -> None:
        if not re.fullmatch(r"\d+:[A-Za-z0-9_-]+", token):
            raise Refusal(404, "Not Found")
        if token != self.token:
            raise Refusal(401, "Unauthorized")

    async def _carry_out(self, method: str, given: Parameters) -> Any:
        if method == "getUpdates":
            result: Any = await self._poll(given)
        elif method == "setWebhook":
            result = await self.webhook.set(given)
        elif method == "deleteWebhook":
            result = await self.webhook.delete(given)
        elif method == "getWebhookInfo":
            result = self.webhook.info()
        elif method in METHODS:
            self.method = method
            result = METHODS[method](self, given)
        else:
            raise Refusal(404, "Not Found: method not found", blunder=True)
        if unknown := given.unknown():
            raise blunder(f"unknown parameters {sorted(unknown)}")
        return result

    async def _poll(self, given: Parameters) -> list[Json]:
        offset, limit, wait = (given.number(name) for name in ("offset", "limit", "timeout"))
        if limit is not None and not 1 <= limit <= 100:
            raise blunder("limit must be from 1 to 100")
        if wait is not None and not 0 <= wait <= 50:
            raise blunder("a poll waits at most 50 seconds")
        self.webhook.refuse_polling()
        self.updates.allow(given.things("allowed_updates"))
        return await self.updates.poll(offset, limit or 100, wait or 0)

    async def _download(self, request: web.Request) -> web.StreamResponse:
        file = self.files.at(request.match_info["path"])
        if request.match_info["token"] != self.token or file is None:
            return web.json_response(Refusal(404, "Not Found").to_json(), status=404)
        fault = self.faults.take("download", None)
        if fault is not None and fault.drop:
            return self._cut(request, "download", Parameters({}))
        return web.Response(body=file.data, content_type="application/octet-stream")

    def _cut(self, request: web.Request, method: str, given: Parameters) -> web.StreamResponse:
        if request.transport is not None:
            request.transport.close()
        self._note(method, given, 0)
        return web.Response()

    def _note(self, method: str, given: Parameters, code: int) -> None:
        self.calls.append(Call(method, given.values, code, self.clock()))
        self.ring()


def _chat(given: Parameters) -> int | None:
    try:
        return int(given.values.get("chat_id", ""))
    except ValueError:
        return None


METHODS: Final[Mapping[str, Callable[[BotApi, Parameters], Any]]] = {
    "getMe": rooms.get_me,
    "getChat": rooms.get_chat,
    "getChatMember": rooms.get_member,
    "getChatAdministrators": rooms.get_administrators,
    "leaveChat": rooms.leave,
    "sendMessage": writing.send_message,
    "sendMessageDraft": writing.send_draft,
    "editMessageText": writing.edit_text,
    "editMessageReplyMarkup": writing.edit_markup,
    "deleteMessage": writing.delete_message,
    "sendChatAction": writing.chat_action,
    "answerCallbackQuery": writing.answer_callback,
    "sendPhoto": files.send_photo,
    "sendDocument": files.send_document,
    "getFile": files.get_file,
    "setMyCommands": menus.set_commands,
    "getMyCommands": menus.get_commands,
    "deleteMyCommands": menus.delete_commands,
}
