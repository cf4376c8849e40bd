"""Work that goes wrong in every way: noticed, contained, tried again, failed with a code; the next job goes well."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import pytest

from cluster import runtime
from cluster.records import credits, jobs
from cluster.records.job_states import ACTIVE, JobState, Stage
from cluster.records.jobs import Job
from cluster.storage.database import Database
from cluster.storage.objects import open_objects
from serve.metrics.counted import Loss
from tests.checks import differences
from tests.cluster._installation import Installation
from tests.cluster._waiting import until
from tests.cluster._wedged_app import LONG, LONG_SECONDS, SLOW_SECONDS, Fault
from tests.cluster.conftest import Account, RunningCluster, new_account
from tests.cluster.test_metrics import PATIENCE, counted, total
from tests.photos import jpeg, person

ATTEMPTS = 2
STEP_SECONDS, SLOW_STEP_SECONDS = 60, 7
MEMORY_BYTES = 2 * 2**30
HEALTH_SECONDS = 3
GENERATION = {
    "num_replicas": 2,
    "max_ongoing_requests": 1,
    "max_queued_requests": 16,
    "health_check_period_s": 1,
    "health_check_timeout_s": HEALTH_SECONDS,
    "ray_actor_options": {"num_cpus": 0},
}
CODES = {
    Fault.BLOCKS: "timed_out",
    Fault.HOLDS_THE_INTERPRETER: "worker_lost",
    Fault.MAKES_A_SLOW_STEP: "timed_out",
    Fault.ALLOCATES_WITHOUT_END: "out_of_memory",
    Fault.LACKS_GPU_MEMORY: "out_of_memory",
}
UNHEALTHY_AFTER = 3
"""So many looks in a row that are not answered end a replica."""


@pytest.fixture(scope="module")
def faulty() -> Iterator[RunningCluster]:
    """An installation with two replicas for generation, an engine with faults, and little patience."""
    assert SLOW_STEP_SECONDS < SLOW_SECONDS < STEP_SECONDS
    installation = Installation(
        "tests.cluster._wedged_app:build",
        I2V_JOBS_MAX_ATTEMPTS=str(ATTEMPTS),
        I2V_JOBS_STEP_SECONDS=str(STEP_SECONDS),
        I2V_JOBS_SLOW_STEP_SECONDS=str(SLOW_STEP_SECONDS),
        I2V_JOBS_LEASE_SECONDS="5",
        I2V_DEPLOYMENTS_VIDEO_GENERATION=json.dumps(GENERATION),
        I2V_STAGES_GENERATION_MEMORY_BYTES=str(MEMORY_BYTES),
    )
    try:
        url, own = installation.up()["urls"]["api"], installation.settings
        database = Database(runtime.owner_url(own), 2, "tests")
        objects = open_objects(own.objects, installation.paths.objects)
        yield RunningCluster(url, installation.folder, installation.environment, own, database, objects)
        database.close()
    finally:
        installation.remove()


@dataclass(frozen=True)
class Asked:
    """A video, and whoever asked for it."""

    account: Account
    job_id: str


@pytest.fixture(scope="module")
def asked(faulty: RunningCluster) -> Iterator[dict[Fault | None, Asked]]:
    """A video with each fault, and behind them all one without, each for an account of its own."""
    with ExitStack() as stack:
        yield {fault: ask(stack.enter_context(new_account(faulty)), fault) for fault in (*Fault, None)}


def ask(account: Account, seed: int | None) -> Asked:
    """Queue a small video."""
    data = {"prompt": "pan", "seconds": "1", "fps": "12", "size": "256x256"} | ({"seed": str(seed)} if seed else {})
    created = account.http.post("/v1/videos", data=data, files={"input_reference": jpeg(person())})
    assert created.status_code == 200, created.text
    return Asked(account, str(created.json()["id"]))


def ended(cluster: RunningCluster, asked: Asked) -> Job:
    """The job once it has ended."""

    def job() -> Job:
        found = cluster.database.run(jobs.get, asked.job_id)
        assert found is not None
        return found

    until(lambda: job().state not in ACTIVE, 240)
    return job()


def charged(cluster: RunningCluster, account: Account) -> int:
    """What the account has paid; nothing is reserved."""
    balance = cluster.database.run(credits.balance, account.id)
    assert balance.reserved == 0
    return cluster.settings.credits.sign_up_grant - balance.available


@pytest.mark.parametrize("fault", Fault, ids=lambda fault: fault.name.lower())
def test_a_faulty_job_fails_with_its_code_after_its_attempts_and_costs_nothing(
    faulty: RunningCluster, asked: dict[Fault | None, Asked], fault: Fault
) -> None:
    job = ended(faulty, asked[fault])
    assert (job.state, job.attempts, job.error_code) == (JobState.FAILED, ATTEMPTS, CODES[fault])
    account = asked[fault].account
    shown = account.http.get(f"/v1/videos/{job.id}").json()
    assert (shown["status"], shown["error"]["code"]) == ("failed", CODES[fault])
    assert charged(faulty, account) == 0


def test_the_job_behind_them_is_made_by_the_first_replica_that_takes_it(
    faulty: RunningCluster, asked: dict[Fault | None, Asked]
) -> None:
    job = ended(faulty, asked[None])
    assert (job.state, job.attempts) == (JobState.COMPLETED, 1)
    assert charged(faulty, asked[None].account) == job.price


def test_a_replica_that_works_for_long_is_healthy(faulty: RunningCluster, asked: dict[Fault | None, Asked]) -> None:
    """Longer than it would take Serve to give up a replica that does not answer."""
    assert LONG_SECONDS > (UNHEALTHY_AFTER + 1) * (HEALTH_SECONDS + 1)
    job = ended(faulty, ask(asked[None].account, LONG))
    assert (job.state, job.attempts) == (JobState.COMPLETED, 1)


def test_afterwards_rows_objects_and_credits_agree(faulty: RunningCluster, asked: dict[Fault | None, Asked]) -> None:
    for each in asked.values():
        ended(faulty, each)
    until(lambda: not faulty.database.run(differences, faulty.objects), 30)
    assert not faulty.database.run(credits.discrepancies)


def test_the_figures_tell_what_replicas_gave_up_from_what_fell_silent(
    faulty: RunningCluster, asked: dict[Fault | None, Asked]
) -> None:
    for each in asked.values():
        ended(faulty, each)
    given_up = ATTEMPTS * len({Fault.BLOCKS, Fault.MAKES_A_SLOW_STEP, Fault.ALLOCATES_WITHOUT_END})

    def losses(cause: Loss) -> float:
        return total(counted(faulty), "ray_i2v_lease_losses_total", stage=Stage.GENERATION, cause=cause)

    until(lambda: losses(Loss.GIVEN_UP) >= given_up and losses(Loss.SILENT) >= ATTEMPTS, PATIENCE)
