"""Where the console listens, and which requests name it rightly. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection
from dataclasses import dataclass
from urllib.parse import urlsplit

from bot.errors import SettingsError


@dataclass(frozen=True, slots=True)
class Address:
    """A host (a name or an IP address, without brackets) and a port; port 0 is any free one."""

    host: str
    port: int

    @property
    def loopback(self) -> bool:
        """Whether only this machine can reach it."""
        return is_loopback(self.host)

    @property
    def everywhere(self) -> bool:
        """Whether it listens on every address that the machine has."""
        ip = _ip(self.host)
        return ip is not None and ip.is_unspecified

    @property
    def url(self) -> str:
        """How a browser on this machine reaches it."""
        host = "127.0.0.1" if self.everywhere else self.host
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}/"


def parse(listen: str) -> Address:
    """Read "host:port" or "[v6]:port". Raises `SettingsError`."""
    host, _, port = listen.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not host or not port.isdecimal() or int(port) > 65535:
        raise SettingsError(f"CONSOLE_LISTEN takes an address such as 127.0.0.1:8080: {listen!r}.")
    return Address(host.lower(), int(port))


def is_loopback(host: str) -> bool:
    """Whether a host is this machine as seen by itself."""
    ip = _ip(host)
    return host == "localhost" if ip is None else ip.is_loopback


def named_rightly(header: str, address: Address, names: Collection[str] = ()) -> bool:
    """Whether a Host header is one by which the console may be asked for.

    A web page elsewhere can make its own name point to this machine (DNS rebinding); its name, not
    ours, stands in the header then. It cannot do so with an IP address.
    """
    host = _host(header)
    if not host:
        return False
    by_ip = address.everywhere and _ip(host) is not None
    return is_loopback(host) or host == address.host or host in names or by_ip


def same_origin(origin: str, header: str) -> bool:
    """Whether an Origin header is a page of the host that the request is for."""
    try:
        parts = urlsplit(origin)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and parts.netloc.lower() == header.lower() != ""


def _host(header: str) -> str:
    """The host of a Host header, in small letters, without port, brackets and final dot."""
    try:
        return (urlsplit(f"//{header}").hostname or "").removesuffix(".")
    except ValueError:
        return ""


def _ip(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
