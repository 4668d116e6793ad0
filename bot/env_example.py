"""Writes `.env.example` from the settings: `python -m bot.env_example > .env.example`."""

from __future__ import annotations

import sys
from typing import Any

from pydantic import SecretStr

from bot.settings import Settings


def text() -> str:
    """The text of `.env.example`: every setting, its meaning and its default."""
    lines = [
        "# Copy to .env and change what you need. Every line shows the default.",
        "# ${NAME} in a value is replaced by that variable, or by nothing if there is none.",
    ]
    for name, field in Settings.model_fields.items():
        lines += ["", f"# {field.description}", f"{name.upper()}={_written(field.default)}"]
    return "\n".join(lines) + "\n"


def _written(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, tuple):
        return ",".join(word.replace("\n", "\\n") for word in value)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str) and (" " in value or "#" in value):
        return f'"{value}"'
    return str(value)


if __name__ == "__main__":
    sys.stdout.write(text())
