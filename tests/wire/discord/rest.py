"""Discord's REST (v10) over real HTTP. What a request does is decided by simcord's routes."""

from __future__ import annotations

import asyncio
import io
import json
from typing import Any

import discord
from aiohttp import BodyPartReader, web
from simcord.backend import Backend
from simcord.backend.cdn import CDN_BASE, CdnStore
from simcord.backend.errors import BackendError
from simcord.http import routes as _routes  # registers simcord's routes
from simcord.http.router import RouteNotImplemented, UnsupportedField, dispatch, parse_form

from tests.wire.discord.calls import SEND, Bell, Call, Log, matches
from tests.wire.discord.faults import Fault, Faults
from tests.wire.discord.limits import Limits

PREFIX = "/api/v10"
_JSON = "application/json"
_ = _routes


class LocalCdn(CdnStore):
    """Files whose addresses lead to this server."""

    def __init__(self) -> None:
        super().__init__()
        self.base = CDN_BASE

    def store_attachment(
        self,
        attachment_id: int,
        channel_id: int,
        filename: str,
        data: bytes,
        description: str | None,
    ) -> dict[str, Any]:
        """Keep a file and tell where it can be fetched."""
        stored = super().store_attachment(attachment_id, channel_id, filename, data, description)
        url = str(stored["url"]).replace(CDN_BASE, self.base)
        return stored | {"url": url, "proxy_url": url}


class Rest:
    """Answers requests, keeps a log of them, and goes wrong when it is told to."""

    def __init__(self, backend: Backend, token: str, bell: Bell) -> None:
        self._backend = backend
        self._token = token
        self._start = asyncio.get_running_loop().time()
        self._limits = Limits()
        self._nonces: dict[tuple[str, str], Any] = {}
        self.log = Log(bell)
        self.faults = Faults()
        self.gateway = ""
        self.shards = 1

    def routes(self) -> list[web.RouteDef]:
        """Where it wants to be asked."""
        return [
            web.route("*", PREFIX + "/{path:.*}", self._answer),
            web.get("/attachments/{path:.*}", self._attachment),
        ]

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        at = asyncio.get_running_loop().time() - self._start
        method, path = request.method, request.rel_url.raw_path.removeprefix(PREFIX)
        body, files = await _read(request)
        fault = self.faults.take(method, path)
        if fault is not None and fault.gate is not None:
            await fault.gate.pass_through()
        response: web.Response | None
        if fault is None or fault.status is None:
            response = self._carry_out(request, path, body, files)
        else:
            if fault.carried_out:
                self._carry_out(request, path, body, files)
            response = _faulty(fault)
        injected = fault is not None and fault.status is not None
        names = tuple(str(file.filename) for file in files)
        status = response.status if response is not None else 0
        self.log.add(Call(at, method, path, body, names, status, injected))
        if response is None:
            if request.transport is not None:
                request.transport.abort()
            return web.Response(status=500)  # nobody hears it
        return response

    def _carry_out(
        self, request: web.Request, path: str, body: Any, files: list[discord.File]
    ) -> web.Response:
        """Do what is asked, within the rate limits, for whoever has the token."""
        carries_token = path.startswith(("/interactions/", "/webhooks/"))  # in the path itself
        if not carries_token and request.headers.get("Authorization") != f"Bot {self._token}":
            return _say({"message": "401: Unauthorized", "code": 0}, 401)
        now = asyncio.get_running_loop().time() - self._start
        share = self._limits.take(request.method, path, now)
        if share.retry_after:
            return _patience(share.retry_after, share.headers)
        if path == "/gateway/bot":
            limit = {"total": 1000, "remaining": 1000, "reset_after": 0, "max_concurrency": 1}
            return _say({"url": self.gateway, "shards": self.shards, "session_start_limit": limit})
        said_before = self._said_before(request.method, path, body)
        if said_before is not None:
            return _say(said_before, headers=share.headers)
        try:
            result = dispatch(
                self._backend,
                request.method,
                path,
                json=body,
                params=dict(request.query),
                files=files,
                reason=request.headers.get("X-Audit-Log-Reason"),
            )
        except (RouteNotImplemented, UnsupportedField, ValueError) as gap:
            self.log.gaps.append(f"{request.method} {path}: {gap}")
            return _say({"message": str(gap), "code": 0}, 501)
        except BackendError as error:
            return _say(error.to_json(), error.status, share.headers)
        if result is None:
            return web.Response(status=204, headers=share.headers)
        self._remember(request.method, path, body, result)
        return _say(result, headers=share.headers)

    def _said_before(self, method: str, path: str, body: Any) -> Any:
        """The message that was sent with the same nonce, if the nonce is to be enforced."""
        enforced = matches(*SEND, method, path) and (body or {}).get("enforce_nonce")
        return self._nonces.get((path, str(body["nonce"]))) if enforced else None

    def _remember(self, method: str, path: str, body: Any, result: Any) -> None:
        if matches(*SEND, method, path) and "nonce" in (body or {}):
            self._nonces[path, str(body["nonce"])] = result

    async def _attachment(self, request: web.Request) -> web.Response:
        data = self._backend.cdn.get(CDN_BASE + request.rel_url.raw_path)
        if data is None:
            return web.Response(status=404)
        return web.Response(body=data, content_type="application/octet-stream")


async def _read(request: web.Request) -> tuple[Any, list[discord.File]]:
    """The JSON and the files of a request, whether it is plain or multipart."""
    if not request.content_type.startswith("multipart/"):
        data = await request.read()
        return (json.loads(data) if data else None), []
    form: list[dict[str, Any]] = []
    files: list[discord.File] = []
    async for part in await request.multipart():
        if not isinstance(part, BodyPartReader):
            raise web.HTTPBadRequest
        content = bytes(await part.read())
        if part.filename is None:
            form.append({"name": part.name, "value": content.decode()})
        else:
            files.append(discord.File(io.BytesIO(content), filename=part.filename))
    return parse_form(form, files)


def _faulty(fault: Fault) -> web.Response | None:
    """The answer that the test asked for; None cuts the connection."""
    if not fault.status:
        return None
    if fault.status == 429:
        return _patience(fault.retry_after, {})
    if fault.status >= 500:  # in front of Discord stands a proxy that knows no JSON
        return web.Response(status=fault.status, text="<html></html>", content_type="text/html")
    codes = {403: (50013, "Missing Permissions"), 404: (10008, "Unknown Message")}
    code, message = codes.get(fault.status, (0, "Refused"))
    return _say({"message": message, "code": code}, fault.status)


def _patience(seconds: float, headers: dict[str, str]) -> web.Response:
    """A 429. Without `Via` discord.py takes it for a ban."""
    body = {"message": "You are being rate limited.", "retry_after": seconds, "global": False}
    return _say(body, 429, headers | {"Via": "1.1 local", "Retry-After": str(seconds)})


def _say(data: Any, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    """JSON, with exactly the type that discord.py compares with."""
    body = json.dumps(data).encode()
    return web.Response(body=body, status=status, content_type=_JSON, headers=headers)
