"""The key that the console makes for itself."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from bot.console import kept_key
from bot.errors import SettingsError


def test_it_is_made_once_and_only_its_owner_can_read_it(tmp_path: Path) -> None:
    file = tmp_path / "console.key"
    key = kept_key(file)
    assert len(key) >= 40
    assert kept_key(file) == key
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert kept_key(tmp_path / "another") != key


def test_what_cannot_be_kept_is_said(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be kept"):
        kept_key(tmp_path / "nowhere" / "console.key")
    (tmp_path / "empty").touch()
    with pytest.raises(SettingsError, match="delete it"):
        kept_key(tmp_path / "empty")
