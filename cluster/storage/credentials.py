"""Each role's password: made once, in a file of its own (mode 0600), and in no environment, URL setting or log.

A process is given the files of the roles that it works as, and no other.
"""

import secrets
from pathlib import Path

from sqlalchemy import URL, make_url

from cluster.errors import Unavailable
from cluster.storage import files
from cluster.storage.privileges import DatabaseRole

__all__ = ["password", "role_url", "without_credentials"]

_CREDENTIALS = ("user", "password", "passfile")


def password(folder: Path, role: DatabaseRole) -> str:
    """The role's password; made, if it has none yet. Whoever made one gives it to the server."""
    file = folder / role
    with files.locked(files.private_folder(folder) / ".lock"):
        if not file.exists():
            files.write_atomic(file, [secrets.token_urlsafe(32).encode()])
    return file.read_text()


def role_url(url: str, role: DatabaseRole, folder: Path) -> str:
    """The same database as ``url``'s, to be entered as ``role``.

    Raises:
        Unavailable: this process has no credential of that role.
    """
    try:
        secret = (folder / role).read_text()
    except FileNotFoundError:
        raise Unavailable(
            f"There is no credential of {role} in the data folder; 'i2v up' makes it.",
            code="database_credential_missing",
        ) from None
    return _bare(url).set(username=role.value, password=secret).render_as_string(hide_password=False)


def without_credentials(url: str) -> str:
    """Where the database is, and nothing of who may enter."""
    return _bare(url).render_as_string()


def _bare(url: str) -> URL:
    # `URL.set` takes None for "leave it as it is".
    return make_url(url)._replace(username=None, password=None).difference_update_query(_CREDENTIALS)
