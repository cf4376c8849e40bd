"""The privileges in the database are the declared ones, whatever was planted; what is declared is what is used."""

import ast
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg.errors import InsufficientPrivilege
from sqlalchemy import Connection

from cluster import records
from cluster.records import metadata
from cluster.storage import grants, migrate, roles
from cluster.storage.credentials import role_url
from cluster.storage.database import Database
from cluster.storage.errors import PrivilegesDiffer
from cluster.storage.privileges import LEDGERS, TABLES, DatabaseRole

WRITES = ("INSERT", "UPDATE", "DELETE")
FOR_THE_WAY_OUT = {"fetches", "jobs", "webhook_endpoints"}
VERB = {"insert": "INSERT", "update": "UPDATE", "delete": "DELETE"}


@pytest.fixture
def owner(migrated_url: str) -> Iterator[Database]:
    """The owner of a migrated database of the test's own."""
    database = Database(migrated_url, 1, "test")
    yield database
    database.close()


def execute(url: str, statement: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement.encode())


def used_writes() -> set[tuple[str, str]]:
    """What the records do to which table: every ``insert(x)``, ``update(x)`` and ``delete(x)`` in them.

    A file that inserts or else updates (``on_conflict_do_update``) does so to the tables that it inserts into.
    """
    found = set()
    for file in Path(records.__file__).parent.glob("*.py"):
        nodes = list(ast.walk(ast.parse(file.read_text())))
        written = {
            (node.args[0].id, VERB[node.func.id])
            for node in nodes
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in VERB
            if isinstance(node.args[0], ast.Name)
        }
        if any(isinstance(node, ast.Attribute) and node.attr == "on_conflict_do_update" for node in nodes):
            written |= {(table, "UPDATE") for table, word in written if word == "INSERT"}
        found |= written
    return found


def test_every_table_is_declared_and_every_declared_table_exists() -> None:
    """One that is not declared can be used by nobody; a new one is one line in `privileges.TABLES`."""
    assert set(TABLES) == {*metadata.tables, "alembic_version"}


def test_a_privilege_to_write_is_declared_only_where_the_records_write() -> None:
    declared = {
        (table, privilege.partition("(")[0])
        for table, entries in TABLES.items()
        for privileges in entries.values()
        for privilege in privileges
    }
    assert {(table, word) for table, word in declared if word in WRITES} == used_writes()


def test_nobody_may_do_more_to_a_ledger_than_read_and_append() -> None:
    for ledger in LEDGERS:
        for privileges in TABLES[ledger].values():
            assert {privilege.partition("(")[0] for privilege in privileges} <= {"SELECT", "INSERT"}


def test_ledgers_are_the_tables_that_refuse_change_even_to_the_owner(migrated_url: str) -> None:
    with psycopg.connect(migrated_url) as connection:
        found = connection.execute(
            "SELECT tgrelid::regclass::text FROM pg_trigger WHERE tgname = 'append_only'"
        ).fetchall()
    assert {name for (name,) in found} == LEDGERS


def test_nobody_but_the_application_reads_what_is_sealed() -> None:
    """But for what is there for the way out: URLs, the secrets that sign, and what a third party is asked for."""
    sealed = {table.name for table in metadata.tables.values() for c in table.columns if c.name.endswith("_sealed")}
    assert sealed >= {"accounts", "jobs"}
    for name in sealed:
        for role in (
            {*TABLES[name]} - {DatabaseRole.APP} - ({DatabaseRole.OUTBOUND} if name in FOR_THE_WAY_OUT else set())
        ):
            readable = {p for p in TABLES[name][role] if p.startswith("SELECT")}
            assert not {p for p in readable if "(" not in p or "_sealed" in p}, (name, role)


def test_the_database_holds_exactly_what_is_declared(owner: Database) -> None:
    assert owner.run(grants.differences) == (frozenset(), frozenset())
    assert {grant.grantee for grant in owner.run(grants.held)} == set(DatabaseRole)


def test_the_databases_own_account_of_tables_agrees(migrated_url: str) -> None:
    """`information_schema`, which knows nothing of how we ask."""
    wanted = {
        (role.value, table, privilege)
        for table, entries in TABLES.items()
        for role, privileges in entries.items()
        for privilege in privileges
        if "(" not in privilege
    }
    query = (
        "SELECT grantee, table_name, privilege_type FROM information_schema.role_table_grants"
        " WHERE grantee IN (SELECT unnest(%s::text[])) AND is_grantable = 'NO'"
    )
    with psycopg.connect(migrated_url) as connection:
        assert set(connection.execute(query, [[role.value for role in DatabaseRole]]).fetchall()) == wanted


PLANTED = [
    "GRANT DELETE ON consents TO i2v_app",
    "GRANT TRUNCATE, TRIGGER ON credit_transfers TO i2v_pipeline",
    "GRANT SELECT (email_sealed) ON accounts TO i2v_outbound",
    "GRANT SELECT ON media TO i2v_app WITH GRANT OPTION",
    "GRANT SELECT ON jobs TO PUBLIC",
    "GRANT UPDATE ON SEQUENCE consents_sequence_seq TO i2v_app",
    "GRANT CREATE ON SCHEMA public TO i2v_app",
    "GRANT USAGE ON SCHEMA public TO PUBLIC",
    "GRANT TEMPORARY ON DATABASE {database} TO PUBLIC",
    "GRANT EXECUTE ON FUNCTION pg_read_file(text) TO i2v_app",
    "GRANT EXECUTE ON FUNCTION refuse_change() TO PUBLIC",
    "GRANT SELECT ON pg_authid TO i2v_pipeline",
    "GRANT SET ON PARAMETER session_replication_role TO i2v_app",
    "CREATE TABLE later (a int); GRANT ALL ON later TO i2v_app",
    "CREATE TABLE its (a int); ALTER TABLE its OWNER TO i2v_app",
    "CREATE SCHEMA other; CREATE TABLE other.t (a int); GRANT SELECT ON other.t TO i2v_app",
    "REVOKE INSERT ON jobs FROM i2v_app",
    "REVOKE USAGE ON SCHEMA public FROM i2v_app",
    "REVOKE CONNECT ON DATABASE {database} FROM i2v_outbound",
]


@pytest.mark.parametrize("planted", PLANTED)
def test_whatever_was_planted_is_found_and_undone_by_the_next_start(
    owner: Database, migrated_url: str, planted: str
) -> None:
    execute(migrated_url, planted.format(database=migrated_url.partition("?")[0].rpartition("/")[2]))
    assert any(owner.run(grants.differences))
    migrate.upgrade(migrated_url)
    assert not any(owner.run(grants.differences))


@pytest.mark.parametrize(
    "planted",
    [
        "GRANT pg_read_all_data TO i2v_app",
        "GRANT i2v TO i2v_app",
        "GRANT i2v_app TO i2v_outbound",
        "ALTER ROLE i2v_app SUPERUSER",
        "ALTER ROLE i2v_pipeline CREATEROLE BYPASSRLS",
    ],
)
def test_a_role_that_became_more_is_made_plain_by_the_next_start(
    migrated_url: str, credentials_folder: Path, planted: str
) -> None:
    execute(migrated_url, planted)
    with psycopg.connect(migrated_url) as connection:
        assert any(roles.changes(connection, role) for role in DatabaseRole)
    roles.ensure(migrated_url, credentials_folder)
    with psycopg.connect(migrated_url) as connection:
        assert not any(roles.changes(connection, role) for role in DatabaseRole)
    with pytest.raises(InsufficientPrivilege):
        execute(role_url(migrated_url, DatabaseRole.APP, credentials_folder), "SELECT rolpassword FROM pg_authid")


@pytest.mark.parametrize("allowed", ["", "GRANT SELECT ON consents TO i2v_weak"])
def test_whoever_cannot_make_it_agree_is_refused(owner: Database, allowed: str) -> None:
    """PostgreSQL refuses the statements of a stranger, but only warns somebody who has another privilege there."""

    def reconcile_as_another(connection: Connection) -> None:
        for statement in ("CREATE ROLE i2v_weak", "GRANT DELETE ON consents TO i2v_app", allowed, "SET ROLE i2v_weak"):
            if statement:
                connection.exec_driver_sql(statement)
        grants.reconcile(connection)

    with pytest.raises(PrivilegesDiffer):
        owner.run(reconcile_as_another)
