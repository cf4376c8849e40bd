"""The director is killed or stopped while it has claimed, waits for a stage, or publishes."""

import os
import signal

import pytest

from cluster.records.job_states import JobState
from tests.chaos._arena import Arena, stopped
from tests.cluster._waiting import until

POINTS = ("publish.committed", "publish.claimed", "generation.begun", "ingestion.claimed")


def test_a_killed_director_only_delays_its_jobs(arena: Arena) -> None:
    with arena.at(*POINTS) as jobs:
        os.kill(arena.replica("Director"), signal.SIGKILL)
    arena.settle()
    assert {arena.state(job_id) for job_id in jobs} == {JobState.COMPLETED}
    assert arena.attempts(jobs[0]) == 1


def test_a_director_that_resumes_goes_on(arena: Arena) -> None:
    with arena.at("publish.claimed", "generation.claimed") as jobs, stopped(arena.replica("Director")):
        until(
            lambda: all(arena.silence(job_id) > arena.installation.settings.jobs.lease_seconds for job_id in jobs), 60
        )
    arena.settle()
    assert {arena.state(job_id) for job_id in jobs} == {JobState.COMPLETED}


@pytest.mark.long
def test_a_director_that_stays_stopped_is_replaced(arena: Arena) -> None:
    with arena.at("generation.claimed") as (claimed,):
        director = arena.replica("Director")
        with stopped(director):
            waiting = arena.client.create()
            until(lambda: arena.state(claimed) == arena.state(waiting) == JobState.COMPLETED, 120)
