"""What stands below and around the replicas is killed or stopped, with a job in each stage or about to be published."""

import os
import signal
import threading
import time
from collections.abc import Callable

import pytest
from _pytest.mark import ParameterSet

from cluster.records.job_states import JobState
from tests.chaos._arena import STAGES, Arena, stopped
from tests.cluster._waiting import until

BEGUN = tuple(f"{stage}.begun" for stage in STAGES)
EVERYWHERE = ("publish.claimed", *BEGUN)


def long(pattern: str) -> ParameterSet:
    """A case that takes long."""
    return pytest.param(pattern, marks=pytest.mark.long)


def kill(pattern: str) -> Callable[[Arena], None]:
    """Kill the process whose command line matches."""
    return lambda arena: os.kill(arena.process(pattern), signal.SIGKILL)


@pytest.mark.parametrize(
    "pattern", ["^ray::ServeController", long("/haproxy -db"), long("^ray::HAProxyManager"), long("^ray::ProxyActor")]
)
def test_what_serve_keeps_comes_back_and_no_job_notices(arena: Arena, pattern: str) -> None:
    with arena.at("generation.begun") as (running,):
        kill(pattern)(arena)
        asked = arena.client.create()
    arena.settle()
    assert arena.attempts(running) == 1
    assert arena.state(running) == arena.state(asked) == JobState.COMPLETED


@pytest.mark.long
def test_jobs_go_on_without_a_supervisor_and_under_the_next(arena: Arena) -> None:
    with arena.at("generation.begun") as (running,):
        os.kill(arena.installation.status()["supervisor"], signal.SIGKILL)
        asked = arena.client.create()
    until(lambda: arena.state(asked) == JobState.COMPLETED, 60)
    arena.installation.up()
    assert (arena.state(running), arena.attempts(running)) == (JobState.COMPLETED, 1)


@pytest.mark.long
@pytest.mark.parametrize("process", ["/gcs_server ", "/raylet/raylet "])
def test_jobs_outlive_ray(arena: Arena, process: str) -> None:
    with arena.at(*EVERYWHERE) as jobs:
        old = arena.replica("Ingress")
        kill(process)(arena)
        until(lambda: old not in arena.installation.processes(), 60)
    asked = arena.client.create()
    arena.settle()
    assert {arena.state(job_id) for job_id in (*jobs, asked)} == {JobState.COMPLETED}


@pytest.mark.long
def test_jobs_outlive_down_and_up(arena: Arena) -> None:
    with arena.at(*EVERYWHERE) as jobs:
        assert arena.installation.i2v("down").returncode == 0
    arena.installation.up()
    arena.settle()
    assert {arena.state(job_id) for job_id in jobs} == {JobState.COMPLETED}


@pytest.mark.parametrize("moment", ["begun", long("written")])
def test_jobs_outlive_the_database(arena: Arena, moment: str) -> None:
    """Killed with connections in every pool; what stages write while it is away is not lost, nor is a publish."""
    with arena.at("publish.claimed", *(f"{stage}.{moment}" for stage in STAGES)) as jobs:
        kill("bin/postgres ")(arena)
    asked = arena.client.create()
    arena.settle()
    assert {arena.state(job_id) for job_id in (*jobs, asked)} == {JobState.COMPLETED}


@pytest.mark.long
def test_a_database_that_stands_still_delays_jobs(arena: Arena) -> None:
    with arena.at("publish.claimed", *BEGUN) as jobs:
        server = arena.process("bin/postgres ")
        backends = [pid for pid, command in arena.installation.processes().items() if "postgres: i2v_app" in command]
        asking = threading.Thread(target=arena.client.create)
        with stopped(server, *backends):
            asking.start()
            time.sleep(2 * arena.installation.settings.jobs.lease_seconds)
    asking.join()
    arena.settle()
    assert {arena.state(job_id) for job_id in jobs} == {JobState.COMPLETED}
