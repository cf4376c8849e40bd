"""The way out and the database are killed or stopped at each state of a submission: nothing is lost, nor paid twice."""

import os
import signal
import time
from collections import Counter

import pytest

from cluster.records.job_states import JobState
from tests.chaos._arena import Arena, stopped
from tests.chaos._held_outbound import POINTS
from tests.cluster._waiting import until

BEFORE, AFTER = POINTS[:3], POINTS[3:]
"""The third party takes three jobs at a time."""
HELD_SECONDS = 30
"""So long a submission is its holder's, whatever becomes of it."""
OUTCOMES = """
    SELECT outcome, sent_bytes FROM disclosure_outcomes o JOIN disclosures d ON d.sequence = o.disclosure
    WHERE d.job_id = '{}'
"""
OF_JOB = "SELECT id FROM submissions WHERE job_id = '{}'"


pytestmark = pytest.mark.timeout(900)


def paid(arena: Arena, jobs: list[str]) -> Counter[str]:
    """How many tasks the third party was paid for, by job."""
    tasks = Counter(task.reference for task in arena.emulator.tasks.all())
    return Counter({job: tasks[arena.installation.sql(OF_JOB.format(job))[0][0]] for job in jobs})


def settled(arena: Arena, jobs: list[str]) -> None:
    """All came to their ends, and each was paid for once."""
    arena.settle(300)
    ended = arena.installation.sql(f"SELECT state, error_code FROM jobs WHERE id IN ({', '.join(map(repr, jobs))})")
    assert set(ended) == {(JobState.COMPLETED, None)}
    assert paid(arena, jobs) == Counter(jobs)


@pytest.mark.parametrize("points", [BEFORE, AFTER], ids=" ".join)
def test_a_killed_way_out_only_delays_its_jobs(arena: Arena, points: tuple[str, ...]) -> None:
    with arena.submitted_at(*points) as jobs:
        os.kill(arena.replica("Outbound"), signal.SIGKILL)
    settled(arena, jobs)


@pytest.mark.parametrize("points", [pytest.param(BEFORE, marks=pytest.mark.long), AFTER], ids=" ".join)
def test_submissions_outlive_the_database(arena: Arena, points: tuple[str, ...]) -> None:
    with arena.submitted_at(*points) as jobs:
        os.kill(arena.process("bin/postgres "), signal.SIGKILL)
        arena.client.create()
    settled(arena, jobs)


@pytest.mark.long
@pytest.mark.parametrize("points", [BEFORE, AFTER], ids=" ".join)
def test_a_way_out_that_resumes_after_its_turn_changes_nothing(arena: Arena, points: tuple[str, ...]) -> None:
    with arena.submitted_at(*points) as jobs, stopped(arena.replica("Outbound")):
        time.sleep(HELD_SECONDS + 15)
    settled(arena, jobs)


@pytest.mark.long
@pytest.mark.parametrize("points", [BEFORE, AFTER], ids=" ".join)
def test_a_database_that_stands_still_delays_submissions(arena: Arena, points: tuple[str, ...]) -> None:
    with arena.submitted_at(*points) as jobs:
        server = arena.process("bin/postgres ")
        backends = [pid for pid, command in arena.installation.processes().items() if "postgres: i2v_" in command]
        with stopped(server, *backends):
            time.sleep(10)
    settled(arena, jobs)


def test_what_was_withdrawn_while_the_way_out_was_stopped_is_not_sent(arena: Arena) -> None:
    """Stopped between the commit of the record and the first byte, for longer than that line is good for."""
    with arena.submitted_at("written") as (job,):
        with stopped(arena.replica("Outbound")):
            arena.clients[-1].answer(arena.emulator.name, False)
            time.sleep(1.5)
        arena.release()
        until(lambda: arena.state(job) == JobState.CANCELLED, 60)
    arena.settle()
    assert paid(arena, [job]) == Counter()
    until(lambda: arena.installation.sql(OUTCOMES.format(job)) == [("not_sent", 0)], 30)
