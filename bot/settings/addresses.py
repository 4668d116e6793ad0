"""Addresses in settings, checked before anything is opened with them."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import urlsplit

_PLACE: Final = re.compile(r"(?P<host>[\w.:%-]+|\[[\w.:%]+\]):(?P<port>[0-9]{1,5})")


def is_url(value: str, *schemes: str) -> bool:
    """Whether a value is an address of one of the schemes, with a host and without blanks."""
    try:
        parts = urlsplit(value)
        port = parts.port  # raises for what is no port
    except ValueError:
        return False
    return (
        parts.scheme in schemes
        and bool(parts.hostname)
        and port != 0
        and value.isprintable()
        and " " not in value
    )


def is_listening_place(value: str) -> bool:
    """Whether a value is host:port; port 0 lets the system choose."""
    found = _PLACE.fullmatch(value)
    return found is not None and int(found["port"]) < 65536
