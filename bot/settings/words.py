"""Lists as the environment writes them."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator
from pydantic_settings import NoDecode


def _split(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    words = (word.strip(" ").replace("\\n", "\n") for word in value.split(","))
    return tuple(word for word in words if word)


Words = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]
"""A comma-separated list in the environment. A backslash-n in a word stands for a line break."""
