"""The heavy half of the console: NiceGUI's pages, mounted on FastAPI, behind the door.

Imported when the console starts, and by nobody else.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import socket
import warnings
from collections.abc import Iterator

import uvicorn
from fastapi import FastAPI, Request, Response
from nicegui import ui
from starlette.types import ASGIApp

from bot.console import pages
from bot.console.door import Door
from bot.console.gauges import CONTENT_TYPE, Gauges
from bot.errors import StoreError, ThumbwiseError

__all__ = ["Door", "Gauges", "Server", "site"]


@functools.cache
def site() -> FastAPI:
    """The one site of this process; NiceGUI knows only one. Its house comes with each request."""
    # To find its server NiceGUI looks at every object there is, torch's deprecated ones among them.
    warnings.filterwarnings(
        "ignore", ".torch.distributed.reduce_op. is deprecated", category=FutureWarning
    )
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)

    @app.get("/healthz")
    async def health(request: Request) -> Response:
        from starlette.responses import JSONResponse

        try:
            return JSONResponse(await request.state.house.gauges.health())
        except StoreError as error:
            return JSONResponse({"ok": False, "problem": str(error)}, 503)

    @app.get("/metrics")
    async def metrics(request: Request) -> Response:
        text = await request.state.house.gauges.metrics()
        return Response(text, headers={"content-type": CONTENT_TYPE})

    pages.register()
    ui.run_with(
        app,
        title="thumbwise",
        favicon=pages.FAVICON,
        dark=None,
        tailwind=False,
        binding_refresh_interval=None,
        show_welcome_message=False,
    )
    return app


class Server(uvicorn.Server):
    """A server inside the bot's own event loop. `up` is set once it answers."""

    def __init__(self, app: ASGIApp, *, grace_seconds: int) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                lifespan="on",
                log_config=None,
                log_level="warning",
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=grace_seconds,
            )
        )
        self.up = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, or raise `ThumbwiseError`; uvicorn alone would end the whole process."""
        try:
            await super().startup(sockets)
        except SystemExit as error:
            raise ThumbwiseError("The web console cannot start; see the log.") from error
        self.up.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals are the bot's business."""
        yield
