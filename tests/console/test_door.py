"""Nobody comes in without the key, and nobody is let in by mistake."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket, WebSocketDisconnect

from bot.console.address import parse
from bot.console.door import Door

KEY = "correct-horse"
HOME = "http://127.0.0.1:8080"
SOCKET = "ws://127.0.0.1:8080/_nicegui_ws/socket.io/"


async def _show(request: Request) -> PlainTextResponse:
    return PlainTextResponse(f"inside {request.state.house}")


async def _talk(socket: WebSocket) -> None:
    await socket.accept()
    await socket.send_text("inside")
    await socket.close()


Open = Callable[..., TestClient]


@pytest.fixture
def clock() -> list[float]:
    """A clock that shows its first entry."""
    return [0.0]


@pytest.fixture
def visit(clock: list[float]) -> Open:
    """A browser in front of a door; options say where it listens and where the browser is."""
    paths = ("/", "/review", "/learning", "/healthz", "/metrics", "/_nicegui/code.js")
    routes = [Route(path, _show, methods=["GET", "POST"]) for path in paths]
    site = Starlette(routes=[*routes, WebSocketRoute("/_nicegui_ws/socket.io/", _talk)])

    def open_(
        listen: str = "127.0.0.1:8080",
        base: str = HOME,
        client: str = "127.0.0.1",
        names: tuple[str, ...] = (),
    ) -> TestClient:
        door = Door(
            site,
            key=KEY,
            address=parse(listen),
            names=names,
            house="the house",
            clock=lambda: clock[0],
        )
        return TestClient(door, base_url=base, client=(client, 5000), follow_redirects=False)

    return open_


def test_a_link_with_the_key_opens_the_console(visit: Open) -> None:
    browser = visit()
    answer = browser.get("/", params={"key": KEY})
    assert answer.status_code == 200
    assert KEY not in answer.text
    assert KEY not in answer.headers["set-cookie"]
    assert "HttpOnly" in answer.headers["set-cookie"]
    assert "SameSite=strict" in answer.headers["set-cookie"]
    assert 'content="0; url=/"' in answer.text
    assert browser.get("/").text == "inside the house"
    assert browser.get("/_nicegui/code.js").text == "inside the house"


def test_a_link_with_the_key_leads_to_its_own_page(visit: Open) -> None:
    assert 'content="0; url=/review"' in visit().get("/review", params={"key": KEY}).text


def test_behind_https_the_cookie_stays_there(visit: Open) -> None:
    browser = visit(base="https://bot.example", names=("bot.example",))
    assert "Secure" in browser.get("/", params={"key": KEY}).headers["set-cookie"]
    assert "Secure" not in visit().get("/", params={"key": KEY}).headers["set-cookie"]


def test_the_key_never_gets_past_the_door(visit: Open) -> None:
    browser = visit()
    browser.get("/", params={"key": KEY})
    answer = browser.get("/nowhere", params={"key": KEY})
    assert 'content="0; url=/"' in answer.text


def test_the_key_can_be_typed(visit: Open) -> None:
    browser = visit()
    page = browser.get("/")
    assert page.status_code == 401
    assert "<form" in page.text
    browser.post("/login", data={"key": f" {KEY} "}, headers={"origin": HOME})
    assert browser.get("/").text == "inside the house"


@pytest.mark.parametrize("path", ["/_nicegui/code.js", "/_nicegui_ws/socket.io/", "/nowhere"])
def test_without_the_key_there_is_nothing_else(visit: Open, path: str) -> None:
    answer = visit().get(path)
    assert answer.status_code == 403
    assert "inside" not in answer.text


@pytest.mark.parametrize("key", ["", "wrong", KEY[:-1], f"{KEY}x", "ключ"])
def test_a_wrong_key_opens_nothing(visit: Open, key: str) -> None:
    browser = visit()
    assert browser.get("/", params={"key": key}).status_code == 403
    assert browser.post("/login", data={"key": key}, headers={"origin": HOME}).status_code == 403
    assert browser.get("/").status_code == 401


def test_the_key_itself_is_no_cookie(visit: Open) -> None:
    browser = visit()
    browser.cookies.set("thumbwise-8080", KEY)
    assert browser.get("/").status_code == 401


def test_keys_cannot_be_guessed_quickly(visit: Open, clock: list[float]) -> None:
    browser = visit()
    for _ in range(10):
        browser.get("/", params={"key": "wrong"})
    assert browser.get("/", params={"key": KEY}).status_code == 429
    clock[0] = 61.0
    assert browser.get("/", params={"key": KEY}).status_code == 200


def test_a_long_form_is_not_read(visit: Open) -> None:
    body = {"key": KEY, "rest": "x" * 10_000}
    answer = visit().post("/login", data=body, headers={"origin": HOME})
    assert answer.status_code == 403


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8080", "10.0.0.1", "", "["])
def test_another_name_for_this_machine_is_refused(visit: Open, host: str) -> None:
    browser = visit()
    browser.get("/", params={"key": KEY})
    for path in ("/", "/healthz", "/metrics"):
        assert browser.get(path, headers={"host": host}).status_code == 403


@pytest.mark.parametrize("host", ["localhost:8080", "127.0.0.1", "[::1]:8080", "LOCALHOST."])
def test_this_machine_may_be_called_by_its_usual_names(visit: Open, host: str) -> None:
    assert visit().get("/healthz", headers={"host": host}).status_code == 200


def test_a_proxy_may_call_it_by_a_name_that_was_given(visit: Open) -> None:
    browser = visit(names=("bot.example",))
    assert browser.get("/healthz", headers={"host": "bot.example"}).status_code == 200


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:9", None])
def test_another_site_can_change_nothing(visit: Open, origin: str | None) -> None:
    browser = visit()
    browser.get("/", params={"key": KEY})
    headers = {} if origin is None else {"origin": origin}
    assert browser.post("/", headers=headers).status_code == 403
    with (
        pytest.raises(WebSocketDisconnect),
        browser.websocket_connect(SOCKET, headers=headers),
    ):
        pass


def test_the_socket_needs_the_key(visit: Open) -> None:
    browser = visit()
    headers = {"origin": HOME}
    with pytest.raises(WebSocketDisconnect), browser.websocket_connect(SOCKET, headers=headers):
        pass
    browser.get("/", params={"key": KEY})
    with browser.websocket_connect(SOCKET, headers=headers) as socket:
        assert socket.receive_text() == "inside"


def test_the_socket_is_refused_to_another_name(visit: Open) -> None:
    browser = visit()
    browser.get("/", params={"key": KEY})
    headers = {"host": "evil.example", "origin": "http://evil.example"}
    with (
        pytest.raises(WebSocketDisconnect),
        browser.websocket_connect(SOCKET, headers=headers),
    ):
        pass


@pytest.mark.parametrize("path", ["/healthz", "/metrics"])
def test_other_machines_need_the_key_for_figures(visit: Open, path: str) -> None:
    there = "http://192.0.2.7:8080"
    browser = visit("0.0.0.0:8080", there, client="192.0.2.99")
    assert browser.get(path).status_code == 403
    wrong = {"authorization": "Bearer wrong"}
    assert browser.get(path, headers=wrong).status_code == 403
    right = {"authorization": f"Bearer {KEY}"}
    assert browser.get(path, headers=right).status_code == 200
    assert browser.post(path, headers=right | {"origin": there}).status_code == 403


def test_programs_on_this_machine_read_figures_without_it(visit: Open) -> None:
    assert visit().get("/metrics").text == "inside the house"


def test_pages_may_load_nothing_from_elsewhere_and_stand_in_no_frame(visit: Open) -> None:
    headers = visit().get("/").headers
    assert "default-src 'self'" in headers["content-security-policy"]
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
