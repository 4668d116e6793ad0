"""Runs the learner as a child process: low priority, own memory, started again when it dies."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from pathlib import Path
from typing import Any, Final

import structlog

log = structlog.get_logger()

_FIRST_PAUSE: Final = 1.0
_LONGEST_PAUSE: Final = 300.0
_STEADY: Final = 60.0
"""Seconds after which a child counts as started well, and pauses begin at the shortest again."""

_GRACE: Final = 20.0
"""Seconds that the learner has to put a round down before it is killed; a killed round resumes."""


async def keep_learning(log_file: Path | None) -> None:
    """Keep `python -m learner watch` running until cancelled; then end it.

    Its output goes to `log_file`, or to this process's standard error when None.
    """
    pause = _FIRST_PAUSE
    loop = asyncio.get_running_loop()
    while True:
        started = loop.time()
        why: dict[str, Any]
        try:
            why = {"code": await _one_life(log_file)}
        except OSError as error:  # no memory to fork, no disk, no log file: it may come back
            why = {"error": str(error)}
        if loop.time() - started > _STEADY:
            pause = _FIRST_PAUSE
        log.warning("the learner ended; it is started again", seconds=pause, **why)
        await asyncio.sleep(pause)
        pause = min(pause * 2, _LONGEST_PAUSE)


async def _one_life(log_file: Path | None) -> int:
    with contextlib.ExitStack() as stack:
        output = stack.enter_context(log_file.open("ab")) if log_file else sys.stderr
        child = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "learner",
            "watch",
            "--parent-pid",
            str(os.getpid()),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,  # Ctrl-C in the terminal is for the bot alone
        )
    try:
        return await child.wait()
    except asyncio.CancelledError:
        await _end(child)
        raise


async def _end(child: asyncio.subprocess.Process) -> None:
    if child.returncode is not None:
        return
    with contextlib.suppress(ProcessLookupError):
        child.terminate()
    try:
        async with asyncio.timeout(_GRACE):
            await child.wait()
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            child.kill()
        await child.wait()
