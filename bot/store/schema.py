"""The schema, brought up to date at the start by the migrations of this checkout."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect

from bot.errors import StoreError

MIGRATIONS: Final = Path(__file__).resolve().parents[2] / "migrations"


def migrate(connection: Connection) -> None:
    """Bring the schema up to date in one transaction; raises `StoreError` where it cannot."""
    if connection.dialect.name == "sqlite":
        # SQLite alters a table by making it anew; with foreign keys on, that would delete rows.
        # The switch works only outside of a transaction, so before SQLAlchemy begins one.
        cursor = connection.connection.cursor()
        cursor.execute("PRAGMA foreign_keys = OFF")
        cursor.close()
    with connection.begin():
        _upgrade(connection)


def _upgrade(connection: Connection) -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    script = ScriptDirectory.from_config(config)
    known = {revision.revision for revision in script.walk_revisions()}
    current = MigrationContext.configure(connection).get_current_revision()
    if current is None and inspect(connection).get_table_names():
        raise StoreError(
            "The database belongs to another program. Leave DATABASE_URL empty for a database of "
            "its own under DATA_DIR."
        )
    if current is not None and current not in known:
        raise StoreError(
            f"The database was written by a newer thumbwise (its schema is {current}). Update "
            "thumbwise, or point DATA_DIR to another directory."
        )
    if current != script.get_current_head():
        command.upgrade(config, "head")
        if connection.dialect.name == "sqlite":
            broken = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall()
            if broken:
                raise StoreError(
                    f"The database refers to rows that are missing, in {broken[0][0]}."
                )
