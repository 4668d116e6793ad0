"""Delivery of updates to a webhook, one at a time and again until it is taken."""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import Callable
from typing import Final

import aiohttp

from tests.wire.telegram.parameters import Parameters
from tests.wire.telegram.refusals import Json, Refusal, blunder
from tests.wire.telegram.updates import Updates
from tests.wire.telegram.world import User, World

RETRY_SECONDS: Final = 1.0
HEADER: Final = "X-Telegram-Bot-Api-Secret-Token"


class Webhook:
    """The webhook that the bot has set, and the task that delivers to it.

    Attributes:
        proxies: public addresses and where they lead, as a proxy in front of the bot would: so
            that a test's bot can have an https address.
        attempts: the status of each attempt to deliver; 0 if nobody was there.
    """

    def __init__(self, updates: Updates, complain: Callable[[str], None]) -> None:
        """No webhook is set."""
        self.url = ""
        self.secret = ""
        self.proxies: dict[str, str] = {}
        self.attempts: list[int] = []
        self.last_error = ""
        self._updates = updates
        self._complain = complain
        self._task: asyncio.Task[None] | None = None

    async def set(self, parameters: Parameters) -> bool:
        """The method setWebhook."""
        url = parameters.needed_text("url")
        secret = parameters.text("secret_token") or ""
        parameters.ignore("max_connections", "ip_address", "certificate")
        if secret and not re.fullmatch(r"[A-Za-z0-9_-]{1,256}", secret):
            raise blunder("secret token contains unallowed characters")
        if url and not re.match(r"https://|http://127\.0\.0\.1:", url):
            raise blunder("bad webhook: An HTTPS URL must be provided for webhook")
        self._updates.allow(parameters.things("allowed_updates"))
        if parameters.truth("drop_pending_updates"):
            self._updates.clear()
        await self.close()
        self.url, self.secret = url, secret
        if url:
            self._task = asyncio.create_task(self._deliver())
        return True

    async def delete(self, parameters: Parameters) -> bool:
        """The method deleteWebhook."""
        if parameters.truth("drop_pending_updates"):
            self._updates.clear()
        await self.close()
        self.url = self.secret = ""
        return True

    def refuse_polling(self) -> None:
        """getUpdates does not go while a webhook is set."""
        if self.url:
            raise Refusal(
                409,
                "Conflict: can't use getUpdates method while webhook is active; "
                "use deleteWebhook to delete the webhook first",
            )

    def info(self) -> Json:
        """The method getWebhookInfo."""
        found: Json = {
            "url": self.url,
            "has_custom_certificate": False,
            "pending_update_count": len(self._updates.pending),
        }
        return found | ({"last_error_message": self.last_error} if self.last_error else {})

    def front(self, public: str) -> str:
        """Put a proxy at a public address; where on this machine the bot is to listen behind it."""
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.proxies[public] = f"http://127.0.0.1:{port}/telegram"
        return f"127.0.0.1:{port}"

    async def post(self, update: Json, secret: str | None) -> int:
        """Bring one update; returns the status, 0 if nobody was there."""
        headers = {HEADER: secret} if secret else {}
        try:
            async with aiohttp.ClientSession() as session:
                where = self._behind_proxy()
                async with session.post(where, json=update, headers=headers) as response:
                    if (await response.read()).strip().startswith(b"{"):
                        self._complain("the webhook's answer was read as a call of a method")
                    return response.status
        except aiohttp.ClientError as error:
            self.last_error = str(error)
            return 0

    async def close(self) -> None:
        """Deliver nothing more."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait([task])

    async def _deliver(self) -> None:
        while True:
            await self._updates.wait()
            update = self._updates.pending[0]
            self._updates.given.append(update["update_id"])
            status = await self.post(update, self.secret)
            self.attempts.append(status)
            self._updates.ring()
            if 200 <= status < 300:
                self._updates.done(update)
            else:
                self.last_error = f"Wrong response from the webhook: {status}"
                await asyncio.sleep(RETRY_SECONDS)

    def _behind_proxy(self) -> str:
        for public, local in self.proxies.items():
            if self.url.startswith(public):
                return local + self.url.removeprefix(public)
        return self.url


def forged(world: World, user: User) -> Json:
    """What somebody who is not Telegram might bring to the webhook."""
    message = {
        "message_id": 1,
        "date": 1,
        "chat": world.private(user).to_json(),
        "from": user.to_json(),
        "text": "forged",
    }
    return {"update_id": 1, "message": message}
