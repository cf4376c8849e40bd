"""After the database was restored to an older state, nothing newer is taken for an orphan and erased."""

import pytest

from cluster.ids import new_id
from cluster.privacy.media_kinds import MediaKind
from cluster.records import lifecycle, media, sweeps
from cluster.records.media import Medium
from pipelines.sweep import orphans
from pipelines.sweep.report import ORPHANS
from tests.fixtures_cluster import ShiftClock
from tests.unit.pipelines.planting import Garden


def generated(garden: Garden, account_id: str) -> Medium:
    """A video as a stage makes it: of a leased job, under its fence."""
    job_id = garden.world.job(account_id)
    lease = next(lease for lease in garden.world.claim() if lease.job_id == job_id)
    medium = garden.world.run(media.begin, account_id, MediaKind.VIDEO, "video/mp4", job_id=job_id, fence=lease.fence)
    garden.stores.objects.put(medium.object_key, [b"sealed"])
    garden.world.run(media.finish, medium.id, 6)
    return medium


def forgotten(garden: Garden) -> str:
    """A video of a job that was made after the state to which the database was restored."""
    key = f"video/{new_id('video')}/1/{new_id('media')}"
    garden.stores.objects.put(key, [b"sealed"])
    return key


def test_what_is_newer_than_a_restored_database_is_withheld(garden: Garden, shift_clock: ShiftClock) -> None:
    account = garden.world.account()
    kept, lost, orphan = generated(garden, account), forgotten(garden), garden.orphan()
    generated(garden, account)
    before = garden.objects()
    shift_clock(hours=2)
    for dry_run in (True, False):
        report = garden.sweep(dry_run=dry_run)
        assert (report.withheld, report.objects[ORPHANS].due) == ("database_older_than_objects", 2)
    assert (report.left, report.clean) == ({ORPHANS: 2}, False)
    assert garden.world.run(sweeps.read).succeeded_at is None
    assert garden.objects() == before

    report = garden.sweep(after_restore=True)
    assert (report.withheld, report.objects[ORPHANS].erased, report.clean) == (None, 2, True)
    assert garden.objects() == before - {lost, orphan} > {kept.object_key}


def test_an_attempt_that_a_restored_database_has_forgotten_shows_it_too(
    garden: Garden, shift_clock: ShiftClock
) -> None:
    made = generated(garden, garden.world.account())
    garden.world.sql("DELETE FROM media")
    shift_clock(hours=2)
    assert garden.sweep(dry_run=True).withheld is None
    garden.world.sql("DELETE FROM leases")
    garden.world.sql("UPDATE jobs SET fence = fence - 1, state = 'queued'")
    assert garden.sweep().withheld == "database_older_than_objects"
    assert garden.objects() == {made.object_key}


def test_what_other_objects_are_due_goes_all_the_same(garden: Garden, shift_clock: ShiftClock) -> None:
    account = garden.world.account()
    lost, ended = forgotten(garden), generated(garden, account)
    assert ended.job_id
    garden.world.run(lifecycle.delete, account, ended.job_id)
    shift_clock(hours=2)
    assert garden.sweep().withheld
    assert garden.objects() == {lost}


def test_more_orphans_than_crashes_leave_are_withheld(
    garden: Garden, shift_clock: ShiftClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Uploads name no job: what gives them away is their number."""
    for number in range(4):
        garden.stores.objects.put(f"upload/media_{number}", [b"sealed"])
    shift_clock(hours=2)
    monkeypatch.setattr(orphans, "FEW", 3)
    assert garden.sweep().withheld == "too_many"
    monkeypatch.setattr(orphans, "SHARE", 1.0)
    assert garden.sweep().clean
    assert garden.objects() == set()
