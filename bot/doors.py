"""Which doors the house opens: the platforms that have a token, the terminal, the console."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from typing import Final

from filelock import FileLock, Timeout
from rich.console import Console as Screen

from bot import app, logs
from bot.chat import news
from bot.errors import ThumbwiseError
from bot.platforms.base import Platform
from bot.serving import serve
from bot.settings import Settings

_HOLDER: Final = "run.holder"
"""Beside `run.lock`: the command that holds it and the number of its process, as "run 1234"."""


def has_token(settings: Settings) -> bool:
    """Whether a platform other than the terminal can be served."""
    tokens = (settings.discord_token, settings.telegram_token)
    return any(token.get_secret_value() for token in tokens)


def has_terminal() -> bool:
    """Whether a person sits at a terminal."""
    return sys.stdin.isatty() and sys.stdout.isatty()


async def serve_all(settings: Settings, *, tell: Callable[[str], None]) -> None:
    """Serve every platform that has a token, and the console, until cancelled."""
    logs.configure(settings)
    with house_lock(settings.data_dir, "run") as ours:
        if not ours:
            raise _refusal(settings)
        async with app.opened(settings, learner=settings.learn, tell=tell) as house:
            await _serve(house, _with_tokens(settings), console=settings.console, tell=tell)


@contextmanager
def house_lock(data_dir: Path, command: str) -> Iterator[bool]:
    """Hold the house's lock unless another bot has it; whether it is ours.

    Two bots with one token would both answer every message. Which command holds it stands in
    `run.holder`, for the sentence that the next one is refused with. The lock file itself cannot
    say it: whoever tries the lock empties that.
    """
    holder = data_dir / _HOLDER
    lock = FileLock(data_dir / "run.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        yield False
        return
    try:
        holder.write_text(f"{command} {os.getpid()}", encoding="utf-8")
        yield True
    finally:
        holder.unlink(missing_ok=True)
        lock.release()


def _holder(data_dir: Path) -> tuple[str, str]:
    """The command that holds the lock, and how to call it in a sentence."""
    try:
        text = (data_dir / _HOLDER).read_text(encoding="utf-8")
    except FileNotFoundError:  # it is just starting or ending
        text = ""
    if found := re.fullmatch(r"(run|chat) ([0-9]+)", text):
        return found[1], f"`thumbwise {found[1]}` (process {found[2]})"
    return "", "Another bot"


def _refusal(settings: Settings) -> ThumbwiseError:
    command, it = _holder(settings.data_dir)
    way = (
        "end that chat first."
        if command == "chat"
        else "stop it first, or talk beside it with `thumbwise chat`."
    )
    return ThumbwiseError(f"{it} runs with DATA_DIR={settings.data_dir} already: {way}")


async def chat(
    settings: Settings,
    *,
    speaker: str,
    channel: str,
    learner: bool,
    console: bool,
    beside: bool,
    tell: Callable[[str], None],
) -> None:
    """Chat in the terminal, or with a pipe, until its end.

    Where another bot runs on the same data it is refused, or, if it may be `beside` it, leaves to
    it all that there can be but one of: the learner, the console, news, the sign of life.
    """
    from bot.platforms.terminal import Terminal

    folder = settings.data_dir / "logs"
    with house_lock(settings.data_dir, "chat" if beside else "run") as ours:
        if not ours:
            if not beside:
                raise _refusal(settings)
            _, it = _holder(settings.data_dir)
            tell(
                f"{it} runs with DATA_DIR={settings.data_dir}: this chat goes without a learner "
                "and a console of its own."
            )
        logs.configure(settings, file=folder / "bot.log")
        interactive = has_terminal()
        async with app.opened(
            settings,
            learner=learner and ours,
            learner_log=folder / "learner.log",
            shown=ours,
            tell=tell,
        ) as house:
            if interactive:
                tell("Ready. Say something; /help shows what I can do, Ctrl-D leaves.")
            terminal = Terminal(
                speaker=speaker,
                channel=channel,
                now=house.services.now,
                console=Screen(highlight=False),
                interactive=interactive,
            )
            await _serve(house, [terminal], console=console and ours, telling=ours, tell=tell)
            if interactive:
                tell("Closing ...")


async def _serve(
    house: app.App,
    platforms: list[Platform],
    *,
    console: bool,
    telling: bool = True,
    tell: Callable[[str], None],
) -> None:
    extras = [_console(house, tell)] if console else []
    doors = {platform.name: platform for platform in (*platforms, *extras)}
    async with AsyncExitStack() as stack:
        if telling:
            task = asyncio.create_task(news.keep_telling(house.services, doors))
            task.add_done_callback(app.report)
            stack.push_async_callback(app.cancelled, task)
        await serve(house.room, platforms, extras)


def _with_tokens(settings: Settings) -> list[Platform]:
    platforms: list[Platform] = []
    if token := settings.discord_token.get_secret_value():
        from bot.platforms.discord.platform import Discord

        platforms.append(
            Discord(
                token,
                api_base=settings.discord_api_base,
                gateway=settings.discord_gateway,
                shards=settings.discord_shards,
                attachment_chars=settings.attachment_chars,
            )
        )
    if token := settings.telegram_token.get_secret_value():
        from bot.platforms.telegram.platform import Telegram

        platforms.append(
            Telegram(
                token,
                api_base=settings.telegram_api_base,
                webhook_url=settings.telegram_webhook_url,
                webhook_listen=settings.telegram_webhook_listen,
                webhook_secret=settings.telegram_webhook_secret.get_secret_value(),
                attachment_chars=settings.attachment_chars,
            )
        )
    return platforms


def _console(house: app.App, tell: Callable[[str], None]) -> Platform:
    from bot.console import Console, kept_key

    settings = house.services.settings
    chosen = settings.console_key.get_secret_value()
    return Console(
        settings.console_listen,
        chosen or kept_key(settings.data_dir / "console.key"),
        chosen=bool(chosen),
        database=house.services.database,
        serving=lambda: house.services.generator.live,
        now=house.services.now,
        tell=tell,
    )
