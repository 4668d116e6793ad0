"""The console as a platform: it listens, answers, and ends."""

from __future__ import annotations

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from bot.console import Console
from bot.console.talk import PLACE
from bot.errors import SettingsError, ThumbwiseError
from tests.console.conftest import KEY, House

pytestmark = pytest.mark.asyncio(loop_scope="session")


def _another(house: House, listen: str, *, chosen: bool = False) -> Console:
    return Console(
        listen,
        KEY,
        chosen=chosen,
        database=house.database,
        serving=lambda: 0,
        now=house.clock,
        tell=lambda _: None,
    )


async def test_health(house: House) -> None:
    async with httpx.AsyncClient(base_url=house.url) as client:
        answer = await client.get("/healthz")
    assert answer.json() == {"ok": True, "serving": 0, "learner": False}


async def test_metrics(house: House) -> None:
    async with httpx.AsyncClient(base_url=house.url) as client:
        answer = await client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    families = {family.name: family for family in text_string_to_metric_families(answer.text)}
    assert families["thumbwise_queue_length"].samples[0].value == 3


async def test_pages_and_their_files_need_the_key(house: House) -> None:
    async with httpx.AsyncClient(base_url=house.url) as client:
        assert (await client.get("/")).status_code == 401
        assert (await client.get("/_nicegui_ws/socket.io/?EIO=4")).status_code == 403
        await client.get("/", params={"key": KEY})
        page = await client.get("/")
        assert page.status_code == 200
        assert "thumbwise" in page.text


async def test_another_name_for_this_machine_is_refused(house: House) -> None:
    async with httpx.AsyncClient(base_url=house.url) as client:
        answer = await client.get("/healthz", headers={"host": "evil.example"})
    assert answer.status_code == 403


async def test_a_port_in_use_is_said_in_a_sentence(house: House) -> None:
    listen = house.url.removeprefix("http://").removesuffix("/")
    with pytest.raises(ThumbwiseError, match="something else listens there"):
        await _another(house, listen).run(house.room)


@pytest.mark.parametrize("listen", ["192.0.2.1:8080", "[::]:8080", "bot.example:80"])
async def test_other_machines_may_reach_it_only_with_a_chosen_key(
    house: House, listen: str
) -> None:
    with pytest.raises(SettingsError, match="CONSOLE_KEY"):
        _another(house, listen)
    _another(house, listen, chosen=True)


async def test_an_announcement_without_a_console_is_no_failure(house: House) -> None:
    await _another(house, "127.0.0.1:0").announce(PLACE, "Hello")
