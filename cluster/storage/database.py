"""PostgreSQL through SQLAlchemy: one metadata, and transactions for synchronous and asynchronous callers.

A record's function is an ordinary one that takes a `sqlalchemy.Connection` first. `Database.run` calls it in a
process that may block, `AsyncDatabase.run` in one that may not. Nothing here needs more of a server behind PgBouncer
than transaction mode gives: no prepared statements, no session settings.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Concatenate, Final, ParamSpec, TypeVar

import psycopg
from sqlalchemy import URL, Connection, DateTime, Dialect, MetaData, create_engine, event, make_url
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.types import TypeDecorator
from typing_extensions import override

from cluster.storage.errors import CommitUnknown, ConnectionLost, DatabaseBusy, DatabaseRefuses

__all__ = ["AsyncDatabase", "Database", "UtcDateTime", "metadata"]

P = ParamSpec("P")
T = TypeVar("T")

STATEMENT_TIMEOUT: Final = timedelta(seconds=10)
LOCK_TIMEOUT: Final = timedelta(seconds=5)
POOL_WAIT_SECONDS: Final = 5
PAUSES: Final = (0.05, 0.1, 0.2, 0.4, 0.8)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(column_0_N_label)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

_PATIENCE_OF_SERVER: Final = 0.8
"""After that part of the lock time-out the server ends a transaction whose process says nothing: it was stopped, and
whoever waits for its locks would wait in vain."""
_COLLISIONS: Final = {"40001", "40P01"}
_WAITED_IN_VAIN: Final = {"55P03", "57014"}
_CUT_OFF: Final = {"25P03"}
_REFUSING: Final = ("53", "58")
"""Classes of errors: out of space, memory or connections; errors of the system below."""
_BEGIN: Final = (
    "BEGIN; SET LOCAL statement_timeout = {statement}; SET LOCAL lock_timeout = {lock};"
    " SET LOCAL idle_in_transaction_session_timeout = {idle}; SET LOCAL TimeZone = 'UTC'"
)
_AS_IT_IS: Final = {"no_parameters": True}
"""Without parameters the driver sends several statements in one message."""


class UtcDateTime(TypeDecorator[datetime]):
    """An instant: ``timestamptz`` in the table, an aware `datetime` in UTC in Python. A naive one is refused."""

    impl = DateTime(timezone=True)
    cache_ok = True

    @override
    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse what names no instant."""
        if value is not None and value.tzinfo is None:
            raise ValueError("an instant needs a time zone")
        return value

    @override
    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """The same instant, in UTC."""
        return None if value is None else value.astimezone(UTC)


class _Collision(DatabaseBusy):
    """The server rolled back in favour of another transaction: the same again may succeed."""


def _with_driver(url: str) -> URL:
    return make_url(url).set(drivername="postgresql+psycopg")


def _options(pool_size: int, application_name: str) -> dict[str, Any]:
    return {
        "pool_size": pool_size,
        "max_overflow": 0,
        "pool_timeout": POOL_WAIT_SECONDS,
        "hide_parameters": True,
        "isolation_level": "AUTOCOMMIT",
        "connect_args": {"prepare_threshold": None, "application_name": application_name, "connect_timeout": 5},
    }


def _quiet(context: ExceptionContext) -> None:
    """Take the server's words, which quote values, out of an error; its SQLSTATE and diagnostics stay."""
    original = context.original_exception
    if isinstance(original, psycopg.Error):
        for error in filter(None, (original, context.sqlalchemy_exception)):
            error.args = (f"{type(original).__name__}, SQLSTATE {original.sqlstate}",)


def _translated(error: Exception, *, committing: bool = False) -> Exception:
    """Our error for one of the driver's that says nothing about the statement itself; any other as it is."""
    if isinstance(error, PoolTimeout):
        return DatabaseBusy(code="database_busy")
    if not isinstance(error, DBAPIError):
        return error
    state = getattr(error.orig, "sqlstate", None) or ""
    if state in _COLLISIONS:
        return _Collision(code="database_busy")
    if state in _WAITED_IN_VAIN:
        return DatabaseBusy(code="database_busy")
    if state in _CUT_OFF:
        return ConnectionLost(code="database_lost")
    if state.startswith(_REFUSING):
        return DatabaseRefuses(code="database_refuses")
    if error.connection_invalidated:
        return CommitUnknown(code="database_lost") if committing else ConnectionLost(code="database_lost")
    return error


@contextlib.contextmanager
def _connecting() -> Iterator[None]:
    try:
        yield
    except (DBAPIError, PoolTimeout) as error:
        translated = _translated(error)
        raise (ConnectionLost(code="database_down") if translated is error else translated) from error


@contextlib.contextmanager
def _in_transaction(connection: Connection, begin: str) -> Iterator[None]:
    """Commit at the end, roll back on any error. An error while committing is told apart: its outcome is unknown.

    ``begin`` begins the transaction and limits it: the driver would begin by a message of its own.
    """
    transaction = connection.begin()
    try:
        connection.exec_driver_sql(begin, execution_options=_AS_IT_IS)
        yield
    except BaseException as error:
        with contextlib.suppress(DBAPIError):
            transaction.rollback()
        if isinstance(error, DBAPIError) and (translated := _translated(error)) is not error:
            raise translated from error
        raise
    try:
        transaction.commit()
    except DBAPIError as error:
        raise _translated(error, committing=True) from error


def _begin(statement: timedelta, lock: timedelta) -> str:
    limits = {"statement": statement, "lock": lock, "idle": lock * _PATIENCE_OF_SERVER}
    return _BEGIN.format(**{name: _milliseconds(span) for name, span in limits.items()})


def _milliseconds(span: timedelta) -> int:
    return int(span.total_seconds() * 1000)


class Database:
    """Transactions for code that may block. Safe for threads; every process opens its own."""

    def __init__(
        self,
        url: str,
        pool_size: int,
        application_name: str,
        statement_timeout: timedelta = STATEMENT_TIMEOUT,
        lock_timeout: timedelta = LOCK_TIMEOUT,
    ) -> None:
        """Prepare a pool of at most ``pool_size`` connections; none is made yet."""
        self._engine = create_engine(_with_driver(url), pool_pre_ping=True, **_options(pool_size, application_name))
        event.listen(self._engine, "handle_error", _quiet)
        self._begin = _begin(statement_timeout, lock_timeout)

    @contextlib.contextmanager
    def transaction(self) -> Iterator[Connection]:
        """A transaction that commits when the block ends and rolls back when it raises. Never retried.

        Raises:
            ConnectionLost: the server cannot be reached, or went away: nothing was kept.
            CommitUnknown: it went away during the commit.
            DatabaseBusy: a lock, a statement or a free connection took too long, or transactions collided.
        """
        with _connecting():
            connection = self._engine.connect()
        with connection, _in_transaction(connection, self._begin):
            yield connection

    def run(self, function: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call ``function(connection, …)`` in a transaction; again, from the start, after a collision or a lost
        connection. So it must do nothing but SQL. Errors as in `transaction`."""
        for pause in PAUSES:
            try:
                return self._once(function, *args, **kwargs)
            except (_Collision, ConnectionLost):
                time.sleep(pause)
        return self._once(function, *args, **kwargs)

    def _once(self, function: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        with self.transaction() as connection:
            return function(connection, *args, **kwargs)

    def close(self) -> None:
        """Close the idle connections."""
        self._engine.dispose()


class AsyncDatabase:
    """The same for code on an event loop, which it is bound to."""

    def __init__(
        self,
        url: str,
        pool_size: int,
        application_name: str,
        statement_timeout: timedelta = STATEMENT_TIMEOUT,
        lock_timeout: timedelta = LOCK_TIMEOUT,
    ) -> None:
        """Prepare a pool of at most ``pool_size`` connections; none is made yet."""
        self._engine = create_async_engine(_with_driver(url), **_options(pool_size, application_name))
        event.listen(self._engine.sync_engine, "handle_error", _quiet)
        self._begin = _begin(statement_timeout, lock_timeout)

    async def run(self, function: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call the ordinary function ``function(connection, …)`` in a transaction without blocking the loop; retries
        and errors as in `Database.run`."""
        for pause in PAUSES:
            try:
                return await self._once(function, *args, **kwargs)
            except (_Collision, ConnectionLost):
                await asyncio.sleep(pause)
        return await self._once(function, *args, **kwargs)

    async def _once(self, function: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        def body(connection: Connection) -> T:
            with _in_transaction(connection, self._begin):
                return function(connection, *args, **kwargs)

        async with contextlib.AsyncExitStack() as stack:
            with _connecting():
                connection = await stack.enter_async_context(self._engine.connect())
            return await connection.run_sync(body)

    async def close(self) -> None:
        """Close the idle connections."""
        await self._engine.dispose()
