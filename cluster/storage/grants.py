"""Makes a database's privileges exactly the declared ones: grants what is missing, revokes what nobody declared.

Looked at are the privileges of our roles on anything in the database, an owner's own among them, and those of everybody
(PUBLIC) on what is ours. A run that finds nothing to do sends one query.
"""

from collections.abc import Iterable
from itertools import groupby
from operator import attrgetter
from typing import Final

from sqlalchemy import Connection, text
from sqlalchemy.exc import ProgrammingError

from cluster.storage.errors import PrivilegesDiffer
from cluster.storage.privileges import SCHEMA, DatabaseRole, Grant, declared

__all__ = ["differences", "held", "reconcile"]

PUBLIC: Final = "PUBLIC"

_HELD: Final = text("""
WITH grantees AS (
    SELECT oid, rolname AS name FROM pg_roles WHERE rolname = ANY(:roles) UNION ALL SELECT 0, 'PUBLIC'
), ours AS (
    SELECT oid, nspname FROM pg_namespace WHERE nspname NOT LIKE 'pg\\_%' AND nspname <> 'information_schema'
), entries (kind, namespace, name, col, acl) AS (
    SELECT CASE relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END, relnamespace,
           format('%I.%I', relnamespace::regnamespace::text, relname), '',
           coalesce(relacl, acldefault(CASE relkind WHEN 'S' THEN 's'::"char" ELSE 'r' END, relowner))
    FROM pg_class
    UNION ALL
    SELECT 'TABLE', relnamespace, format('%I.%I', relnamespace::regnamespace::text, relname), quote_ident(attname),
           attacl
    FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid WHERE attacl IS NOT NULL
    UNION ALL
    SELECT 'ROUTINE', pronamespace, oid::regprocedure::text, '', coalesce(proacl, acldefault('f', proowner))
    FROM pg_proc
    UNION ALL
    SELECT 'SCHEMA', oid, quote_ident(nspname), '', coalesce(nspacl, acldefault('n', nspowner)) FROM pg_namespace
    UNION ALL
    SELECT 'DATABASE', NULL, quote_ident(datname), '', coalesce(datacl, acldefault('d', datdba))
    FROM pg_database WHERE datname = current_database()
    UNION ALL
    SELECT 'PARAMETER', NULL, parname, '', paracl FROM pg_parameter_acl
)
SELECT grantees.name, kind, entries.name, privilege_type, col, is_grantable
FROM entries CROSS JOIN LATERAL aclexplode(acl) JOIN grantees ON grantees.oid = grantee
WHERE grantee <> 0 OR (namespace IS NULL AND kind = 'DATABASE') OR namespace IN (SELECT oid FROM ours)
""")
_TABLES: Final = text("""
SELECT relname FROM pg_class WHERE relnamespace = CAST(:schema AS regnamespace) AND relkind IN ('r', 'p', 'v', 'm', 'f')
""")
_OWNED: Final = text("""
SELECT DISTINCT rolname FROM pg_shdepend
JOIN pg_roles ON pg_roles.oid = refobjid AND refclassid = 'pg_authid'::regclass
JOIN pg_database ON pg_database.oid = dbid AND datname = current_database()
WHERE rolname = ANY(:roles) AND deptype = 'o'
""")
_ROLES: Final = {"roles": [role.value for role in DatabaseRole]}


def reconcile(connection: Connection) -> None:
    """Bring the database to the declared privileges, in the caller's transaction; its roles must exist.

    Raises:
        PrivilegesDiffer: the caller does not own it all, and so cannot make it agree.
    """
    for role in connection.execute(_OWNED, _ROLES).scalars():
        connection.execute(text(f"REASSIGN OWNED BY {role} TO CURRENT_USER"))
    missing, undeclared = differences(connection)
    if not missing and not undeclared:
        return
    statements = [*_statements("REVOKE {} FROM {} CASCADE", undeclared), *_statements("GRANT {} TO {}", missing)]
    try:
        for statement in statements:
            connection.execute(text(statement.replace(":", "\\:")))
    except ProgrammingError as error:
        raise PrivilegesDiffer(code="database_privileges_differ") from error
    if any(differences(connection)):
        raise PrivilegesDiffer(code="database_privileges_differ")


def differences(connection: Connection) -> tuple[frozenset[Grant], frozenset[Grant]]:
    """What is declared and not held, and what is held and not declared."""
    tables = list(connection.execute(_TABLES, {"schema": SCHEMA}).scalars())
    database = connection.execute(text("SELECT quote_ident(current_database())")).scalar_one()
    wanted, there = declared(database, tables), held(connection)
    return wanted - there, there - wanted


def held(connection: Connection) -> frozenset[Grant]:
    """Every privilege of our roles and of everybody, as the database has it."""
    return frozenset(Grant(*row) for row in connection.execute(_HELD, _ROLES))


def _statements(pattern: str, grants: Iterable[Grant]) -> list[str]:
    """One statement for each role, object and column, with all the privileges on it."""
    same = attrgetter("grantee", "kind", "name", "column")
    found = []
    for (grantee, kind, name, column), group in groupby(sorted(grants, key=same), key=same):
        of = f"({column})" if column else ""
        privileges = ", ".join(sorted({f"{grant.privilege}{of}" for grant in group}))
        found.append(pattern.format(f"{privileges} ON {kind} {name}", grantee))
    return found
