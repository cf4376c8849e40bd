"""Brings a database to the newest revision of the schema, and its privileges to what is declared today.

Privileges are a state and not a history: they are no part of any revision, and are set after each run.
"""

from datetime import timedelta
from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, text

from cluster.storage import grants
from cluster.storage.database import Database

__all__ = ["SCRIPTS", "configuration", "upgrade"]

SCRIPTS: Final = Path(__file__).parent / "migrations"
_PATIENCE: Final = timedelta(minutes=10)
_LOCK: Final = 0x69327600  # any number that only this code uses


def upgrade(url: str) -> None:
    """Apply every missing revision in one transaction; when several processes start at once, one of them does.

    ``url`` is the owner's, and the roles exist already (`roles.ensure`).

    Raises:
        cluster.storage.errors.PrivilegesDiffer: see `grants.reconcile`.
        cluster.errors.Unavailable: the database cannot be reached.
    """
    database = Database(url, 1, "i2v-migrate", statement_timeout=_PATIENCE, lock_timeout=_PATIENCE)
    try:
        database.run(_upgrade)
    finally:
        database.close()


def configuration(connection: Connection) -> Config:
    """Alembic's configuration for our revisions on an open connection; no file is needed."""
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def _upgrade(connection: Connection) -> None:
    connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
    command.upgrade(configuration(connection), "head")
    grants.reconcile(connection)
