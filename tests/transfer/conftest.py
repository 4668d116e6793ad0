"""The store's own fixtures."""

from __future__ import annotations

from tests.store.conftest import database, file, migrated, url

__all__ = ["database", "file", "migrated", "url"]
