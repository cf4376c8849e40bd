"""Subjects: found by their own account alone, and forgotten when the last file is gone."""

from concurrent.futures import ThreadPoolExecutor
from threading import Event

from cluster.ids import new_id
from cluster.privacy.media_kinds import MediaKind
from cluster.records import accounts, jobs, lifecycle, media, subjects
from cluster.records.jobs import NewJob
from tests.world import PRICE, World

SUBJECT = "user-zephyrina"


def subject_of(world: World, account: str, subject: str = SUBJECT) -> bytes:
    return subjects.lookup(world.keys, account, subject)


def test_one_name_in_two_accounts_gives_unrelated_hashes(world: World) -> None:
    one, other = world.account(), world.account()
    assert subject_of(world, one) == subject_of(world, one)
    assert len({subject_of(world, one), subject_of(world, other), subject_of(world, one, "another")}) == 3


def test_only_the_account_s_own_videos_of_the_subject_are_deleted(world: World) -> None:
    one, other = world.account(), world.account()
    hashed = subject_of(world, one)
    gone = [world.job(one, subject_lookup=hashed) for _ in range(2)]
    kept = [
        world.job(one),
        world.job(one, subject_lookup=subject_of(world, one, "another")),
        world.job(other, subject_lookup=subject_of(world, other)),
        world.job(other, subject_lookup=hashed),
    ]
    assert world.run(subjects.delete_some, one, hashed) == 2
    assert world.run(subjects.delete_some, one, hashed) == 0
    assert [world.run(jobs.get, job_id) for job_id in gone] == [None, None]
    assert all(world.run(jobs.get, job_id) for job_id in kept)
    assert [world.transfers(job_id) for job_id in gone] == [["reserve", "release"]] * 2


def test_a_hash_stays_until_the_last_file_is_gone(world: World) -> None:
    account = world.account()
    hashed = subject_of(world, account)
    job_id = world.job(account, subject_lookup=hashed)
    files = [world.run(media.begin, account, kind, "", job_id=job_id) for kind in (MediaKind.UPLOAD, MediaKind.INPUT)]
    world.run(lifecycle.delete, account, job_id)
    for medium in files:
        world.run(subjects.forget_erased)
        assert world.run(subjects.unerased, account, hashed) == [job_id]
        world.run(media.forget, medium.id)
    world.run(subjects.forget_erased)
    assert world.run(subjects.unerased, account, hashed) == []
    assert world.sql("SELECT subject_lookup FROM jobs") == [(None,)]


def test_a_video_that_is_kept_keeps_its_subject(world: World) -> None:
    account = world.account()
    hashed = subject_of(world, account)
    world.job(account, subject_lookup=hashed)
    world.run(subjects.forget_erased)
    assert [row.subject_lookup for row in world.sql("SELECT subject_lookup FROM jobs")] == [hashed]


def test_a_deletion_waits_for_what_is_being_accepted_and_takes_it_along(world: World) -> None:
    account_id = world.account()
    hashed = subject_of(world, account_id)
    with ThreadPoolExecutor(1) as threads:
        with world.database.transaction() as accepting:
            account = accounts.lock(accepting, account_id)
            assert account
            new = NewJob(
                new_id("video"), account_id, account.epoch, "default", (), {}, {"seconds": 4}, {}, "", PRICE,
                subject_lookup=hashed,
            )  # fmt: skip
            deletion = threads.submit(world.run, subjects.delete_some, account_id, hashed)
            assert not Event().wait(0.2)
            assert not deletion.done()
            lifecycle.accept(accepting, world.keys, new)
        assert deletion.result(5) == 1
    assert world.run(jobs.get, new.id) is None
