"""The database as a part of the running cluster: the embedded server, or one that somebody else runs."""

import psycopg

from cluster.errors import ServiceError
from cluster.runtime import connections, layout
from cluster.runtime.service import ServiceFailed
from cluster.settings import Settings
from cluster.storage import embedded_postgres, migrate, roles

__all__ = ["DatabaseService"]

_PROBE_SECONDS = 2


class DatabaseService:
    """PostgreSQL with its roles and the newest schema."""

    name = "database"
    needs: tuple[str, ...] = ()
    patience = 5

    def __init__(self, settings: Settings) -> None:
        """Nothing is started yet."""
        self._external = settings.database.url
        self._where = layout.paths(settings)
        self._url = self._external or ""

    def prepare(self) -> None:
        """Everything is done by `start`."""

    def start(self) -> None:
        """Start or find the server, make its roles, then apply the migrations and the privileges."""
        try:
            self._url = self._external or embedded_postgres.ensure_running(self._where.postgres)
            roles.ensure(self._url, self._where.credentials)
            migrate.upgrade(self._url)
        except ServiceError as error:
            raise ServiceFailed(f"The database does not start ({error.code}): {error.message}") from error
        connections.remember(self._where, self._url)

    def works(self) -> bool:
        """Whether it answers a statement."""
        try:
            with psycopg.connect(self._url, connect_timeout=_PROBE_SECONDS, autocommit=True) as connection:
                connection.execute("SELECT 1")
        except psycopg.OperationalError:
            return False
        return True

    def stop(self) -> None:
        """Stop the embedded server; one that somebody else runs is theirs."""
        if not self._external:
            embedded_postgres.stop(self._where.postgres)

    def pid(self) -> int | None:
        """The embedded server's first process."""
        return None if self._external else embedded_postgres.pid(self._where.postgres)
