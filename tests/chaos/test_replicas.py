"""Replicas that do stages are killed or stopped at named points, with a job at each stage."""

import os
import signal

import pytest

from cluster.records.job_states import JobState
from tests.chaos._arena import STAGES, Arena, stopped
from tests.cluster._waiting import until

REPLICAS = ("Ingestion", "Screening", "VideoGeneration")


@pytest.mark.parametrize("point", [pytest.param("begun", marks=pytest.mark.long), "written"])
def test_killed_replicas_only_delay_their_jobs(arena: Arena, point: str) -> None:
    with arena.at(*(f"{stage}.{point}" for stage in STAGES)) as jobs:
        for replica in REPLICAS:
            os.kill(arena.replica(replica), signal.SIGKILL)
        until(lambda: all(arena.attempts(job_id) == 2 for job_id in jobs), 60)
    arena.settle()
    assert {arena.state(job_id) for job_id in jobs} == {JobState.COMPLETED}


def test_a_replica_that_dies_after_its_commit_has_done_its_work(arena: Arena) -> None:
    with arena.at(*(f"{stage}.committed" for stage in STAGES)) as jobs:
        for replica in REPLICAS:
            os.kill(arena.replica(replica), signal.SIGKILL)
        arena.settle()
    assert {(arena.state(job_id), arena.attempts(job_id)) for job_id in jobs} == {(JobState.COMPLETED, 1)}


@pytest.mark.parametrize("point", [pytest.param("begun", marks=pytest.mark.long), "written"])
def test_replicas_that_resume_after_their_leases_have_ended_publish_nothing(arena: Arena, point: str) -> None:
    with arena.at(*(f"{stage}.{point}" for stage in STAGES)) as jobs:
        pids = [arena.replica(replica) for replica in REPLICAS]
        with stopped(*pids):
            until(lambda: all(arena.attempts(job_id) == 2 for job_id in jobs), 60)
    arena.settle()
    assert {arena.state(job_id) for job_id in jobs} == {JobState.COMPLETED}
