"""The console's key: made once, kept in a file that only its owner can read."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from bot.errors import SettingsError


def kept_key(file: Path) -> str:
    """The key in a file, made (with 256 random bits) when there is none. Raises `SettingsError`."""
    try:
        try:
            descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            pass
        else:
            with os.fdopen(descriptor, "w", encoding="ascii") as new:
                new.write(secrets.token_urlsafe(32))
        key = file.read_text(encoding="ascii").strip()
    except (OSError, UnicodeError) as error:
        raise SettingsError(f"The console's key cannot be kept in {file}: {error}.") from error
    if not key:
        raise SettingsError(f"{file} holds no key: delete it, and a new one is made.")
    return key
