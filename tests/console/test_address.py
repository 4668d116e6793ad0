"""Where the console listens, and what it is called."""

from __future__ import annotations

import pytest

from bot.console.address import Address, named_rightly, parse, same_origin
from bot.errors import SettingsError

EVERYWHERE = "0.0.0.0"  # noqa: S104 - nothing listens there, it is only read


@pytest.mark.parametrize(
    ("listen", "host", "loopback", "url"),
    [
        ("127.0.0.1:8080", "127.0.0.1", True, "http://127.0.0.1:8080/"),
        ("localhost:80", "localhost", True, "http://localhost:80/"),
        ("[::1]:8080", "::1", True, "http://[::1]:8080/"),
        (f"{EVERYWHERE}:8080", EVERYWHERE, False, "http://127.0.0.1:8080/"),
        ("192.0.2.1:8080", "192.0.2.1", False, "http://192.0.2.1:8080/"),
        ("Bot.example:1", "bot.example", False, "http://bot.example:1/"),
    ],
)
def test_an_address(listen: str, host: str, loopback: bool, url: str) -> None:
    address = parse(listen)
    assert (address.host, address.loopback, address.url) == (host, loopback, url)


@pytest.mark.parametrize("listen", ["8080", "host:", ":8080", "host:x", "host:70000"])
def test_what_is_no_address(listen: str) -> None:
    with pytest.raises(SettingsError, match="CONSOLE_LISTEN"):
        parse(listen)


@pytest.mark.parametrize(
    ("listens", "header", "right"),
    [
        ("192.0.2.1", "192.0.2.1:80", True),
        ("192.0.2.1", "192.0.2.2:80", False),
        (EVERYWHERE, "192.0.2.2:80", True),
        (EVERYWHERE, "rebound.example:80", False),
        ("bot.example", "bot.example", True),
    ],
)
def test_beyond_this_machine_an_ip_address_or_the_own_name_is_right(
    listens: str, header: str, right: bool
) -> None:
    assert named_rightly(header, Address(listens, 80)) is right


@pytest.mark.parametrize(
    ("origin", "host", "same"),
    [
        ("http://a:1", "a:1", True),
        ("https://A:1", "a:1", True),
        ("http://a:2", "a:1", False),
        ("null", "", False),
        ("file://", "", False),
        ("http://[", "[", False),
    ],
)
def test_origins(origin: str, host: str, same: bool) -> None:
    assert same_origin(origin, host) is same
