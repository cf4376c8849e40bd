"""Makes the server's roles: they may log in with their own password, belong to no other role, and are nothing more.

The server is told verifiers (SCRAM), computed here: no password ever stands in a statement. Where the owner of the
database may not make roles, the statements are left in a file for somebody who may.
"""

from pathlib import Path
from typing import Final

import psycopg
from psycopg import Connection, sql
from psycopg.errors import InsufficientPrivilege

from cluster.storage import credentials, files
from cluster.storage.errors import ConnectionLost, RolesMissing
from cluster.storage.privileges import DatabaseRole

__all__ = ["STATEMENTS", "changes", "ensure"]

STATEMENTS: Final = "roles.sql"
_PLAIN: Final = "LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS"
_IS_PLAIN: Final = """
SELECT rolcanlogin AND NOT (rolsuper OR rolcreatedb OR rolcreaterole OR rolreplication OR rolbypassrls)
FROM pg_roles WHERE rolname = %s
"""
_BELONGS_TO: Final = """
SELECT above.rolname FROM pg_auth_members
JOIN pg_roles above ON above.oid = roleid JOIN pg_roles below ON below.oid = member
WHERE below.rolname = %s
"""


def ensure(url: str, folder: Path) -> None:
    """Make the roles where they are missing, take from them what they should not be, and set their passwords to those
    in ``folder``. ``url`` is the owner's. Harmless when repeated.

    Raises:
        RolesMissing: they are not as they should be, and the owner may not change that.
        ConnectionLost: the server cannot be reached.
    """
    try:
        with psycopg.connect(url, connect_timeout=5) as connection:
            needed = [change for role in DatabaseRole for change in changes(connection, role)]
            passwords = [_password(connection, role, folder) for role in DatabaseRole]
            try:
                for statement in needed + passwords:
                    connection.execute(statement)
            except InsufficientPrivilege:
                connection.rollback()
                if needed or not all(_enters(url, role, folder) for role in DatabaseRole):
                    raise _missing(connection, needed + passwords, folder) from None
    except psycopg.OperationalError as error:
        raise ConnectionLost(code="database_down") from error


def changes(connection: Connection, role: DatabaseRole) -> list[sql.Composed]:
    """The statements that make the role, or make a role plain that has become more; normally none."""
    name = sql.Identifier(role)
    found = connection.execute(_IS_PLAIN, [role]).fetchone()
    needed: list[sql.Composed] = []
    if found is None:
        needed.append(sql.SQL("CREATE ROLE {} LOGIN").format(name))
    elif not found[0]:
        needed.append(sql.SQL("ALTER ROLE {} {}").format(name, sql.SQL(_PLAIN)))
    for (above,) in connection.execute(_BELONGS_TO, [role]).fetchall():
        needed.append(sql.SQL("REVOKE {} FROM {}").format(sql.Identifier(above), name))
    return needed


def _password(connection: Connection, role: DatabaseRole, folder: Path) -> sql.Composed:
    """The statement that tells the server the verifier of the role's password."""
    password = credentials.password(folder, role)
    verifier = connection.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256").decode()
    return sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(role), sql.Literal(verifier))


def _enters(url: str, role: DatabaseRole, folder: Path) -> bool:
    try:
        psycopg.connect(credentials.role_url(url, role, folder), connect_timeout=5).close()
    except psycopg.OperationalError:
        return False
    return True


def _missing(connection: Connection, statements: list[sql.Composed], folder: Path) -> RolesMissing:
    file = folder / STATEMENTS
    files.write_atomic(file, (f"{statement.as_string(connection)};\n".encode() for statement in statements))
    return RolesMissing(
        f"The owner of the database may not make its roles. Let a superuser run the statements in {file}, then start "
        "again.",
        code="database_roles_missing",
    )
