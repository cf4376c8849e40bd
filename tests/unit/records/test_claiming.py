"""Claiming: the job table is the queue."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from cluster.records import accounts, jobs, leases, lifecycle
from cluster.records.job_states import JobState, Stage
from cluster.records.leases import Lease
from cluster.storage.database import Database
from tests.world import World


def test_later_stages_are_claimed_first(world: World) -> None:
    account = world.account()
    begun, waiting = world.job(account), world.job(account)
    (lease,) = world.claim(ingestion=1)
    assert lease == Lease(begun, 1, Stage.INGESTION)
    assert world.run(lifecycle.end_stage, lease, {})
    assert [(taken.job_id, taken.stage) for taken in world.claim(ingestion=1, input_screening=1)] == [
        (begun, Stage.INPUT_SCREENING),
        (waiting, Stage.INGESTION),
    ]


def test_no_more_is_claimed_than_there_is_room_for(world: World) -> None:
    account = world.account()
    queued = [world.job(account) for _ in range(5)]
    assert world.claim(generation=5) == []
    first = world.claim(ingestion=2)
    assert [lease.job_id for lease in first] == queued[:2]
    assert world.claim(ingestion=2) == []
    world.run(lifecycle.fail, first[0], "internal")
    assert [lease.job_id for lease in world.claim(ingestion=2)] == queued[2:3]
    assert world.run(leases.count) == {Stage.INGESTION: 2}


def test_the_first_in_line_is_first_whoever_it_is(world: World) -> None:
    one, other = world.account(), world.account()
    queued = [world.job(account) for account in (one, other, one)]
    waiting = [world.read(job_id) for job_id in queued]
    assert world.run(jobs.queue_positions, waiting) == dict(zip(queued, (1, 2, 3), strict=True))
    assert [lease.job_id for lease in world.claim(ingestion=3)] == queued
    assert world.run(jobs.queue_positions, [world.read(job_id) for job_id in queued]) == {}


def test_concurrent_claimers_never_take_the_same_job(world: World, fresh_url: str) -> None:
    account, together = world.account(), Barrier(4)
    queued = {world.job(account) for _ in range(40)}

    def claim_all(number: int) -> list[str]:
        database = Database(fresh_url, 1, f"claimer-{number}")
        together.wait()
        taken = [
            lease.job_id
            for room in range(1, 11)
            for lease in database.run(lifecycle.claim, {Stage.INGESTION: 4 * room}, f"director-{number}")
        ]
        database.close()
        return taken

    with ThreadPoolExecutor(4) as threads:
        taken = [job_id for batch in threads.map(claim_all, range(4)) for job_id in batch]
    assert len(taken) == len(queued)
    assert set(taken) == queued
    assert {world.read(job_id).fence for job_id in queued} == {1}


def test_concurrent_claimers_share_the_slots(world: World, fresh_url: str) -> None:
    account, together = world.account(), Barrier(4)
    for _ in range(12):
        world.job(account)

    def claim(number: int) -> int:
        database = Database(fresh_url, 1, f"claimer-{number}")
        together.wait()
        taken = database.run(lifecycle.claim, {Stage.INGESTION: 3}, f"director-{number}")
        database.close()
        return len(taken)

    with ThreadPoolExecutor(4) as threads:
        assert sum(threads.map(claim, range(4))) == 3


def test_work_of_an_older_epoch_is_not_claimed_but_cancelled(world: World) -> None:
    account = world.account()
    job_id = world.job(account)
    world.run(accounts.raise_epoch, account)
    assert world.claim() == []
    world.run(lifecycle.cancel_outdated)
    job = world.read(job_id)
    assert (job.state, job.error_code) == (JobState.CANCELLED, "account_changed")
    assert world.transfers(job_id) == ["reserve", "release"]


def test_a_claimed_job_has_begun(world: World) -> None:
    job_id = world.job(world.account())
    assert (world.read(job_id).state, world.read(job_id).attempts) == (JobState.QUEUED, 0)
    (lease,) = world.claim()
    job = world.read(job_id)
    assert (job.state, job.attempts, job.fence) == (JobState.IN_PROGRESS, 1, lease.fence)
    assert job.started_at
