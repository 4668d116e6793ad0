"""The real bot process on the local Discord."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager

from tests.walks.conftest import World
from tests.wire.discord.server import TOKEN, DiscordServer
from tests.wire.process import Bot, running


def running_bot(
    world: World, server: DiscordServer, *, shards: int = 1, **changes: str
) -> AbstractAsyncContextManager[Bot]:
    """The bot, once all its shards are connected; it is stopped in good order in the end."""
    settings = {
        "DISCORD_TOKEN": TOKEN,
        "DISCORD_API_BASE": server.api_base,
        "DISCORD_GATEWAY": server.gateway_url,
        "DISCORD_SHARDS": str(shards),
        "LOG_FORMAT": "json",
    }
    return running(world, _connected(server, shards), **(settings | changes))


async def _connected(server: DiscordServer, shards: int) -> None:
    for shard in range(shards):
        await server.gateway.until_live(shard)
