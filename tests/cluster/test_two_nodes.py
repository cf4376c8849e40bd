"""Two nodes with a declared GPU each: videos are made on both while there is work for both, and on one otherwise."""

import json
from collections.abc import Iterator

import pytest

from cluster.records import credits
from cluster.records.job_states import JobState
from tests.checks import differences
from tests.cluster._nodes import TwoNodes, two_nodes
from tests.cluster._waiting import until
from tests.cluster.conftest import Account, new_account
from tests.cluster.test_interruptions import charges, job_of
from tests.photos import jpeg, person

GENERATION = {
    "num_replicas": "auto",
    "max_ongoing_requests": 1,
    "max_queued_requests": 16,
    "graceful_shutdown_wait_loop_s": 0.5,
    "graceful_shutdown_timeout_s": 60,
    "ray_actor_options": {"num_cpus": 0},
    "autoscaling_config": {
        "min_replicas": 1,
        "max_replicas": 2,
        "upscale_delay_s": 0.5,
        "downscale_delay_s": 2,
        "metrics_interval_s": 2,
        "look_back_period_s": 5,
        "policy": {"policy_function": "serve.scaling:WaitingSeconds", "policy_kwargs": {"seconds": 40, "slack": 0.5}},
    },
}
LONG, MIDDLE, SHORT = {"seconds": "20", "fps": "60"}, {"seconds": "5", "fps": "60"}, {"seconds": "1", "fps": "12"}
PATIENCE = 180

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def nodes() -> Iterator[TwoNodes]:
    """A cluster whose replicas that make videos take a GPU each, of which every node says it has one."""
    with two_nodes(
        I2V_RAY_APPLICATION="tests.cluster._patient_app:build",
        I2V_RAY_GPUS="1",
        I2V_DEPLOYMENTS_VIDEO_GENERATION=json.dumps(GENERATION),
    ) as nodes:
        yield nodes


@pytest.fixture
def account(nodes: TwoNodes) -> Iterator[Account]:
    """A new account."""
    with new_account(nodes.cluster) as account:
        yield account


def create(account: Account, parameters: dict[str, str]) -> str:
    """Queue a job."""
    answer = account.http.post(
        "/v1/videos",
        data=parameters | {"prompt": "pan", "size": "256x256"},
        files={"input_reference": jpeg(person())},
    )
    assert answer.status_code == 200, answer.text
    return str(answer.json()["id"])


def is_done(nodes: TwoNodes, job_id: str) -> bool:
    """Whether a job is completed; it may not end otherwise."""
    job = job_of(nodes.cluster, job_id)
    assert job.state in (JobState.QUEUED, JobState.IN_PROGRESS, JobState.COMPLETED), job.error_code
    return job.state is JobState.COMPLETED


def on_both_nodes(nodes: TwoNodes) -> dict[bool, str]:
    """Wait until videos are being made on both nodes; the job of the first, and (under True) of the second."""
    found: dict[bool, str] = {}

    def both() -> bool:
        found.clear()
        found.update({nodes.is_on_second(process): job_id for job_id, process in nodes.makers().items()})
        return len(found) == 2

    until(both, PATIENCE)
    return found


def test_twenty_short_jobs_are_done_by_one_replica(nodes: TwoNodes, account: Account) -> None:
    until(lambda: len(nodes.nodes()) == 1, PATIENCE)
    short = [create(account, SHORT) for _ in range(20)]
    seen: set[int] = set()

    def done() -> bool:
        seen.update(nodes.nodes())
        return all(is_done(nodes, job_id) for job_id in short)

    until(done, PATIENCE)
    assert len(seen) == 1
    assert "gpu_unusable" in logs(nodes), "a GPU that is only declared leaves the CPU"


def test_two_long_jobs_are_worth_a_replica_each_which_goes_again(nodes: TwoNodes, account: Account) -> None:
    long = {create(account, LONG), create(account, LONG)}
    running = on_both_nodes(nodes)
    assert set(running.values()) == long
    assert len(set(nodes.nodes().values())) == 2
    assert account.http.post(f"/v1/videos/{running[False]}/cancel").json()["status"] == "cancelled"
    until(lambda: is_done(nodes, running[True]), PATIENCE)
    assert job_of(nodes.cluster, running[True]).attempts == 1
    until(lambda: len(nodes.nodes()) == 1, PATIENCE)


def test_a_killed_raylet_only_delays_its_job(nodes: TwoNodes, account: Account) -> None:
    first, second, third = create(account, LONG), create(account, MIDDLE), create(account, LONG)
    running = on_both_nodes(nodes)
    assert running == {False: first, True: second}
    nodes.kill_raylet()
    for job_id in (first, third):
        assert account.http.post(f"/v1/videos/{job_id}/cancel").json()["status"] == "cancelled"
    until(lambda: is_done(nodes, second), PATIENCE)
    job = job_of(nodes.cluster, second)
    assert job.attempts == 2
    assert charges(nodes.cluster, account) == (job.price, 0)
    assert not nodes.cluster.database.run(credits.discrepancies)
    until(lambda: not nodes.cluster.database.run(differences, nodes.cluster.objects), 30)


def logs(nodes: TwoNodes) -> str:
    """All that the replicas wrote."""
    session = nodes.installation.paths.ray_sessions / "session_latest" / "logs"
    return "".join(file.read_text(errors="replace") for file in session.glob("worker-*.err"))
