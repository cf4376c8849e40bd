"""How the processes of the cluster reach its database: each as the role that it works as, migrations as the owner."""

from cluster.errors import Unavailable
from cluster.runtime.layout import Paths, paths
from cluster.settings import Settings
from cluster.storage import credentials, embedded_postgres, files
from cluster.storage.privileges import DatabaseRole

__all__ = ["database_url", "owner_url", "remember"]


def owner_url(settings: Settings) -> str:
    """The owner's URL, for migrations and for nobody who serves."""
    return settings.database.url or embedded_postgres.url_of(paths(settings).postgres)


def remember(where: Paths, url: str) -> None:
    """Note where the database is, without credentials: the setting itself reaches no process of Ray's."""
    files.write_atomic(where.database_url, [credentials.without_credentials(url).encode()])


def database_url(settings: Settings, role: DatabaseRole) -> str:
    """The URL by which ``role`` enters the database of this installation.

    Raises:
        Unavailable: it was never started, or this process has no credential of that role.
    """
    where = paths(settings)
    try:
        url = settings.database.url or where.database_url.read_text()
    except FileNotFoundError:
        raise Unavailable("The database was never started; 'i2v up' starts it.", code="database_not_started") from None
    return credentials.role_url(url, role, where.credentials)
