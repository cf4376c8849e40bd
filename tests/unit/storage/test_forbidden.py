"""What the service's own credentials cannot do, tried with them; the owner, who can, is the control."""

import contextlib
from pathlib import Path

import psycopg
import pytest
from psycopg.errors import InsufficientPrivilege, IntegrityError

from cluster.storage.credentials import role_url
from cluster.storage.database import Database
from cluster.storage.keys import KeyStore
from cluster.storage.privileges import LEDGERS, DatabaseRole
from tests.world import SHARE, World, fill_ledgers, notice_for

OF_A_LEDGER = [
    "UPDATE {} SET account_id = account_id",
    "UPDATE {} SET account_id = account_id WHERE false",
    "DELETE FROM {}",
    "DELETE FROM {} WHERE false",
    "TRUNCATE {}",
    "TRUNCATE {} CASCADE",
    "MERGE INTO {} USING (SELECT 1) one ON true WHEN MATCHED THEN DELETE",
    "SELECT * FROM {} FOR UPDATE",
    "DROP TABLE {} CASCADE",
    "ALTER TABLE {} ADD COLUMN more text",
    "ALTER TABLE {} DROP COLUMN account_id",
    "ALTER TABLE {} RENAME TO gone",
    "ALTER TABLE {} OWNER TO CURRENT_USER",
    "ALTER TABLE {} DISABLE TRIGGER append_only",
    "ALTER TABLE {} DISABLE TRIGGER ALL",
    "DROP TRIGGER append_only ON {}",
    "CREATE TRIGGER quiet BEFORE INSERT ON {} EXECUTE FUNCTION suppress_redundant_updates_trigger()",
    "CREATE RULE quiet AS ON INSERT TO {} DO INSTEAD NOTHING",
    "CREATE INDEX ON {} (account_id)",
    "LOCK TABLE {} IN ACCESS EXCLUSIVE MODE",
    "ALTER SEQUENCE {}_sequence_seq RESTART",
    "SELECT setval('{}_sequence_seq', 1)",
]
OF_ANYTHING = [
    "SET session_replication_role = replica",
    "SELECT set_config('session_replication_role', 'replica', false)",
    "SET ROLE i2v",
    "SET SESSION AUTHORIZATION i2v",
    "ALTER ROLE CURRENT_USER SUPERUSER",
    "ALTER ROLE i2v PASSWORD 'mine'",
    "CREATE ROLE mine",
    "GRANT pg_read_all_data TO CURRENT_USER",
    "CREATE TABLE mine (a int)",
    "CREATE TEMPORARY TABLE mine (a int)",
    "CREATE VIEW mine AS SELECT 1",
    "CREATE SCHEMA mine",
    "CREATE FUNCTION mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$",
    "DROP FUNCTION refuse_change() CASCADE",
    "DROP EXTENSION plpgsql CASCADE",
    "CREATE PUBLICATION mine FOR ALL TABLES",
    "ALTER DATABASE {database} SET session_replication_role = replica",
    "COPY (SELECT 1) TO PROGRAM 'cat >/dev/null'",
    "COPY (SELECT 1) TO '/dev/null'",
    "COPY jobs FROM '/dev/null'",
    "SELECT pg_read_file('PG_VERSION')",
    "SELECT pg_read_binary_file('PG_VERSION')",
    "SELECT pg_ls_dir('.')",
    "SELECT lo_import('/dev/null')",
    "SELECT rolpassword FROM pg_authid",
    "SELECT * FROM pg_shadow",
    "SELECT * FROM pg_hba_file_rules",
    "SELECT * FROM alembic_version",
    "UPDATE alembic_version SET version_num = ''",
    "DELETE FROM jobs",
    "DELETE FROM accounts",
    "UPDATE notices SET text = ''",
    "DELETE FROM notices",
]
OF_OTHERS = {
    DatabaseRole.OUTBOUND: [
        "SELECT * FROM accounts",
        "SELECT email_sealed FROM accounts",
        "UPDATE accounts SET epoch = 1",
        "SELECT * FROM jobs",
        "SELECT * FROM api_keys",
        "SELECT * FROM consents",
        "UPDATE accounts SET known_minor = false",
        "UPDATE jobs SET state = state",
        "INSERT INTO submissions DEFAULT VALUES",
        "INSERT INTO consents DEFAULT VALUES",
        "DELETE FROM media",
        "SET ROLE i2v_app",
    ],
    DatabaseRole.PIPELINE: [
        "SELECT email_sealed FROM accounts",
        "SELECT prompt_sealed FROM jobs",
        "SELECT key_lookup FROM idempotency_keys",
        "SELECT key_lookup FROM throttles",
        "SELECT url_sealed FROM fetches",
        "SELECT job_id FROM webhook_deliveries",
        "UPDATE webhook_deliveries SET state = ''",
        "SELECT subject_lookup FROM jobs",
        "UPDATE jobs SET state = ''",
        "UPDATE accounts SET closed_at = created_at",
        "SELECT * FROM credit_transfers",
        "INSERT INTO credit_transfers DEFAULT VALUES",
        "INSERT INTO media SELECT * FROM media",
        "SET ROLE i2v_app",
    ],
    DatabaseRole.APP: ["INSERT INTO disclosures DEFAULT VALUES", "SET ROLE i2v_outbound", "SET ROLE i2v_pipeline"],
    DatabaseRole.MONITOR: [
        "SELECT id FROM jobs",
        "SELECT account_id FROM jobs",
        "SELECT prompt_sealed FROM jobs",
        "UPDATE jobs SET state = state",
        "SELECT job_id FROM leases",
        "SELECT id FROM accounts",
        "SELECT * FROM access_log",
        "SET ROLE i2v_app",
    ],
}


def statements(role: DatabaseRole | None = None) -> list[str]:
    """All of them, for one role or for all."""
    own = OF_OTHERS[role] if role else [each for several in OF_OTHERS.values() for each in several]
    return [each.format(ledger) for ledger in sorted(LEDGERS) for each in OF_A_LEDGER] + OF_ANYTHING + own


@pytest.mark.parametrize(
    ("role", "statement"), [pytest.param(role, each) for role in DatabaseRole for each in statements(role)]
)
def test_it_is_refused_for_want_of_a_privilege(
    shared_url: str, credentials_folder: Path, role: DatabaseRole, statement: str
) -> None:
    """Not by the trigger, which stands behind."""
    with psycopg.connect(role_url(shared_url, role, credentials_folder)) as connection:
        name = connection.info.dbname
        with pytest.raises(InsufficientPrivilege) as refused:
            connection.execute(statement.replace("{database}", name).encode())
    assert "append-only" not in str(refused.value)


@pytest.mark.parametrize("statement", sorted({*statements()}))
def test_the_owner_is_not_refused(shared_url: str, statement: str) -> None:
    """The control: the statements are right, and it is the role that makes the difference. Nothing is kept."""
    with psycopg.connect(shared_url) as connection:
        connection.execute("SET LOCAL session_replication_role = replica")
        # Some fail for the want of a row, or of a file; none is misspelt or refused.
        with contextlib.suppress(IntegrityError):
            connection.execute(statement.replace("{database}", connection.info.dbname).encode())
        connection.rollback()


def test_a_session_of_the_owner_cannot_be_ended_and_its_words_not_be_seen(
    shared_url: str, credentials_folder: Path
) -> None:
    app = role_url(shared_url, DatabaseRole.APP, credentials_folder)
    with psycopg.connect(shared_url) as owner, psycopg.connect(app, autocommit=True) as connection:
        backend = owner.execute("SELECT pg_backend_pid()").fetchone()
        assert backend
        with pytest.raises(InsufficientPrivilege):
            connection.execute("SELECT pg_terminate_backend(%s)", backend)
        query = "SELECT query FROM pg_stat_activity WHERE pid = %s"
        assert connection.execute(query, backend).fetchone() == ("<insufficient privilege>",)
        assert owner.execute(query, backend).fetchone() != ("<insufficient privilege>",)


@pytest.mark.parametrize("role", DatabaseRole)
@pytest.mark.parametrize("database", ["postgres", "template1"])
def test_other_databases_are_closed(
    postgres_url: str, shared_url: str, credentials_folder: Path, role: DatabaseRole, database: str
) -> None:
    entered = role_url(shared_url, role, credentials_folder)
    psycopg.connect(entered).close()
    name = entered.partition("?")[0].rpartition("/")[2]
    with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
        psycopg.connect(entered.replace(f"/{name}?", f"/{database}?"))


def test_the_application_reads_and_appends(fresh_url: str, credentials_folder: Path, tmp_path: Path) -> None:
    database = Database(role_url(fresh_url, DatabaseRole.APP, credentials_folder), 1, "test")
    service, notice = World(database, KeyStore(tmp_path / "keys")), notice_for(SHARE)
    account = service.account()
    outbound = Database(role_url(fresh_url, DatabaseRole.OUTBOUND, credentials_folder), 1, "test")
    fill_ledgers(service, account, notice, World(outbound, service.keys))
    outbound.close()
    for ledger in LEDGERS:
        assert service.sql(f"SELECT * FROM {ledger}")
    service.job(account)
    assert service.claim()
    database.close()
