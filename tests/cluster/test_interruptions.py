"""A job that is interrupted: by the death of its replica, by its owner, by a withdrawal of consent."""

import os
import signal
import time

import psutil
from sqlalchemy import Connection, select

from cluster.records import credits, jobs
from cluster.records.job_states import JobState, Stage
from cluster.records.jobs import Job
from cluster.records.leases import leases
from tests.checks import differences
from tests.cluster._waiting import until
from tests.cluster.conftest import Account, RunningCluster
from tests.photos import jpeg, person


def begin(account: Account, seconds: int = 20) -> str:
    """Queue a job whose frames take many seconds."""
    created = account.http.post(
        "/v1/videos",
        data={"prompt": "pan", "seconds": str(seconds), "fps": "60", "size": "832x832"},
        files={"input_reference": jpeg(person())},
    )
    assert created.status_code == 200, created.text
    return str(created.json()["id"])


def job_of(cluster: RunningCluster, job_id: str) -> Job:
    """The job as it stands in the database."""
    job = cluster.database.run(jobs.get, job_id)
    assert job is not None
    return job


def in_its_frames(cluster: RunningCluster, job_id: str) -> int:
    """Wait until frames are being made; returns the process that makes them."""

    def rendering() -> bool:
        job = job_of(cluster, job_id)
        assert job.state in (JobState.QUEUED, JobState.IN_PROGRESS), job.error_code
        return job.stage is Stage.GENERATION and job.step > 20

    until(rendering, 60)

    def holder(connection: Connection) -> str:
        return str(connection.execute(select(leases.c.holder).where(leases.c.job_id == job_id)).scalar_one())

    return int(cluster.database.run(holder).partition("-")[0])


def is_idle(process: psutil.Process) -> bool:
    """Whether a process does nothing to speak of."""
    return process.cpu_percent(0.5) < 30


def charges(cluster: RunningCluster, account: Account) -> tuple[int, int]:
    """What the account has spent, and what is reserved."""
    balance = cluster.database.run(credits.balance, account.id)
    return cluster.settings.credits.sign_up_grant - balance.available - balance.reserved, balance.reserved


def test_a_killed_replica_only_delays_the_job(cluster: RunningCluster, account: Account) -> None:
    job_id = begin(account, seconds=6)
    os.kill(in_its_frames(cluster, job_id), signal.SIGKILL)
    until(lambda: job_of(cluster, job_id).state is JobState.COMPLETED, 180)
    job = job_of(cluster, job_id)
    assert job.attempts == 2
    assert charges(cluster, account) == (job.price, 0)
    assert not cluster.database.run(credits.discrepancies)
    until(lambda: not cluster.database.run(differences, cluster.objects), 10)


def test_withdrawn_consent_stops_a_running_job(cluster: RunningCluster, account: Account) -> None:
    job_id = begin(account)
    worker = psutil.Process(in_its_frames(cluster, job_id))
    notice = next(n for n in account.http.get("/v1/notices").json()["data"] if n["purpose"] == "ai_processing")
    answer = {"purpose": "ai_processing", "notice_version": notice["version"], "granted": False}

    with account.login() as inside:
        withdrawn = inside.post("/v1/consents", json=answer)
    asked_at = time.monotonic()
    assert withdrawn.json()["stopped_jobs"] == [job_id]
    until(lambda: is_idle(worker), 2)
    assert time.monotonic() - asked_at < 2.6

    stopped = account.http.get(f"/v1/videos/{job_id}").json()
    assert (stopped["status"], stopped["error"]["code"]) == ("cancelled", "consent_withdrawn")
    assert charges(cluster, account) == (0, 0)
    until(lambda: not cluster.database.run(differences, cluster.objects), 10)
    refused = account.http.post("/v1/videos", files={"input_reference": jpeg(person())})
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "consent_withdrawn")
    assert account.http.get("/v1/videos").status_code == 200


def test_a_cancelled_job_stops_and_costs_nothing(cluster: RunningCluster, account: Account) -> None:
    job_id = begin(account)
    worker = psutil.Process(in_its_frames(cluster, job_id))
    assert account.http.post(f"/v1/videos/{job_id}/cancel").json()["status"] == "cancelled"
    until(lambda: is_idle(worker), 3)
    assert charges(cluster, account) == (0, 0)


def test_a_running_job_can_be_deleted(cluster: RunningCluster, account: Account) -> None:
    job_id = begin(account)
    in_its_frames(cluster, job_id)
    assert account.http.delete(f"/v1/videos/{job_id}").json()["deleted"] is True
    assert account.http.get(f"/v1/videos/{job_id}").status_code == 404
    until(lambda: not cluster.database.run(differences, cluster.objects), 10)
