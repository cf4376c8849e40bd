"""A migrated, empty database for each test, and what is built upon it."""

import secrets
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Protocol

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import make_url

from cluster import clock
from cluster.records import metadata
from cluster.storage import migrate
from cluster.storage.database import Database
from cluster.storage.keys import KeyStore
from tests.world import World


class ShiftClock(Protocol):
    """Moves this process's calendar until the end of the test."""

    def __call__(self, **by: float) -> None: ...


_CUT = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> %s"


@pytest.fixture(scope="session")
def shared_url(postgres_url: str) -> str:
    """A migrated database on the session's server, which need not survive a power cut."""
    name = f"shared_{secrets.token_hex(6)}"
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("ALTER SYSTEM SET fsync = off")
        connection.execute("SELECT pg_reload_conf()")
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    url = make_url(postgres_url).set(database=name).render_as_string(hide_password=False)
    migrate.upgrade(url)
    return url


@pytest.fixture
def fresh_url(shared_url: str) -> str:
    """A migrated, empty database. Emptying takes a tenth of what copying a template takes; nobody is connected."""
    tables = sql.SQL(", ").join(map(sql.Identifier, metadata.tables))
    with psycopg.connect(shared_url, autocommit=True) as connection:
        connection.execute(_CUT, [connection.info.backend_pid])
        connection.execute("SET session_replication_role = replica")
        connection.execute(sql.SQL("TRUNCATE {} RESTART IDENTITY").format(tables))
    return shared_url


@pytest.fixture
def world(fresh_url: str, tmp_path: Path) -> Iterator[World]:
    """The records in a database of their own, as its owner: tests look at every table and plant faults,
    which no role may. What roles may do shows where the service itself opens the database (`settings`)."""
    database = Database(fresh_url, 8, "test")
    yield World(database, KeyStore(tmp_path / "keys"))
    database.close()


@pytest.fixture
def shift_clock() -> Iterator[ShiftClock]:
    """Let time pass at once."""
    shifts: list[timedelta] = []

    def shift(**by: float) -> None:
        shifts.append(timedelta(**by))
        clock.shift(shifts[-1])

    yield shift
    for made in shifts:
        clock.shift(-made)
