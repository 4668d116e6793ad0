"""Which doors are opened, and that one that fails leaves the others open."""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest
from pydantic import SecretStr

from bot import doors
from bot.domain import Place
from bot.errors import ThumbwiseError
from bot.platforms.base import Capabilities, Room
from bot.serving import serve
from bot.settings import Settings

ROOM = cast(Room, None)  # nobody asks it anything


@dataclass
class Door:
    """A platform that does as it is told."""

    name: str
    fault: Exception | None = None
    capabilities: Capabilities = field(default_factory=Capabilities)
    opened: asyncio.Event = field(default_factory=asyncio.Event)
    close: asyncio.Event = field(default_factory=asyncio.Event)
    closed: bool = False

    async def run(self, room: Room) -> None:
        """Fail, or stay open until told to close."""
        self.opened.set()
        if self.fault is not None:
            raise self.fault
        try:
            await self.close.wait()
        finally:
            self.closed = True

    async def announce(self, place: Place, text: str) -> None:
        """Nobody listens."""


async def test_a_platform_that_fails_leaves_the_others_open() -> None:
    wrong, right = Door("discord", ThumbwiseError("Wrong token.")), Door("telegram")
    serving = asyncio.create_task(serve(ROOM, [wrong, right]))
    await right.opened.wait()
    await asyncio.sleep(0)
    assert not serving.done()
    right.close.set()
    with pytest.raises(ThumbwiseError, match="Wrong token"):
        await serving


async def test_when_the_last_platform_has_ended_the_extras_end_too() -> None:
    terminal, console = Door("terminal"), Door("web")
    serving = asyncio.create_task(serve(ROOM, [terminal], [console]))
    await console.opened.wait()
    terminal.close.set()
    await serving
    assert console.closed


async def test_an_extra_that_fails_ends_nothing() -> None:
    terminal, console = Door("terminal"), Door("web", ThumbwiseError("The port is taken."))
    serving = asyncio.create_task(serve(ROOM, [terminal], [console]))
    await terminal.opened.wait()
    await asyncio.sleep(0)
    assert not serving.done()
    terminal.close.set()
    await serving


async def test_told_to_end_every_door_is_closed() -> None:
    some = [Door("discord"), Door("telegram")]
    serving = asyncio.create_task(serve(ROOM, some))
    for door in some:
        await door.opened.wait()
    serving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await serving
    assert all(door.closed for door in some)


@pytest.mark.parametrize(
    ("command", "way"),
    [
        ("run", "stop it first, or talk beside it with `thumbwise chat`."),
        ("chat", "end that chat first."),
    ],
)
async def test_only_one_bot_runs_on_a_data_dir(tmp_path: Path, command: str, way: str) -> None:
    """The platforms, and the chat that `run` opens, are refused; `chat` is another matter.

    Whose turn it is to end is named, so that a forgotten chat can be found.
    """
    token = {"discord_token": SecretStr("x")}
    settings = Settings(_env_file=None, data_dir=tmp_path, **token)  # type: ignore[arg-type]
    said: list[str] = []
    with doors.house_lock(tmp_path, command) as ours:
        assert ours
        for refused in (
            doors.serve_all(settings, tell=said.append),
            doors.chat(
                settings,
                speaker="owner",
                channel="terminal",
                learner=True,
                console=True,
                beside=False,
                tell=said.append,
            ),
        ):
            with pytest.raises(ThumbwiseError) as error:
                await refused
            assert str(error.value) == (
                f"`thumbwise {command}` (process {os.getpid()}) runs with DATA_DIR={tmp_path} "
                f"already: {way}"
            )
    assert said == []
    with doors.house_lock(tmp_path, command) as free:
        assert free


async def test_a_holder_that_has_not_said_who_it_is(tmp_path: Path) -> None:
    settings = Settings(_env_file=None, data_dir=tmp_path)
    with doors.house_lock(tmp_path, "run"):
        for wrong in ("", "run", "rm 1", None):
            if wrong is None:
                (tmp_path / "run.holder").unlink()
            else:
                (tmp_path / "run.holder").write_text(wrong)
            with pytest.raises(ThumbwiseError, match=r"^Another bot runs with DATA_DIR="):
                await doors.serve_all(settings, tell=print)


@pytest.mark.parametrize(
    ("tokens", "found"),
    [({}, False), ({"discord_token": "x"}, True), ({"telegram_token": "x"}, True)],
)
def test_a_token_opens_a_platform(tokens: dict[str, Any], found: bool, tmp_path: Path) -> None:
    secrets: dict[str, Any] = {name: SecretStr(value) for name, value in tokens.items()}
    assert doors.has_token(Settings(_env_file=None, data_dir=tmp_path, **secrets)) is found
