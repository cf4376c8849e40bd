"""Transactions: committed or rolled back, retried where that is safe, and 'unavailable' where the server is not."""

import asyncio
import shutil
import tempfile
import threading
import traceback
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import Column, Connection, Integer, MetaData, Table, Text, insert, select, text, update
from sqlalchemy.exc import DBAPIError, IntegrityError, StatementError

from cluster.errors import Unavailable
from cluster.storage import embedded_postgres
from cluster.storage.database import AsyncDatabase, Database, UtcDateTime
from cluster.storage.errors import CommitUnknown, ConnectionLost, DatabaseBusy, DatabaseRefuses

things = Table(
    "things", MetaData(), Column("id", Integer, primary_key=True), Column("n", Integer), Column("at", UtcDateTime)
)
CANARY = "secret-value-4711"


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """A database with one table of two rows."""
    database = Database(database_url, 4, "test", lock_timeout=timedelta(seconds=2))
    database.run(things.metadata.create_all)
    database.run(lambda c: c.execute(insert(things), [{"id": 1, "n": 0}, {"id": 2, "n": 0}]))
    yield database
    database.close()


def add(connection: Connection, row: int, by: int = 1) -> None:
    connection.execute(update(things).where(things.c.id == row).values(n=things.c.n + by))


def add_and_fail(connection: Connection) -> None:
    add(connection, 1)
    raise KeyError


def value(connection: Connection, row: int) -> int:
    return int(connection.execute(select(things.c.n).where(things.c.id == row)).scalar_one())


def test_a_transaction_commits_or_leaves_nothing(database: Database) -> None:
    with database.transaction() as connection:
        add(connection, 1)
    with pytest.raises(KeyError):
        database.run(add_and_fail)
    assert database.run(value, 1) == 1


def test_both_worlds_run_the_same_function(database: Database, database_url: str) -> None:
    async def use() -> int:
        other = AsyncDatabase(database_url, 2, "test")
        await other.run(add, 1, by=5)
        with pytest.raises(IntegrityError):
            await other.run(lambda c: c.execute(insert(things), {"id": 1}))
        result = await other.run(value, 1)
        await other.close()
        return result

    database.run(add, 1, by=2)
    assert asyncio.run(use()) == 7
    assert database.run(value, 1) == 7


def test_deadlocked_transactions_both_succeed_in_the_end(database: Database) -> None:
    both_hold_one = threading.Barrier(2)
    attempts: list[int] = []

    def cross(connection: Connection, first: int, second: int) -> None:
        attempts.append(first)
        add(connection, first)
        if attempts.count(first) == 1:
            both_hold_one.wait()
        add(connection, second)

    with ThreadPoolExecutor(2) as pool:
        running = [pool.submit(lambda pair: database.run(cross, *pair), pair) for pair in ((1, 2), (2, 1))]
        for each in running:
            each.result()
    assert len(attempts) == 3
    assert (database.run(value, 1), database.run(value, 2)) == (2, 2)


def test_waiting_in_vain_is_unavailable(database: Database, database_url: str) -> None:
    hasty = Database(
        database_url, 1, "test", statement_timeout=timedelta(seconds=0.3), lock_timeout=timedelta(seconds=0.1)
    )
    with database.transaction() as connection:
        add(connection, 1)
        with pytest.raises(DatabaseBusy):
            hasty.run(add, 1)
    with pytest.raises(DatabaseBusy):
        hasty.run(lambda c: c.execute(text("SELECT pg_sleep(5)")))
    hasty.close()


@pytest.mark.parametrize("state", ["53100", "53200", "53300", "58030"])
def test_a_server_that_cannot_is_unavailable(database: Database, state: str) -> None:
    """Its disk is full, or it is out of memory or connections, or the system below it fails."""
    refusal = text(f"DO $$ BEGIN RAISE 'refused' USING ERRCODE = '{state}'; END $$")
    with pytest.raises(DatabaseRefuses):
        database.run(lambda c: c.execute(refusal))
    database.run(add, 1)


def test_a_process_that_stops_in_a_transaction_loses_it_and_holds_nobody_up(database_url: str) -> None:
    """What it did is undone, whoever waits for its locks gets them, and it begins anew once it goes on."""
    stopping = Database(database_url, 1, "test", lock_timeout=timedelta(seconds=0.5))
    waiting = Database(database_url, 1, "test", lock_timeout=timedelta(seconds=5))
    waiting.run(things.metadata.create_all)
    waiting.run(lambda c: c.execute(insert(things), {"id": 1, "n": 0}))
    stopped, go_on, first = threading.Event(), threading.Event(), iter([True])

    def add_and_stop(connection: Connection) -> None:
        add(connection, 1)
        if next(first, False):
            stopped.set()
            go_on.wait()

    with ThreadPoolExecutor(1) as pool:
        resumed = pool.submit(stopping.run, add_and_stop)
        stopped.wait()
        waiting.run(add, 1)
        go_on.set()
        resumed.result()
    assert waiting.run(value, 1) == 2
    stopping.close()
    waiting.close()


def test_the_limits_do_not_outlive_the_transaction(database: Database) -> None:
    """Behind PgBouncer the next transaction of the connection may be another program's."""

    def limits(connection: Connection) -> tuple[str, ...]:
        names = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")
        return tuple(connection.execute(text(f"SHOW {name}")).scalar_one() for name in names)

    assert database.run(limits) == ("10s", "2s", "1600ms")
    with database._engine.connect() as connection:
        assert limits(connection) == ("0", "0", "1min")


def test_a_pool_is_never_larger_than_it_says(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cluster.storage.database.POOL_WAIT_SECONDS", 0.1)
    small = Database(database_url, 1, "test")
    with small.transaction(), pytest.raises(DatabaseBusy):
        small.run(backend)
    small.close()


def kill(url: str, backend: int) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SELECT pg_terminate_backend(%s, 5000)", [backend])


def backend(connection: Connection) -> int:
    return int(connection.execute(text("SELECT pg_backend_pid()")).scalar_one())


def test_a_connection_lost_before_the_commit_is_retried(database: Database, database_url: str) -> None:
    attempts: list[int] = []

    def unlucky(connection: Connection) -> None:
        add(connection, 1)
        attempts.append(backend(connection))
        if len(attempts) == 1:
            kill(database_url, attempts[0])
        add(connection, 1)

    database.run(unlucky)
    assert len(attempts) == 2
    assert database.run(value, 1) == 2


def test_a_connection_lost_in_the_commit_is_never_retried(database: Database, database_url: str) -> None:
    attempts: list[int] = []

    def unlucky(connection: Connection) -> None:
        attempts.append(backend(connection))
        kill(database_url, attempts[-1])

    with pytest.raises(CommitUnknown):
        database.run(unlucky)
    assert len(attempts) == 1


def test_idle_connections_that_died_are_replaced(database: Database, database_url: str) -> None:
    for _ in range(2):
        kill(database_url, database.run(backend))
        with database.transaction() as connection:
            add(connection, 1)
    assert database.run(value, 1) == 2


def test_an_asynchronous_pool_of_dead_connections_is_replaced(database: Database, database_url: str) -> None:
    """Nothing asks an idle connection whether it lives: the first transaction to notice replaces all of them."""

    async def use() -> tuple[set[int], set[int]]:
        other = AsyncDatabase(database_url, 3, "test")

        async def three() -> set[int]:
            return set(await asyncio.gather(*(other.run(slow_backend) for _ in range(3))))

        first = await three()
        for each in first:
            await asyncio.to_thread(kill, database_url, each)
        second = await three()
        await other.close()
        return first, second

    def slow_backend(connection: Connection) -> int:
        connection.execute(text("SELECT pg_sleep(0.2)"))
        return backend(connection)

    first, second = asyncio.run(use())
    assert len(first) == len(second) == 3
    assert not first & second


def test_a_server_that_is_down_is_unavailable_and_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cluster.storage.database.PAUSES", (0.01,))
    folder = Path(tempfile.mkdtemp(prefix="i2v-", dir="/tmp"))
    url = embedded_postgres.ensure_running(folder)
    database = Database(url, 2, "test")

    async def ask() -> int:
        other = AsyncDatabase(url, 2, "test")
        try:
            return await other.run(backend)
        finally:
            await other.close()

    try:
        database.run(backend)
        embedded_postgres.stop(folder)
        assert issubclass(ConnectionLost, Unavailable)
        with pytest.raises(ConnectionLost):
            database.run(backend)
        with pytest.raises(ConnectionLost):
            asyncio.run(ask())
        embedded_postgres.ensure_running(folder)
        assert database.run(backend)
        assert asyncio.run(ask())
    finally:
        database.close()
        embedded_postgres.stop(folder)
        shutil.rmtree(folder)


def test_errors_do_not_repeat_parameters(database: Database) -> None:
    """Neither the driver's parameters nor the server's own words, in the whole chain that a traceback prints."""
    statement = text("SELECT CAST(CAST(:value AS text) AS integer)")
    with pytest.raises(DBAPIError) as error:
        database.run(lambda c: c.execute(statement, {"value": CANARY}))
    assert CANARY not in "".join(traceback.format_exception(error.value))
    assert isinstance(error.value.orig, psycopg.Error)
    assert CANARY in str(error.value.orig.diag.message_primary), "the server did quote it: the control"


def test_instants_are_aware_and_in_utc(database: Database) -> None:
    elsewhere = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=timezone(timedelta(hours=5)))
    database.run(lambda c: c.execute(update(things).values(at=elsewhere)))
    read = database.run(lambda c: c.execute(select(things.c.at)).scalars().first())
    assert read == elsewhere
    assert read.tzinfo is UTC
    with pytest.raises(StatementError, match="time zone"):
        database.run(lambda c: c.execute(update(things).values(at=datetime(2026, 1, 1))))  # noqa: DTZ001 - refused


def test_constraints_get_names() -> None:
    from cluster.storage.database import metadata

    table = Table("named", MetaData(naming_convention=metadata.naming_convention), Column("a", Text, unique=True))
    assert {str(constraint.name) for constraint in table.constraints} >= {"uq_named_a"}
