"""The life of a job: delivered and charged once, or ended with a code and not charged at all."""

import pytest
from sqlalchemy.exc import IntegrityError

from cluster.privacy.media_kinds import MediaKind
from cluster.records import accounts, credits, jobs, leases, lifecycle, media
from cluster.records.credits import Balance
from cluster.records.job_states import Actor, JobState, Stage
from cluster.records.leases import Lease
from tests.fixtures_cluster import ShiftClock
from tests.world import PRICE, World


def test_a_job_goes_through_all_stages_and_is_charged_once(world: World) -> None:
    account = world.account(100)
    job_id = world.job(account)
    lease = world.advance(world.claim()[0])
    assert world.run(credits.balance, account) == Balance(100 - PRICE, PRICE)
    assert world.run(lifecycle.complete, lease)
    job = world.read(job_id)
    assert (job.state, job.error_code, job.attempts) == (JobState.COMPLETED, None, 1)
    assert job.completed_at
    assert world.run(credits.balance, account) == Balance(100 - PRICE, 0)
    assert not world.run(lifecycle.complete, lease)
    assert world.transfers(job_id) == ["reserve", "settle"]
    assert world.run(leases.count) == {}


def test_facts_of_the_stages_add_up(world: World) -> None:
    job_id = world.job(world.account())
    world.run(lifecycle.end_stage, world.claim()[0], {"photo": 1, "layers": 1})
    world.run(lifecycle.end_stage, world.claim()[0], {"layers": 2})
    assert world.read(job_id).facts == {"photo": 1, "layers": 2}


def test_nothing_transient_outlives_the_job(world: World) -> None:
    account = world.account()
    job_id = world.job(account)
    media_ids = {}
    for kind in (MediaKind.UPLOAD, MediaKind.VIDEO):
        medium = world.run(media.begin, account, kind, "image/png", job_id=job_id, fence=1)
        world.run(media.finish, medium.id, 1)
        media_ids[kind] = medium.id
    world.run(lifecycle.complete, world.advance(world.claim()[0]))
    assert [medium.id for medium in world.run(media.doomed)] == [media_ids[MediaKind.UPLOAD]]


def test_only_publish_completes(world: World) -> None:
    world.job(world.account())
    lease = world.advance(world.claim()[0], Stage.OUTPUT_SCREENING)
    assert not world.run(lifecycle.complete, lease)
    assert not world.run(lifecycle.end_stage, Lease(lease.job_id, lease.fence, Stage.GENERATION), {})


def test_a_fenced_worker_is_refused_everything(world: World) -> None:
    job_id = world.job(world.account())
    stale = world.advance(world.claim()[0])
    world.run(lifecycle.lose, stale, 3)
    (fresh,) = world.claim()
    before = world.read(job_id)
    assert fresh.fence > stale.fence
    assert not world.run(leases.beat, job_id, stale.fence, 9, 9)
    assert not world.run(leases.adopt, job_id, stale.fence, "late")
    assert not world.run(lifecycle.complete, stale)
    assert not world.run(lifecycle.fail, stale, "internal")
    assert not world.run(lifecycle.end_stage, Lease(job_id, stale.fence, Stage.PUBLISH), {})
    world.run(lifecycle.lose, stale, 3)
    assert world.read(job_id) == before
    assert world.run(leases.beat, job_id, fresh.fence, 1, 2)
    assert world.run(lifecycle.complete, fresh)


def test_a_fenced_worker_cannot_end_an_earlier_stage(world: World) -> None:
    world.job(world.account())
    (stale,) = world.claim()
    world.run(lifecycle.lose, stale, 3)
    world.claim()
    assert not world.run(lifecycle.end_stage, stale, {"stale": True})


def test_lost_workers_are_counted_and_the_last_one_fails_the_job(world: World) -> None:
    account = world.account(100)
    job_id = world.job(account)
    for attempt in (1, 2, 3):
        (lease,) = world.claim()
        assert world.read(job_id).attempts == attempt
        world.run(lifecycle.lose, lease, 3)
    job = world.read(job_id)
    assert (job.state, job.error_code, job.attempts) == (JobState.FAILED, "worker_lost", 3)
    world.run(lifecycle.lose, lease, 3)
    assert world.transfers(job_id) == ["reserve", "release"]
    assert world.run(credits.balance, account) == Balance(100, 0)
    assert world.claim() == []


def test_a_lost_worker_leaves_only_what_was_accepted(world: World) -> None:
    account = world.account()
    job_id = world.job(account)
    (lease,) = world.claim()
    kept = world.run(media.begin, account, MediaKind.INPUT, "image/png", job_id=job_id, fence=lease.fence)
    world.run(media.finish, kept.id, 1)
    lost = world.run(media.begin, account, MediaKind.VIDEO, "video/mp4", job_id=job_id, fence=lease.fence)
    world.run(lifecycle.lose, lease, 3)
    assert [medium.id for medium in world.run(media.doomed)] == [lost.id]
    assert world.run(media.get, account, kept.id)


def test_what_is_handed_back_is_begun_again_as_the_same_attempt(world: World) -> None:
    account = world.account()
    job_id = world.job(account)
    (lease,) = world.claim()
    unfinished = world.run(media.begin, account, MediaKind.VIDEO, "video/mp4", job_id=job_id, fence=lease.fence)
    world.run(lifecycle.hand_back, lease)
    assert [medium.id for medium in world.run(media.doomed)] == [unfinished.id]
    (fresh,) = world.claim()
    assert (fresh.job_id, world.read(job_id).attempts) == (job_id, 1)
    assert fresh.fence > lease.fence
    world.run(lifecycle.hand_back, lease)
    assert world.run(leases.beat, job_id, fresh.fence, 1, 2)


def test_losing_says_whether_there_was_a_lease_to_lose(world: World) -> None:
    world.job(world.account())
    (lease,) = world.claim()
    assert world.run(lifecycle.lose, lease, 2)
    assert not world.run(lifecycle.lose, lease, 2)
    (last,) = world.claim()
    assert world.run(lifecycle.lose, last, 2)
    assert not world.run(lifecycle.lose, last, 2)


def test_silence_longer_than_the_lease_loses_it(world: World, shift_clock: ShiftClock) -> None:
    account = world.account()
    silent, beating = world.job(account), world.job(account)
    held = {lease.job_id: lease for lease in world.claim()}
    shift_clock(seconds=5)
    assert world.run(lifecycle.lose_expired, 6, 3) == []
    assert world.run(leases.beat, beating, held[beating].fence, 1, 2)
    shift_clock(seconds=2)
    assert len(world.run(lifecycle.lose_expired, 6, 3)) == 1
    assert [lease.job_id for lease in world.claim()] == [silent]
    assert (world.read(silent).attempts, world.read(beating).attempts) == (2, 1)


def test_a_director_beats_only_for_what_is_not_adopted(world: World, shift_clock: ShiftClock) -> None:
    account = world.account()
    driven, given_up, adopted = (world.job(account) for _ in range(3))
    fence = {lease.job_id: lease.fence for lease in world.claim()}[adopted]
    assert world.run(leases.adopt, adopted, fence, "replica")
    shift_clock(seconds=7)
    world.run(leases.keep_alive, "director", [driven, adopted])
    assert len(world.run(lifecycle.lose_expired, 6, 3)) == 2
    assert [lease.job_id for lease in world.claim()] == [given_up, adopted]


def test_a_worker_that_ended_its_stage_cannot_be_lost(world: World) -> None:
    """It committed and died before it could say so."""
    job_id = world.job(world.account())
    (lease,) = world.claim()
    assert world.run(lifecycle.end_stage, lease, {})
    world.run(lifecycle.lose, lease, 1)
    job = world.read(job_id)
    assert (job.state, job.stage, job.attempts) == (JobState.IN_PROGRESS, Stage.INPUT_SCREENING, 1)


@pytest.mark.parametrize("running", [False, True])
def test_cancelling_ends_the_lease_and_releases_once(world: World, running: bool) -> None:
    account = world.account(100)
    job_id = world.job(account)
    leased = world.claim() if running else []
    assert world.run(lifecycle.cancel, job_id, Actor.OWNER, "cancelled_by_user")
    assert not world.run(lifecycle.cancel, job_id, Actor.OWNER, "cancelled_by_user")
    for lease in leased:
        assert not world.run(leases.beat, job_id, lease.fence, 1, 2)
        assert not world.run(lifecycle.end_stage, lease, {})
    assert world.transfers(job_id) == ["reserve", "release"]
    assert world.run(credits.balance, account) == Balance(100, 0)


def test_settling_and_releasing_the_same_job_is_impossible(world: World) -> None:
    account = world.account(100)
    job_id = world.job(account)
    world.run(lifecycle.complete, world.advance(world.claim()[0]))
    for again in (credits.release, credits.settle):
        with pytest.raises(IntegrityError):
            world.run(again, account, job_id)
    assert world.run(credits.balance, account) == Balance(100 - PRICE, 0)


def test_an_older_epoch_is_refused_at_every_end(world: World) -> None:
    account = world.account()
    world.job(account)
    world.job(account)
    at_start = world.claim(ingestion=1)[0]
    at_end = world.advance(world.claim(ingestion=2)[0])
    world.run(accounts.raise_epoch, account)
    assert not world.run(lifecycle.end_stage, at_start, {})
    assert not world.run(lifecycle.complete, at_end)


def test_deleting_stops_erases_and_hides(world: World) -> None:
    account = world.account(100)
    job_id = world.job(account, prompt="a secret garden")
    (lease,) = world.claim()
    medium = world.run(media.begin, account, MediaKind.INPUT, "image/png", job_id=job_id, fence=lease.fence)
    assert not world.run(lifecycle.delete, world.account(), job_id)
    assert world.run(lifecycle.delete, account, job_id)
    assert world.run(jobs.get, job_id) is None
    assert world.run(jobs.listing, account, after=None, limit=10, order="desc") == ([], False)
    assert [row.id for row in world.run(media.doomed, job_id)] == [medium.id]
    assert world.sql("SELECT state, prompt_sealed, facts FROM jobs") == [("cancelled", None, {})]
    assert world.transfers(job_id) == ["reserve", "release"]
    assert not world.run(lifecycle.delete, account, job_id)
