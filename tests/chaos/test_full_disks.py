"""The object store refuses, and the disk below it or below the database is full."""

import os
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from cluster.records.job_states import JobState
from tests.chaos._arena import STAGES, Arena
from tests.chaos._disks import full, read_only

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="root alone can mount")
BEGUN = tuple(f"{stage}.begun" for stage in STAGES)
LONGER_THAN_A_LEASE = 6.0


def refused(arena: Arena) -> str:
    """The code with which a create is refused for now."""
    answer = arena.client.post("a request that is refused")
    assert answer.status_code == 503, answer.text
    assert answer.headers["retry-after-ms"]
    return str(answer.json()["error"]["code"])


@needs_root
@pytest.mark.parametrize("broken", [full, pytest.param(read_only, marks=pytest.mark.long)])
def test_jobs_wait_for_a_store_that_is_full_or_refuses(
    arena: Arena, broken: Callable[[Path], AbstractContextManager[None]]
) -> None:
    with arena.at(*BEGUN) as jobs, broken(arena.objects):
        arena.release()
        assert refused(arena)
        time.sleep(LONGER_THAN_A_LEASE)
    arena.settle()
    assert {(arena.state(job_id), arena.attempts(job_id)) for job_id in jobs} == {(JobState.COMPLETED, 1)}


@needs_root
@pytest.mark.long
@pytest.mark.parametrize("point", ["begun", "written"])
def test_jobs_outlive_a_database_without_room(arena: Arena, point: str) -> None:
    with arena.at("publish.claimed", *(f"{stage}.{point}" for stage in STAGES)) as jobs, full(arena.database):
        arena.release()
        asking = threading.Thread(target=lambda: [arena.client.create() for _ in range(3)])
        asking.start()
        time.sleep(LONGER_THAN_A_LEASE)
    asking.join()
    arena.settle()
    assert {arena.state(job_id) for job_id in jobs} == {JobState.COMPLETED}
