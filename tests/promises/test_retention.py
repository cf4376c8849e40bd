"""What is kept stays for years, what is transient does not outlive its task, and nothing comes back."""

from datetime import timedelta

import pytest

from cluster.privacy.media_kinds import MediaKind
from cluster.records import expiry, fetches, lifecycle, media
from cluster.records.job_states import Actor, JobState
from cluster.records.leases import Lease
from cluster.settings import Settings
from pipelines.sweep.report import Report
from pipelines.sweep.stores import open_stores
from pipelines.sweep.sweep import sweep
from tests.api import VIDEO, Api, Person
from tests.fixtures_cluster import ShiftClock

UNKEPT = {MediaKind.UPLOAD, MediaKind.FILE, MediaKind.RECEIVED}
"""What a finished video of ours has none of."""


def swept(settings: Settings) -> Report:
    """What a sweep has to say, which this process does by itself."""
    stores = open_stores(settings)
    try:
        return sweep(stores, lambda erase, names: erase(stores, names))
    finally:
        stores.database.close()


def objects_of(api: Api, job_id: str) -> set[str]:
    return {key for key in api.snapshot().objects if job_id in key}


@pytest.mark.promise("P38")
def test_a_video_and_its_photo_stay_for_years(
    api: Api, person: Person, settings: Settings, shift_clock: ShiftClock
) -> None:
    job_id = person.created(prompt="a heron")
    api.drive(job_id)
    api.clean()
    kept = objects_of(api, job_id)
    shift_clock(days=5 * 365)
    api.world.run(lifecycle.close_expired_guests)
    api.world.run(expiry.expire)
    report = swept(settings)
    api.clean()
    assert (report.objects, report.clean) == ({}, True)
    assert objects_of(api, job_id) == kept
    assert {key.partition("/")[0] for key in kept} == {
        MediaKind.INPUT,
        MediaKind.VIDEO,
        MediaKind.THUMBNAIL,
        MediaKind.SPRITESHEET,
    }
    assert person.get(f"/v1/videos/{job_id}").json()["prompt"] == "a heron"
    assert person.get(f"/v1/videos/{job_id}/content").content == VIDEO


@pytest.mark.promise("P38")
def test_until_it_is_deleted(api: Api, person: Person) -> None:
    job_id, other = person.created(), person.created()
    api.drive(job_id)
    api.clean()
    assert person.delete(f"/v1/videos/{job_id}").status_code == 200
    assert objects_of(api, job_id) == set()
    assert person.get(f"/v1/videos/{job_id}/content").status_code == 404
    assert person.get(f"/v1/videos/{other}/content").content == VIDEO


@pytest.mark.promise("P38")
def test_or_until_the_account_is_closed(api: Api, shift_clock: ShiftClock) -> None:
    begun = api.client.post("/v1/guests").json()
    api.client.cookies.clear()
    job_id = Person(api.client, begun["account_id"], begun["token"]).created()
    api.drive(job_id)
    shift_clock(hours=api.stages.settings.accounts.guest_hours + 1)
    assert api.world.run(lifecycle.close_expired_guests) == 1
    api.clean()
    assert objects_of(api, job_id) == set()


@pytest.mark.promise("P39")
@pytest.mark.parametrize("end", [JobState.COMPLETED, JobState.FAILED, JobState.CANCELLED])
def test_the_photo_as_it_was_sent_goes_with_the_job(api: Api, person: Person, end: JobState) -> None:
    """Even if no stage has said that it needs it no longer."""
    job_id = person.created()
    lease: Lease = api.world.advance(api.world.claim()[0])
    ending = {
        JobState.COMPLETED: (lifecycle.complete, lease),
        JobState.FAILED: (lifecycle.fail, lease, "internal"),
        JobState.CANCELLED: (lifecycle.cancel, job_id, Actor.OWNER, "cancelled_by_user"),
    }[end]
    assert api.world.run(*ending)  # type: ignore[arg-type]  # each with what it takes
    api.clean()
    assert api.world.read(job_id).state is end
    assert api.snapshot().objects == frozenset()


@pytest.mark.promise("P39")
def test_what_was_forgotten_of_a_task_goes_with_the_sweep(api: Api, person: Person, settings: Settings) -> None:
    job_id = person.created()
    api.world.run(lifecycle.cancel, job_id, Actor.OWNER, "cancelled_by_user")
    api.world.sql("UPDATE media SET state = 'live', doomed_at = NULL")
    assert swept(settings).clean
    assert api.snapshot().objects == frozenset()


@pytest.mark.promise("P39")
def test_a_link_goes_with_its_task(api: Api, person: Person, settings: Settings, shift_clock: ShiftClock) -> None:
    world = api.world
    life = timedelta(minutes=1)
    world.run(fetches.announce, world.keys, person.account_id, "https://host.example/a.jpg", life)
    shift_clock(minutes=2)
    swept(settings)
    assert world.sql("SELECT id FROM fetches") == []
    assert world.run(media.doomed) == []
