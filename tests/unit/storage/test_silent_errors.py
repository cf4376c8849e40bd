"""An error of a statement puts no value into PostgreSQL's log, an exception's text or our own log.

Each kind of failure is planted first, where nothing hides values, and must be found there in the log and in the text.
"""

import shutil
import tempfile
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, suppress
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import Connection, create_engine, make_url, text

from cluster import telemetry
from cluster.storage import embedded_postgres
from cluster.storage.database import Database

Begin = Callable[[], AbstractContextManager[Connection]]
Provoke = Callable[[Begin, str], Exception]

TABLES = """
CREATE TABLE people (name text UNIQUE, CONSTRAINT short CHECK (length(name) < 100));
CREATE TABLE pets (owner text REFERENCES people (name), name text NOT NULL);
CREATE TABLE counters (id int PRIMARY KEY, word text);
INSERT INTO counters VALUES (1, ''), (2, '');
"""
LOUD = {
    "log_min_messages": "debug1",
    "log_error_verbosity": "verbose",
    "log_min_error_statement": "error",
    "log_parameter_max_length_on_error": "-1",
}


def failing(*statements: str) -> Provoke:
    """Run the statements with the canary as their parameter; the last one fails."""

    def provoke(begin: Begin, canary: str) -> Exception:
        try:
            with begin() as connection:
                for statement in statements:
                    connection.execute(text(statement), {"value": canary})
        except Exception as error:
            return error
        raise AssertionError("nothing failed")

    return provoke


def deadlocked(begin: Begin, canary: str) -> Exception:
    """Two transactions that wait for each other; the error of the one that PostgreSQL ends."""
    both_hold_one = threading.Barrier(2)

    def cross(first: int, second: int) -> Exception | None:
        try:
            with begin() as connection:
                change = text("UPDATE counters SET word = :value WHERE id = :id")
                connection.execute(change, {"value": canary, "id": first})
                both_hold_one.wait(10)
                connection.execute(change, {"value": canary, "id": second})
        except Exception as error:
            return error
        return None

    with ThreadPoolExecutor(2) as pool:
        (error,) = filter(None, pool.map(cross, (1, 2), (2, 1)))
    return error


SLOW = "SELECT set_config('statement_timeout', '50ms', true), CAST(:value AS text)"
WORD = "SELECT set_config('i2v.word', :value, true)"
RAISE = "DO $$ BEGIN RAISE EXCEPTION '%', current_setting('i2v.word'); END $$"
MISSPELT = "DO $$ BEGIN EXECUTE 'SELEC ' || quote_literal(current_setting('i2v.word')); END $$"
KINDS: dict[str, Provoke] = {
    "unique": failing("INSERT INTO people VALUES (:value)", "INSERT INTO people VALUES (:value)"),
    "check": failing("INSERT INTO people VALUES (repeat(:value, 100))"),
    "not null": failing("INSERT INTO people VALUES (:value)", "INSERT INTO pets VALUES (:value, NULL)"),
    "foreign key": failing("INSERT INTO pets VALUES (:value, 'x')"),
    "cast": failing("SELECT CAST(CAST(:value AS text) AS integer)"),
    "syntax": failing(WORD, MISSPELT),
    "raised": failing(WORD, RAISE),
    "statement timeout": failing(SLOW, "SELECT pg_sleep(5), CAST(:value AS text)"),
    "deadlock": deadlocked,
}


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """A server of this file's own, whose log is read and made loud."""
    folder = Path(tempfile.mkdtemp(prefix="i2v-", dir="/tmp"))
    with psycopg.connect(embedded_postgres.ensure_running(folder), autocommit=True) as connection:
        connection.execute(TABLES.encode())
    yield folder
    embedded_postgres.stop(folder)
    shutil.rmtree(folder)


@pytest.fixture
def loud(folder: Path) -> Iterator[None]:
    """The server logs what it is asked not to log."""
    set_all(folder, {name: f"ALTER SYSTEM SET {name} = '{value}'" for name, value in LOUD.items()})
    yield
    set_all(folder, {name: f"ALTER SYSTEM RESET {name}" for name in LOUD})


def set_all(folder: Path, statements: dict[str, str]) -> None:
    """Change settings and wait until new sessions have them."""
    url = embedded_postgres.url_of(folder)
    with psycopg.connect(url, autocommit=True) as connection:
        loaded = connection.execute("SELECT pg_conf_load_time()").fetchone()
        for statement in statements.values():
            connection.execute(statement.encode())
        connection.execute("SELECT pg_reload_conf()")
    while True:
        with psycopg.connect(url) as connection:
            if connection.execute("SELECT pg_conf_load_time()").fetchone() != loaded:
                return


def logged(folder: Path) -> str:
    """What the log says, once all is written that was said before."""
    mark = f"mark_{time.monotonic_ns()}"
    with suppress(psycopg.OperationalError):
        psycopg.connect(make_url(embedded_postgres.url_of(folder)).set(username=mark).render_as_string())
    while True:
        content = "".join(file.read_text() for file in (folder / "log").iterdir())
        if mark in content:
            return content
        time.sleep(0.02)


def chain(error: BaseException) -> str:
    return "".join(traceback.format_exception(error))


@pytest.mark.parametrize("kind", KINDS)
def test_planted_where_nothing_hides_it_the_value_is_found(folder: Path, loud: None, kind: str) -> None:
    canary = f"zebra-{kind.replace(' ', '-')}-loud"
    engine = create_engine(make_url(embedded_postgres.url_of(folder)).set(drivername="postgresql+psycopg"))
    error = KINDS[kind](engine.begin, canary)
    engine.dispose()
    assert canary in chain(error)
    assert canary in logged(folder)


@pytest.mark.parametrize("kind", KINDS)
def test_as_we_run_it_the_value_is_nowhere(folder: Path, kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    canary = f"zebra-{kind.replace(' ', '-')}-quiet"
    database = Database(embedded_postgres.url_of(folder), 2, "test")
    error = KINDS[kind](database.transaction, canary)
    database.close()
    telemetry.log_failure("request_failed", error)
    assert "request_failed" in (written := capsys.readouterr().err)
    assert canary not in chain(error) + repr(error) + written
    assert canary not in logged(folder)
