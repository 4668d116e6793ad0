"""Where log lines go: JSON for machines, text for people, a file while a terminal is being used."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import Any

import structlog

from bot.settings import Settings


def configure(settings: Settings, *, file: Path | None = None) -> None:
    """Send the log lines of this process to standard error, or to a file that is appended to.

    The standard library's loggers (sqlalchemy, apscheduler, ...) come out in the same form.
    """
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handler: logging.Handler = (
        logging.FileHandler(file, encoding="utf-8") if file else logging.StreamHandler(sys.stderr)
    )
    text = settings.log_format == "text" or (
        settings.log_format == "auto" and (file is not None or sys.stderr.isatty())
    )
    render: Any = (
        structlog.dev.ConsoleRenderer(
            colors=file is None and sys.stderr.isatty(),
            # The default shows local variables, and with them what members wrote.
            exception_formatter=structlog.dev.plain_traceback,
        )
        if text
        else structlog.processors.JSONRenderer(ensure_ascii=False)
    )
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    last = [structlog.stdlib.ProcessorFormatter.remove_processors_meta]
    tracebacks = [] if text else [structlog.processors.format_exc_info]
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared, processors=[*last, *tracebacks, render]
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.log_level)
    for noisy in ("aiosqlite", "httpx", "httpcore", "alembic", "apscheduler", "transformers"):
        logging.getLogger(noisy).setLevel(max(logging.WARNING, root.level))
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(root.level),
        # Not cached: a logger used before this call, or before the next one, follows it.
        cache_logger_on_first_use=False,
    )
