"""The embedded PostgreSQL: quick, private, back with its data after any death, and silent about statements."""

import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from cluster.storage import embedded_postgres
from cluster.storage.errors import PostgresFailed
from cluster.storage.postgres_host import short_folder

CANARY = "zebra-4711-canary"


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """A server of this file's own, since it is killed here."""
    folder = Path(tempfile.mkdtemp(prefix="i2v-", dir="/tmp"))
    embedded_postgres.ensure_running(folder)
    yield folder
    embedded_postgres.stop(folder)
    shutil.rmtree(folder)


def execute(folder: Path, statement: str, *parameters: object) -> list[tuple[object, ...]]:
    with psycopg.connect(embedded_postgres.ensure_running(folder), autocommit=True) as connection:
        cursor = connection.execute(statement.encode(), parameters or None)
        return cursor.fetchall() if cursor.description else []


def pid(folder: Path) -> int:
    found = embedded_postgres.pid(folder)
    assert found is not None
    return found


def logged(folder: Path) -> str:
    return "".join(file.read_text() for file in (folder / "log").iterdir())


def test_ensuring_again_changes_nothing_and_is_quick(folder: Path) -> None:
    running = pid(folder)
    began = time.monotonic()
    embedded_postgres.ensure_running(folder)
    assert time.monotonic() - began < 1
    assert pid(folder) == running


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGQUIT, signal.SIGTERM])
def test_a_killed_server_comes_back_with_its_data(folder: Path, how: signal.Signals) -> None:
    execute(folder, f"CREATE TABLE kept_{how.name} AS SELECT 42 AS answer")
    killed = pid(folder)
    os.kill(killed, how)
    assert execute(folder, f"SELECT answer FROM kept_{how.name}") == [(42,)]
    assert pid(folder) != killed


def test_a_killed_backend_does_not_end_the_server(folder: Path) -> None:
    with psycopg.connect(embedded_postgres.ensure_running(folder)) as connection:
        os.kill(connection.info.backend_pid, signal.SIGKILL)
        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT 1")
    assert execute(folder, "SELECT 1") == [(1,)]


def test_a_number_in_the_pid_file_that_is_now_another_process_is_not_believed(folder: Path) -> None:
    embedded_postgres.stop(folder)
    left = folder / "data" / "postmaster.pid"
    left.write_text(f"{os.getpid()}\n{folder}/data\n0\n5432\n{folder}/socket\n\n1 1\nready\n")
    assert embedded_postgres.pid(folder) is None
    assert execute(folder, "SELECT 1") == [(1,)]
    assert psutil.pid_exists(os.getpid())


def test_stopping_is_harmless_when_repeated(folder: Path) -> None:
    embedded_postgres.ensure_running(folder)
    assert embedded_postgres.stop(folder)
    assert embedded_postgres.pid(folder) is None
    assert not embedded_postgres.stop(folder)


def test_an_interrupted_first_start_is_begun_again(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = Path(tempfile.mkdtemp(prefix="i2v-", dir="/tmp"))
    (folder / "data.unfinished").mkdir()
    (folder / "data.unfinished" / "half").touch()
    try:
        assert execute(folder, "SELECT 1") == [(1,)]
    finally:
        embedded_postgres.stop(folder)
        shutil.rmtree(folder)


def test_several_processes_may_start_it_at_once(folder: Path) -> None:
    embedded_postgres.stop(folder)
    program = "import sys, pathlib; from cluster.storage import embedded_postgres as e; f = pathlib.Path(sys.argv[1])"
    command = [sys.executable, "-c", f"{program}; print(e.ensure_running(f), e.pid(f))", str(folder)]
    started = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    answers = {process.communicate()[0] for process in started}
    assert len(answers) == 1
    assert str(pid(folder)) in answers.pop()


def test_it_outlives_its_starter_and_listens_on_no_network(folder: Path) -> None:
    embedded_postgres.ensure_running(folder)
    server = psutil.Process(pid(folder))
    assert server.ppid() != os.getpid()
    assert [c for c in server.net_connections() if c.family in (socket.AF_INET, socket.AF_INET6)] == []


def test_folders_are_private(folder: Path) -> None:
    for name in ("", "data", "log", "socket"):
        assert stat.S_IMODE((folder / name).stat().st_mode) == 0o700
    assert all(stat.S_IMODE(file.stat().st_mode) == 0o600 for file in (folder / "log").iterdir())


@pytest.mark.skipif(os.geteuid() != 0, reason="root alone starts it under another account")
def test_root_starts_it_under_an_account_of_its_own(folder: Path) -> None:
    embedded_postgres.ensure_running(folder)
    assert psutil.Process(pid(folder)).username() == "i2v-postgres"


def test_a_long_path_gets_a_short_socket(tmp_path: Path) -> None:
    folder = tmp_path / ("long" * 20)
    try:
        assert execute(folder, "SELECT 1") == [(1,)]
    finally:
        embedded_postgres.stop(folder)
        shutil.rmtree(short_folder(folder / "socket"))


def test_a_socket_folder_of_somebody_else_is_refused() -> None:
    with tempfile.TemporaryDirectory(prefix="i2v-", dir="/tmp") as short:
        folder = Path(short) / "postgres"
        (folder / "socket").mkdir(parents=True, mode=0o700)
        (folder / "socket").chmod(0o777)
        with pytest.raises(PostgresFailed) as refused:
            embedded_postgres.ensure_running(folder)
        assert refused.value.code == "postgres_folder_not_private"


def fail_with_the_canary(folder: Path) -> None:
    """Errors that quote statements, parameters and rows, and a crash that quotes what was running."""
    execute(folder, "CREATE TABLE IF NOT EXISTS names (name text UNIQUE)")
    for statement, parameters in [
        (f"SELECT '{CANARY}'::integer", ()),
        ("SELECT %s::text::integer", (CANARY,)),
        (f"SELEC '{CANARY}'", ()),
        ("INSERT INTO names VALUES (%s), (%s)", (CANARY, CANARY)),
        (f"DO $$ BEGIN RAISE WARNING '{CANARY}'; RAISE EXCEPTION '{CANARY}'; END $$", ()),
    ]:
        with pytest.raises(psycopg.Error):
            execute(folder, statement, *parameters)
    with psycopg.connect(embedded_postgres.ensure_running(folder)) as connection:
        backend = connection.info.backend_pid
        killer = subprocess.Popen([sys.executable, "-c", f"import os, time; time.sleep(0.5); os.kill({backend}, 9)"])
        with pytest.raises(psycopg.OperationalError):
            connection.execute(f"SELECT pg_sleep(5), '{CANARY}'".encode())
        killer.wait()
    while "was terminated by signal 9" not in logged(folder):
        time.sleep(0.02)
    assert execute(folder, "SELECT 1") == [(1,)]


def test_no_statement_and_no_value_reaches_the_log(folder: Path) -> None:
    fail_with_the_canary(folder)
    assert CANARY not in logged(folder)


@pytest.mark.parametrize(
    ("name", "value"), [("log_min_messages", "warning"), ("log_statement", "all"), ("log_error_verbosity", "verbose")]
)
def test_the_search_would_find_it(name: str, value: str) -> None:
    """The control: each of these settings alone, undone, lets the canary through."""
    folder = Path(tempfile.mkdtemp(prefix="i2v-", dir="/tmp"))
    try:
        execute(folder, f"ALTER SYSTEM SET {name} = '{value}'")
        execute(folder, "SELECT pg_reload_conf()")
        while execute(folder, f"SHOW {name}") != [(value,)]:
            time.sleep(0.02)
        fail_with_the_canary(folder)
        assert CANARY in logged(folder)
    finally:
        embedded_postgres.stop(folder)
        shutil.rmtree(folder)
