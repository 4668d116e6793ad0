"""A process that opens a console twice, visits it, and ends it; it says what it found."""

from __future__ import annotations

import asyncio
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import cast

import httpx
import websockets

from bot.console import Console
from bot.platforms.base import Room
from bot.store.database import Database
from tests.fakes import START


def _say(what: str, found: object = "") -> None:
    sys.stdout.write(f"{what} {found}".strip() + "\n")


async def _visit(url: str) -> None:
    """Look at a page, and leave a socket open as a browser does."""
    async with httpx.AsyncClient(base_url=url) as client:
        await client.get("/", params={"key": "secret"})
        page = await client.get("/learning")
        cookie = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
    _say("page", page.status_code)
    socket = url.replace("http", "ws") + "_nicegui_ws/socket.io/?EIO=4&transport=websocket"
    headers = {"Cookie": cookie}
    origin = websockets.Origin(url.rstrip("/"))
    connection = await websockets.connect(socket, additional_headers=headers, origin=origin)
    _say("socket", str(await connection.recv())[:1])


async def _open(database: Database) -> None:
    told: asyncio.Queue[str] = asyncio.Queue()
    console = Console(
        "127.0.0.1:0",
        "secret",
        chosen=True,
        database=database,
        serving=lambda: 0,
        now=lambda: START,
        tell=told.put_nowait,
    )
    running = asyncio.create_task(console.run(cast(Room, None)))
    said = await told.get()
    _say("key shown", "secret" in said)
    await _visit(said.split()[2])
    _say("signals left alone", signal.getsignal(signal.SIGTERM) is signal.SIG_DFL)
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running
    _say("ended")


async def _main(directory: Path) -> None:
    database = await Database.open(f"sqlite+aiosqlite:///{directory / 'c.db'}")
    for _ in range(2):
        await _open(database)
    await database.close()


if __name__ == "__main__":
    asyncio.run(_main(Path(sys.argv[1])))
