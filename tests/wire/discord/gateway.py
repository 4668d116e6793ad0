"""Discord's gateway over real websockets: sessions that can be resumed, lost and sharded."""

from __future__ import annotations

import asyncio
import json
import zlib
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import discord
from aiohttp import WSMsgType, web
from simcord.backend import Backend, serializers
from simcord.gateway import FakeGateway, FakeWebSocket
from simcord.intents import missing_privileged_intents

from tests.wire.discord.calls import Bell

HEARTBEAT_MS = 41_250
DISPATCH, HEARTBEAT, IDENTIFY, RESUME, RECONNECT = 0, 1, 2, 6, 7
REQUEST_MEMBERS, INVALID_SESSION, HELLO, ACK = 8, 9, 10, 11


@dataclass(frozen=True, slots=True)
class Frame:
    """What a client sent. `path` is the address that it had connected to."""

    op: int
    path: str
    shard: int | None = None
    session: str = ""
    seq: int | None = None


class Connection:
    """One websocket, its compression, and how many of its session's events it was sent."""

    def __init__(self, socket: web.WebSocketResponse, request: web.Request) -> None:
        self.socket = socket
        self.path = request.path
        self.session: Session | None = None
        self.sent = 0
        self.more = asyncio.Event()
        self._transport = request.transport
        self._sending = asyncio.Lock()
        self._zlib = zlib.compressobj() if request.query.get("compress") == "zlib-stream" else None

    async def send(self, op: int, data: Any = None) -> None:
        """Send what is no event."""
        await self.send_raw(json.dumps({"op": op, "d": data, "s": None, "t": None}))

    async def send_raw(self, text: str) -> None:
        """Send one frame, unless the client has left."""
        async with self._sending:
            if self.socket.closed:
                return
            if self._zlib is None:
                await self.socket.send_str(text)
            else:
                packed = self._zlib.compress(text.encode())
                await self.socket.send_bytes(packed + self._zlib.flush(zlib.Z_SYNC_FLUSH))

    async def pump(self) -> None:
        """Send the session's events as they come."""
        while True:
            while self.session is not None and self.sent < len(self.session.events):
                self.sent += 1
                await self.send_raw(self.session.events[self.sent - 1])
            await self.more.wait()
            self.more.clear()

    async def end(self, code: int | None) -> None:
        """Close with a code; None cuts the line without a word."""
        if code is None and self._transport is not None:
            self._transport.abort()
        else:
            await self.socket.close(code=code or 1000)


@dataclass
class Session:
    """What one IDENTIFY began. Events are kept, numbered from 1, for whoever resumes it.

    simcord's gateway asks it for `intents` and `parsers` as it would ask discord.py's state, and
    so drops, censors and prunes what the intents do not cover.
    """

    id: str
    shard: tuple[int, int]
    intents: discord.Intents
    bell: Bell
    events: list[str] = field(default_factory=list)
    connection: Connection | None = None
    lost: bool = False
    ready: bool = False

    @property
    def parsers(self) -> _Parsers:
        """Where simcord looks up what to do with an event."""
        return _Parsers(self.keep)

    def keep(self, event: str, data: Any) -> None:
        """Number an event and have it sent."""
        frame = {"op": DISPATCH, "t": event, "s": len(self.events) + 1, "d": data}
        self.events.append(json.dumps(frame))
        if self.connection is not None:
            self.connection.more.set()
        self.bell.ring()

    @property
    def live(self) -> bool:
        """Whether a client listens and has heard READY or RESUMED."""
        return self.ready and self.connection is not None and not self.connection.socket.closed


class _Parsers:
    def __init__(self, keep: Callable[[str, Any], None]) -> None:
        self._keep = keep

    def __getitem__(self, event: str) -> Callable[[Any], None]:
        return partial(self._keep, event)

    def get(self, event: str) -> Callable[[Any], None]:
        return self[event]


class Gateway:
    """All sessions, and what a test can do to them."""

    def __init__(self, backend: Backend, token: str, bell: Bell) -> None:
        self._backend = backend
        self._token = token
        self._bell = bell
        self._door = asyncio.Event()
        self._door.set()
        self._feeds: dict[str, FakeGateway] = {}
        self.sessions: list[Session] = []
        self.frames: list[Frame] = []
        self.approved = discord.Intents.all()
        self.resume_url = ""
        backend.subscribers.append(self._route)

    def sent(self, op: int) -> list[Frame]:
        """The frames of one kind that clients sent."""
        return [frame for frame in self.frames if frame.op == op]

    def live(self, shard: int = 0) -> Session | None:
        """The newest session of a shard that a client listens to."""
        return next((s for s in reversed(self.sessions) if s.live and s.shard[0] == shard), None)

    async def until_live(self, shard: int = 0) -> Session:
        """Wait until a client listens."""
        return await self._bell.until(lambda: self.live(shard), f"a session of shard {shard}")

    async def close(self, code: int | None = 4000, shard: int = 0) -> None:
        """Close a shard's connection."""
        for session in self.sessions:
            if session.live and session.shard[0] == shard and session.connection is not None:
                session.ready = False
                await session.connection.end(code)

    async def ask_to_reconnect(self, shard: int = 0) -> None:
        """Say that the client should connect again (and may resume)."""
        session = await self.until_live(shard)
        if session.connection is not None:
            session.ready = False
            await session.connection.send(RECONNECT)

    async def lose(self, shard: int = 0) -> None:
        """Forget a shard's session and cut its line: whoever resumes it is told to begin anew."""
        for session in self.sessions:
            session.lost = session.lost or session.shard[0] == shard
        await self.close(None, shard)

    @asynccontextmanager
    async def away(self, shard: int = 0, *, lose: bool = False) -> AsyncIterator[None]:
        """Cut a shard's line, and let nobody in again before the block has ended.

        With `lose` the session is forgotten, too.
        """
        self._door.clear()
        try:
            await (self.lose(shard) if lose else self.close(None, shard))
            yield
        finally:
            self._door.set()

    async def handle(self, request: web.Request) -> web.WebSocketResponse:
        """Serve one websocket to its end."""
        await self._door.wait()
        socket = web.WebSocketResponse(heartbeat=None)
        await socket.prepare(request)
        connection = Connection(socket, request)
        await connection.send(HELLO, {"heartbeat_interval": HEARTBEAT_MS})
        pump = asyncio.create_task(connection.pump())
        try:
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    frame = json.loads(message.data)
                    await self._received(connection, int(frame["op"]), frame.get("d"))
        finally:
            pump.cancel()
            session = connection.session
            if session is not None and session.connection is connection:
                session.connection, session.ready = None, False
            self._bell.ring()
        return socket

    async def _received(self, connection: Connection, op: int, data: Any) -> None:
        details = data if isinstance(data, dict) else {}
        shard = details.get("shard", [None])[0]
        seq = data if op == HEARTBEAT else details.get("seq")
        frame = Frame(op, connection.path, shard, str(details.get("session_id", "")), seq)
        self.frames.append(frame)
        if op == HEARTBEAT:
            await connection.send(ACK)
        elif op in (IDENTIFY, RESUME) and data["token"] != self._token:
            await connection.end(4004)
        elif op == IDENTIFY:
            await self._identify(connection, data)
        elif op == RESUME:
            await self._resume(connection, data)
        elif op == REQUEST_MEMBERS and connection.session is not None:
            wanted = {k: data.get(k) for k in ("query", "user_ids", "nonce")}
            members = FakeWebSocket(self._backend, self._feeds[connection.session.id])
            await members.request_chunks(
                int(data["guild_id"]), limit=data.get("limit") or 0, **wanted
            )
        self._bell.ring()

    async def _identify(self, connection: Connection, data: Any) -> None:
        shard = tuple(data.get("shard", (0, 1)))
        if not 0 <= shard[0] < shard[1]:
            await connection.end(4010)
            return
        intents = discord.Intents._from_value(data["intents"])
        if missing_privileged_intents(intents, self.approved):
            await connection.end(4014)
            return
        backend = self._backend
        id_ = f"session-{len(self.sessions) + 1}"
        session = Session(id_, (shard[0], shard[1]), intents, self._bell)
        guilds = [g for g in backend.guilds.values() if (g.id >> 22) % shard[1] == shard[0]]
        session.keep(
            "READY",
            {
                "v": 10,
                "user": dict(serializers.user_payload(backend.bot_user)),
                "guilds": [{"id": str(guild.id), "unavailable": True} for guild in guilds],
                "private_channels": [],
                "session_id": id_,
                "resume_gateway_url": self.resume_url,
                "shard": list(shard),
                "application": {"id": str(backend.application_id), "flags": 0},
            },
        )
        feed = self._feeds[id_] = FakeGateway(backend, session)
        for guild in guilds:
            feed.feed("GUILD_CREATE", _mapping(serializers.guild_create_payload(backend, guild)))
        self.sessions.append(session)
        self._attach(connection, session, 0)

    async def _resume(self, connection: Connection, data: Any) -> None:
        session = next((s for s in self.sessions if s.id == data["session_id"]), None)
        if session is None or session.lost or not 0 <= data["seq"] <= len(session.events):
            await connection.send(INVALID_SESSION, False)
            return
        session.keep("RESUMED", {})
        self._attach(connection, session, data["seq"])

    def _attach(self, connection: Connection, session: Session, seq: int) -> None:
        connection.sent, connection.session = seq, session
        session.connection, session.ready = connection, True
        connection.more.set()
        self._bell.ring()

    def _route(self, event: str, payload: Mapping[str, Any]) -> None:
        """Give an event of the world to each session whose shard it belongs to."""
        guild = payload.get("guild_id")
        if guild is None and event in ("GUILD_CREATE", "GUILD_UPDATE", "GUILD_DELETE"):
            guild = payload["id"]
        for session in self.sessions:
            shard, count = session.shard
            if not session.lost and shard == (int(guild or 0) >> 22) % count:
                self._feeds[session.id].feed(event, payload)
        self._bell.ring()


def _mapping(payload: Any) -> Mapping[str, Any]:
    return dict(payload)
