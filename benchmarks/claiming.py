"""Claim, heartbeat and commit of jobs without work, against a bare queue in the same PostgreSQL.

    python -m benchmarks.claiming [--jobs 10000] [--directors 1 4]

One stage of each job: claimed by a director as `Director` does it, adopted with a heartbeat and ended as a stage
replica does it, in processes of their own. The peer takes a row by `SELECT … FOR UPDATE SKIP LOCKED`, marks it as done
and commits, by bare psycopg and again by the same driver as ours; it knows no accounts, no fair turns, no leases and no
fences. Each queue is filled anew and emptied whole.
"""

import argparse
import json
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import psycopg
from sqlalchemy import Connection, insert

from cluster import clock
from cluster.ids import new_id
from cluster.records import accounts, jobs, leases, lifecycle
from cluster.records.job_states import JobState, Stage
from cluster.storage import embedded_postgres, migrate, roles
from cluster.storage.database import Database
from cluster.storage.keys import KeyStore

WANTED = 0.3
ACCOUNTS = 50
SLOTS = {Stage.INGESTION: 64}
"""How many jobs are under way at once, over all directors."""
CLAIM = "SELECT id FROM bare WHERE state = 'queued' ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED"
DONE = "UPDATE bare SET state = 'done' WHERE id = %s"


@contextmanager
def postgres() -> Iterator[tuple[str, Path]]:
    """The URL of an empty installation's database, as durable as a real one, and its folder."""
    folder = Path(tempfile.mkdtemp(prefix="i2v-", dir="/tmp"))
    try:
        url = embedded_postgres.ensure_running(folder / "postgres")
        roles.ensure(url, folder / "credentials")
        migrate.upgrade(url)
        yield url, folder
    finally:
        embedded_postgres.stop(folder / "postgres")
        shutil.rmtree(folder)


def fill(connection: Connection, keys: KeyStore, number: int) -> None:
    """Queue so many jobs, as many of each account, each with the turn that it would have been given."""
    owners = [accounts.create(connection, keys, terms_version="none") for _ in range(ACCOUNTS)]
    shared = {
        "state": JobState.QUEUED,
        "stage": Stage.INGESTION,
        "model": "default",
        "purposes": ["ai_processing"],
        "consent_snapshot": {},
        "parameters": {"seconds": 4.0, "fps": 24, "camera": "auto"},
        "facts": {},
        "prompt_sealed": bytes(120),
        "store": True,
        "priority": 0,
        "price": 4,
        "attempts": 0,
        "fence": 0,
        "created_at": clock.now(),
    }
    rows = [
        shared | {"id": new_id("video"), "account_id": owner.id, "epoch": owner.epoch, "turn": 4 * turn}
        for turn in range(number // ACCOUNTS)
        for owner in owners
    ]
    connection.execute(insert(jobs.jobs), rows)


def fill_bare(url: str, number: int) -> None:
    """The same for the peer."""
    with psycopg.connect(url) as connection:
        connection.execute("DROP TABLE IF EXISTS bare")
        connection.execute("CREATE TABLE bare (id bigint PRIMARY KEY, state text NOT NULL)")
        connection.execute("INSERT INTO bare SELECT n, 'queued' FROM generate_series(1, %s) n", [number])
        connection.execute("CREATE INDEX ON bare (id) WHERE state = 'queued'")


def direct(url: str, number: int) -> int:
    """Claim and end jobs until none is left; how many it were."""
    database = Database(url, 1, f"director-{number}")
    done = 0
    while claimed := database.run(lifecycle.claim, SLOTS, f"director-{number}"):
        for lease in claimed:
            if not database.run(leases.adopt, lease.job_id, lease.fence, "replica"):
                raise SystemExit("a lease was lost")
            done += database.run(lifecycle.end_stage, lease, {})
    database.close()
    return done


def take_by_our_driver(url: str, number: int) -> int:
    """The peer's loop through the same pool, time limits and SQLAlchemy that ours goes through."""

    def take(connection: Connection) -> bool:
        row = connection.exec_driver_sql(CLAIM).one_or_none()
        if row is not None:
            connection.exec_driver_sql(DONE, (row.id,))
        return row is not None

    database = Database(url, 1, f"peer-{number}")
    done = 0
    while database.run(take):
        done += 1
    database.close()
    return done


def take_bare(url: str, _: int) -> int:
    """The peer's loop."""
    done = 0
    with psycopg.connect(url, autocommit=True) as connection:
        while True:
            with connection.transaction():
                row = connection.execute(CLAIM).fetchone()
                if row is None:
                    return done
                connection.execute(DONE, row)
            done += 1


def rate(loop: Callable[[str, int], int], url: str, directors: int, number: int) -> float:
    """Jobs a second that so many processes do together, all of them counted."""
    with ProcessPoolExecutor(directors, mp_context=get_context("spawn")) as pool:
        list(pool.map(len, ["warm"] * directors))
        started = time.perf_counter()
        done = sum(pool.map(partial(loop, url), range(directors)))
        seconds = time.perf_counter() - started
    if done != number:
        raise SystemExit(f"{done} of {number} jobs were done")
    return number / seconds


def measure(url: str, folder: Path, directors: int, number: int) -> dict[str, float]:
    """Both loops over as many jobs, one after the other."""
    database = Database(url, 1, "benchmark")
    database.run(fill, KeyStore(folder / "keys"), number)
    peers = []
    for loop in (take_bare, take_by_our_driver):
        fill_bare(url, number)
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("VACUUM ANALYZE")
        peers.append(rate(loop, url, directors, number))
    ours, (theirs, by_our_driver) = rate(direct, url, directors, number), peers
    with database.transaction() as connection_:
        connection_.exec_driver_sql("UPDATE jobs SET state = 'cancelled' WHERE state IN ('queued', 'in_progress')")
    database.close()
    return {
        "jobs_per_s": round(ours),
        "peer_per_s": round(theirs),
        "ratio": round(ours / theirs, 3),
        "peer_by_our_driver_per_s": round(by_our_driver),
        "ratio_by_our_driver": round(ours / by_our_driver, 3),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=10_000)
    parser.add_argument("--directors", type=int, nargs="+", default=[1, 4])
    arguments = parser.parse_args()
    with postgres() as (url, folder):
        figures = {f"{each} directors": measure(url, folder, each, arguments.jobs) for each in arguments.directors}
    print(json.dumps({"wanted": f">= {WANTED}", "jobs": arguments.jobs} | figures, indent=2))


if __name__ == "__main__":
    main()
