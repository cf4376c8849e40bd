"""A service that its database turns away, until a program has met it so and waits to be told to go on."""

import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final

import psycopg
from psycopg import sql

from cluster import runtime
from cluster.storage.privileges import DatabaseRole
from tests.clients._sdk import ROOT
from tests.cluster.conftest import RunningCluster

__all__ = ["run_through_an_outage"]

_CUT: Final = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = %s"


def run_through_an_outage(command: Sequence[str], environment: Mapping[str, str], cluster: RunningCluster) -> str:
    """The last line that a program says. Before it, it says the status of a refusal, and reads a line."""
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment,
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as program:
        assert program.stdout
        with _turning_the_service_away(cluster):
            status = program.stdout.readline()
        said, complaints = program.communicate("go on\n", timeout=400)
    assert program.returncode == 0, complaints
    assert status == "503\n"
    return said.splitlines()[-1]


@contextmanager
def _turning_the_service_away(cluster: RunningCluster) -> Iterator[None]:
    """Cut every connection of the service to its database, and let it in no more meanwhile."""
    role = sql.Identifier(DatabaseRole.APP)
    with psycopg.connect(runtime.owner_url(cluster.settings), autocommit=True) as connection:
        connection.execute(sql.SQL("ALTER ROLE {} NOLOGIN").format(role))
        try:
            connection.execute(_CUT, (DatabaseRole.APP,))
            yield
        finally:
            connection.execute(sql.SQL("ALTER ROLE {} LOGIN").format(role))
