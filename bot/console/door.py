"""Who may come in: everything that reaches the console from outside passes here first.

As with Jupyter, a link with `?key=` or the login page turns the key into a session cookie. The
cookie is a digest of the key, so it outlives a restart and ends with the key.
"""

from __future__ import annotations

import hashlib
import hmac
import time
from collections import deque
from collections.abc import Callable, Collection
from typing import Final
from urllib.parse import parse_qs

from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection, Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bot.console.address import Address, is_loopback, named_rightly, same_origin
from bot.console.login import login_page, welcome_page

PAGES: Final = ("/", "/review", "/learning")
OPEN: Final = ("/healthz", "/metrics")
"""What programs on this machine may read without the key."""

_LOGIN: Final = "/login"
_SAFE: Final = ("GET", "HEAD", "OPTIONS")
_LONGEST_FORM: Final = 4096
_HEADERS: Final = {
    # NiceGUI builds its pages with inline scripts and compiles templates in the browser.
    "content-security-policy": (
        "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; "
        "style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:; "
        "connect-src 'self'; frame-ancestors 'none'; base-uri 'self'; form-action 'self'; "
        "object-src 'none'"
    ),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
}


class Door:
    """An ASGI application around another one.

    Args:
        app: what is behind the door.
        key: what opens it.
        address: where the console listens.
        names: further hosts by which it may be asked for (that of a proxy in front of it).
        house: what the pages find as `request.state.house`.
        clock: seconds, for counting wrong keys.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        key: str,
        address: Address,
        names: Collection[str] = (),
        house: object = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.app = app
        self._key = key
        self._address = address
        self._names = names
        self._house = house
        self._wrong = _Wrong(clock)
        self._session = hmac.digest(key.encode(), b"thumbwise console session", "sha256").hex()
        # Cookies know no ports: two consoles on one machine must not take each other's.
        self._cookie = f"thumbwise-{address.port}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See the ASGI specification."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        scope.setdefault("state", {})["house"] = self._house
        if scope["type"] == "websocket":
            connection = HTTPConnection(scope)
            if self._addressed(connection) and self._known(connection):
                await self.app(scope, receive, send)
            else:
                await send({"type": "websocket.close", "code": 1008})
            return
        answer = await self._answer(Request(scope, receive))
        await (answer or self.app)(scope, receive, _with_headers(send))

    async def _answer(self, request: Request) -> Response | None:
        """What the door itself says to a request; None lets it pass."""
        path, method = request.url.path, request.method
        if not self._addressed(request):
            return PlainTextResponse("Ask for the console by its own address.", 403)
        if method == "GET" and path not in OPEN and "key" in request.query_params:
            return self._try(request, request.query_params["key"])
        if method == "POST" and path == _LOGIN:
            return self._try(request, await _typed_key(request))
        if self._known(request) or (path in OPEN and method in _SAFE and self._trusted(request)):
            return None
        if method == "GET" and path in PAGES:
            return HTMLResponse(login_page(), 401)
        return PlainTextResponse("The console's key is needed here.", 403)

    def _try(self, request: Request, key: str) -> Response:
        if self._wrong.too_many():
            return HTMLResponse(login_page("Too many wrong keys. Wait a minute."), 429)
        if not _equal(key, self._key):
            self._wrong.note()
            return HTMLResponse(login_page("That is not the key."), 403)
        # A page that goes on, not a redirect: after a click on a link in another site, browsers
        # would leave a strict cookie out of the redirected request.
        path = request.url.path
        answer = HTMLResponse(welcome_page(path if path in PAGES else "/"))
        answer.set_cookie(
            self._cookie,
            self._session,
            httponly=True,
            samesite="strict",
            secure=request.url.scheme == "https",
        )
        return answer

    def _addressed(self, connection: HTTPConnection) -> bool:
        """Whether the request is meant for us, and comes from no other site's page."""
        host = connection.headers.get("host", "")
        origin = connection.headers.get("origin")
        if not named_rightly(host, self._address, self._names):
            return False
        changes = connection.scope["type"] == "websocket" or connection.scope["method"] not in _SAFE
        return same_origin(origin, host) if origin is not None else not changes

    def _known(self, connection: HTTPConnection) -> bool:
        return _equal(connection.cookies.get(self._cookie, ""), self._session)

    def _trusted(self, request: Request) -> bool:
        """Programs on this machine; elsewhere they send the key as a bearer token."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            return _equal(token.strip(), self._key)
        return request.client is not None and is_loopback(request.client.host)


class _Wrong:
    """Wrong keys of the last minute. Ten are enough for fingers, and too few for guessing."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._at: deque[float] = deque(maxlen=10)

    def note(self) -> None:
        self._at.append(self._clock())

    def too_many(self) -> bool:
        return len(self._at) == self._at.maxlen and self._clock() - self._at[0] < 60


def _equal(given: str, wanted: str) -> bool:
    """Compare in a time that tells nothing of either."""
    return hmac.compare_digest(
        hashlib.sha256(given.encode(errors="replace")).digest(),
        hashlib.sha256(wanted.encode()).digest(),
    )


async def _typed_key(request: Request) -> str:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > _LONGEST_FORM:
            return ""
    fields = parse_qs(body.decode("utf-8", errors="replace"))
    return fields.get("key", [""])[0].strip()


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in _HEADERS.items():
                headers[name] = value
        await send(message)

    return sending
