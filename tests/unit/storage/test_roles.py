"""Who may enter the database: each role with its own password, the owner as the host's own account, nobody else."""

import os
import secrets
import shutil
import signal
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import make_url

from cluster.errors import Unavailable
from cluster.storage import credentials, embedded_postgres, migrate, postgres_host, roles
from cluster.storage.credentials import role_url, without_credentials
from cluster.storage.errors import RolesMissing
from cluster.storage.privileges import DatabaseRole

APP = DatabaseRole.APP


@pytest.fixture
def folder() -> Iterator[Path]:
    """A server of the test's own, with its roles; ``passwords`` in it has their passwords."""
    folder = Path(tempfile.mkdtemp(prefix="i2v-", dir="/tmp"))
    roles.ensure(embedded_postgres.ensure_running(folder), folder / "passwords")
    yield folder
    embedded_postgres.stop(folder)
    shutil.rmtree(folder)


def entered(url: str) -> str:
    """Whom the server takes us for."""
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT session_user").fetchone()
    assert row
    return str(row[0])


def url_of(folder: Path, role: DatabaseRole = APP) -> str:
    return role_url(embedded_postgres.url_of(folder), role, folder / "passwords")


def logged(folder: Path) -> str:
    return "".join(file.read_text() for file in (folder / "log").iterdir())


@pytest.mark.parametrize("role", DatabaseRole)
def test_a_role_enters_with_its_own_password_alone(
    postgres_url: str, credentials_folder: Path, role: DatabaseRole
) -> None:
    url = make_url(role_url(postgres_url, role, credentials_folder))
    assert entered(url.render_as_string(hide_password=False)) == role
    others = [credentials.password(credentials_folder, other) for other in DatabaseRole if other is not role]
    for wrong in ["", "wrong", *others]:
        with pytest.raises(psycopg.OperationalError, match=r"no password supplied|password authentication failed"):
            entered(url._replace(password=wrong or None).render_as_string(hide_password=False))


@pytest.mark.parametrize("name", ["stranger", "postgres", "root", "i2v_owner"])
def test_nobody_else_enters(postgres_url: str, credentials_folder: Path, name: str) -> None:
    url = make_url(role_url(postgres_url, APP, credentials_folder)).set(username=name)
    with pytest.raises(psycopg.OperationalError, match=r"no pg_hba\.conf entry"):
        entered(url.render_as_string(hide_password=False))


@pytest.mark.skipif(os.geteuid() != 0, reason="root alone can become another account")
def test_another_account_of_the_host_is_not_the_owner(postgres_folder: Path, postgres_url: str) -> None:
    """The server's own account can reach the socket, and is refused by the kernel's word."""
    assert entered(postgres_url) == "i2v"
    socket = make_url(postgres_url).query["host"]
    command = [str(embedded_postgres._programs() / "psql"), "-U", "i2v", "-h", str(socket), "-c", "SELECT 1", "i2v"]
    assert subprocess.run(command, capture_output=True, check=False).returncode == 0
    other = subprocess.run([*postgres_host.account().prefix, *command], capture_output=True, text=True, check=False)
    assert other.returncode != 0
    assert "Peer authentication failed" in other.stderr


def test_passwords_lie_in_private_files_of_their_own_and_stay(postgres_url: str, tmp_path: Path) -> None:
    folder = tmp_path / "credentials"
    passwords = {credentials.password(folder, role) for role in DatabaseRole}
    assert len(passwords) == len(DatabaseRole)
    assert all(len(password) >= 43 for password in passwords)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {file.name for file in folder.iterdir() if file.name != ".lock"} == set(DatabaseRole)
    assert all(stat.S_IMODE(file.stat().st_mode) == 0o600 for file in folder.iterdir())
    assert {credentials.password(folder, role) for role in DatabaseRole} == passwords


def test_no_credential_no_url(tmp_path: Path) -> None:
    with pytest.raises(Unavailable) as refused:
        role_url("postgresql://i2v@/i2v", APP, tmp_path)
    assert refused.value.code == "database_credential_missing"


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://owner:secret@db.example:6432/i2v?sslmode=verify-full",
        "postgresql:///i2v?user=owner&password=secret&host=db.example&port=6432&sslmode=verify-full",
        "postgresql://db.example:6432/i2v?passfile=secret&sslmode=verify-full",
    ],
)
def test_of_the_owners_url_only_the_place_is_kept(url: str, tmp_path: Path) -> None:
    password = credentials.password(tmp_path, APP)
    for kept in (without_credentials(url), role_url(url, APP, tmp_path)):
        assert "owner" not in kept
        assert "secret" not in kept
        assert "db.example" in kept
        assert "6432" in kept
        assert "sslmode=verify-full" in kept
    assert make_url(role_url(url, APP, tmp_path)).password == password


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_a_role_enters_again_after_a_restart(folder: Path, how: signal.Signals) -> None:
    running = embedded_postgres.pid(folder)
    assert running
    os.kill(running, how)
    embedded_postgres.ensure_running(folder)
    assert embedded_postgres.pid(folder) != running
    assert entered(url_of(folder)) == APP


def test_a_lost_or_changed_password_is_replaced_by_the_next_start(folder: Path) -> None:
    (folder / "passwords" / APP).unlink()
    roles.ensure(embedded_postgres.ensure_running(folder), folder / "passwords")
    with psycopg.connect(url_of(folder), autocommit=True) as connection:
        connection.execute("ALTER ROLE CURRENT_USER PASSWORD 'another'")
    with pytest.raises(psycopg.OperationalError):
        entered(url_of(folder))
    roles.ensure(embedded_postgres.ensure_running(folder), folder / "passwords")
    assert entered(url_of(folder)) == APP


@pytest.mark.parametrize("running", [True, False])
def test_a_folder_from_when_everybody_was_trusted_is_closed_by_the_next_start(folder: Path, running: bool) -> None:
    """As earlier versions left it: made and run with trust for whoever reached the socket, with no roles."""
    owner = embedded_postgres.url_of(folder)
    with psycopg.connect(owner, autocommit=True) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
        for role in DatabaseRole:
            connection.execute(f"DROP ROLE {role}".encode())
        connection.execute("CREATE ROLE stranger LOGIN SUPERUSER")
    embedded_postgres.stop(folder)
    (folder / "data" / "pg_hba.conf").write_text("local all all trust\n")
    (folder / "data" / "pg_ident.conf").write_text("")
    embedded_postgres._start(folder, postgres_host.account())
    stranger = make_url(owner).set(username="stranger").render_as_string()
    assert entered(stranger) == "stranger", "the control: it was open"
    if not running:
        embedded_postgres.stop(folder)

    assert embedded_postgres.ensure_running(folder) == owner
    with pytest.raises(psycopg.OperationalError, match=r"no pg_hba\.conf entry"):
        entered(stranger)
    roles.ensure(owner, folder / "passwords")
    migrate.upgrade(owner)
    assert entered(url_of(folder)) == APP
    with pytest.raises(psycopg.OperationalError, match="no password supplied"):
        entered(make_url(owner).set(username=APP).render_as_string())
    with psycopg.connect(owner) as connection:
        assert connection.execute("SELECT answer FROM kept").fetchone() == (42,)


def test_the_server_is_never_told_a_password(folder: Path) -> None:
    """Not even where every statement is logged, which is the control."""
    owner = embedded_postgres.url_of(folder)
    with psycopg.connect(owner, autocommit=True) as connection:
        connection.execute("ALTER SYSTEM SET log_statement = 'all'")
        connection.execute("SELECT pg_reload_conf()")
        while connection.execute("SHOW log_statement").fetchone() != ("all",):
            connection.execute("SELECT pg_sleep(0.02)")
    roles.ensure(owner, folder / "passwords")
    entered(url_of(folder))
    log = logged(folder)
    for role in DatabaseRole:
        assert f'ALTER ROLE "{role}" PASSWORD \'SCRAM-SHA-256$' in log
        assert credentials.password(folder / "passwords", role) not in log


@pytest.fixture
def hosted(folder: Path) -> str:
    """The URL of an owner who may make no roles, as on a server that somebody else runs; there are no roles yet."""
    owner, database = embedded_postgres.url_of(folder), f"hosted_{secrets.token_hex(4)}"
    with psycopg.connect(owner, autocommit=True) as connection:
        for role in DatabaseRole:
            connection.execute(f"DROP ROLE {role}".encode())
        connection.execute("CREATE ROLE customer LOGIN")
        connection.execute(f"CREATE DATABASE {database} OWNER customer".encode())
        with (folder / "data" / "pg_hba.conf").open("a") as file:
            file.write("local all customer trust\n")
        connection.execute("SELECT pg_reload_conf()")
    url = make_url(owner).set(username="customer", database=database).render_as_string()
    while True:
        try:
            entered(url)
            break
        except psycopg.OperationalError:
            continue
    return url


def test_an_owner_who_may_make_no_roles_is_told_what_a_superuser_must_run(folder: Path, hosted: str) -> None:
    passwords = folder / "hosted"
    with pytest.raises(RolesMissing) as refused:
        roles.ensure(hosted, passwords)
    statements = passwords / roles.STATEMENTS
    assert str(statements) in refused.value.message
    assert stat.S_IMODE(statements.stat().st_mode) == 0o600
    assert all(credentials.password(passwords, role) not in statements.read_text() for role in DatabaseRole)
    with psycopg.connect(embedded_postgres.url_of(folder), autocommit=True) as superuser:
        superuser.execute(statements.read_bytes())
    roles.ensure(hosted, passwords)
    migrate.upgrade(hosted)
    assert entered(role_url(hosted, APP, passwords)) == APP


def test_an_owner_who_may_make_roles_needs_nobody(folder: Path, hosted: str) -> None:
    with psycopg.connect(embedded_postgres.url_of(folder), autocommit=True) as superuser:
        superuser.execute("ALTER ROLE customer CREATEROLE")
    for _ in range(2):
        roles.ensure(hosted, folder / "hosted")
        migrate.upgrade(hosted)
    assert entered(role_url(hosted, APP, folder / "hosted")) == APP
