"""The web console as a platform: it listens, serves its pages, and ends with the bot."""

from __future__ import annotations

import asyncio
import errno
import importlib
import os
import socket
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

import structlog

from bot.console.address import Address, parse
from bot.console.talk import PLACE, Conversation
from bot.domain import Place
from bot.errors import SettingsError, ThumbwiseError
from bot.platforms.base import Capabilities, Room
from bot.platforms.walks import GRACE_SECONDS, Walks
from bot.store.database import Database

if TYPE_CHECKING:
    from bot.console.gauges import Gauges

log = structlog.get_logger()

_CLOSE_SECONDS: Final = 3


@dataclass(frozen=True)
class House:
    """What the pages work with; they find it as `request.state.house`."""

    room: Room
    conversation: Conversation
    database: Database
    gauges: Gauges
    serving: Callable[[], int]
    now: Callable[[], datetime]


class Console:
    """Implements `Platform` for one person with a browser.

    NiceGUI keeps its state in the process, so only one console can run at a time.

    Args:
        listen: "host:port". Port 0 takes a free one.
        key: what opens the console.
        chosen: whether the operator chose the key. Only then may other machines reach the
            console, and only then is the key not shown.
        database: where the pages read from. What they change goes through the room.
        serving: the adapter version that new replies get.
        queue: how many replies wait for a place, if that can be told.
        now: the time, aware.
        tell: hears where the console can be found, once it listens.
        names: further hosts by which it may be asked for (that of a proxy in front of it).
        grace_seconds: how long running replies may go on when the bot ends.

    Raises `SettingsError` for an address that needs a chosen key.
    """

    name = "web"
    capabilities = Capabilities(edits=True, buttons=True)

    def __init__(
        self,
        listen: str,
        key: str,
        *,
        chosen: bool,
        database: Database,
        serving: Callable[[], int],
        now: Callable[[], datetime],
        tell: Callable[[str], None],
        queue: Callable[[], int] | None = None,
        names: Collection[str] = (),
        grace_seconds: float = GRACE_SECONDS,
    ) -> None:
        self._address = parse(listen)
        if not key:
            raise SettingsError("The console needs a key.")
        if not self._address.loopback and not chosen:
            raise SettingsError(
                f"CONSOLE_LISTEN {listen} can be reached from other machines: set CONSOLE_KEY to a "
                "long secret of your own first, or listen on 127.0.0.1."
            )
        self._key = key
        self._chosen = chosen
        self._database = database
        self._serving = serving
        self._queue = queue
        self._now = now
        self._tell = tell
        self._names = frozenset(name.lower() for name in names)
        self._grace = grace_seconds
        self._conversation: Conversation | None = None

    async def run(self, room: Room) -> None:
        """See `Platform.run`. Raises `ThumbwiseError` when it cannot listen."""
        listening = _listen(self._address)
        with listening:
            address = Address(self._address.host, listening.getsockname()[1])
            # Seconds of imports, which the other platforms need not wait for.
            await asyncio.to_thread(importlib.import_module, "bot.console.web")
            from bot.console import web

            walks = Walks()
            self._conversation = Conversation(room, walks, self._now)
            house = House(
                room,
                self._conversation,
                self._database,
                web.Gauges(self._database, serving=self._serving, queue=self._queue, now=self._now),
                self._serving,
                self._now,
            )
            app = web.Door(
                web.site(), key=self._key, address=address, names=self._names, house=house
            )
            server = web.Server(app, grace_seconds=_CLOSE_SECONDS)
            serving = asyncio.create_task(server.serve(sockets=[listening]))
            up = asyncio.create_task(server.up.wait())
            try:
                await asyncio.wait([serving, up], return_when=asyncio.FIRST_COMPLETED)
                if server.up.is_set():
                    log.info("console listens", address=address.url)
                    self._tell(self._invitation(address))
                await asyncio.shield(serving)
            finally:
                up.cancel()
                await walks.close(self._grace)
                server.should_exit = True
                await asyncio.wait([serving])
                self._conversation = None

    async def announce(self, place: Place, text: str) -> None:
        """See `Platform.announce`."""
        if self._conversation is None or place.channel != PLACE.channel:
            log.info("nobody to announce to", platform=self.name)
        else:
            self._conversation.announce(text)

    def _invitation(self, address: Address) -> str:
        if self._chosen:
            return f"Web console: {address.url} (its key is your CONSOLE_KEY)"
        return f"Web console: {address.url}?key={self._key}"


def _listen(address: Address) -> socket.socket:
    """A bound socket: whether the port is free is known before anything is built."""
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((address.host, address.port))
        listening.listen(64)
    except OSError as error:
        listening.close()
        why = (
            "something else listens there"
            if error.errno == errno.EADDRINUSE
            else os.strerror(error.errno or errno.EINVAL)
        )
        raise ThumbwiseError(
            f"The web console cannot listen on {address.host}:{address.port}: {why}. "
            "Set CONSOLE_LISTEN to another address, or CONSOLE=false to do without it."
        ) from error
    listening.setblocking(False)
    return listening
