"""Media: a row is there before its object and goes after it."""

from datetime import timedelta

from cluster.privacy.media_kinds import KINDS, MediaKind
from cluster.records import media
from cluster.records.media import Medium
from tests.fixtures_cluster import ShiftClock
from tests.world import World


def begun(world: World, kind: MediaKind = MediaKind.VIDEO, derived_from: str | None = None) -> Medium:
    account = world.account()
    return world.run(
        media.begin, account, kind, "video/mp4", job_id=world.job(account), fence=1, derived_from=derived_from
    )


def live(world: World) -> Medium:
    medium = begun(world)
    world.run(media.finish, medium.id, 123, 640, 480)
    return medium


def doomed_ids(world: World) -> list[str]:
    return [row.id for row in world.run(media.doomed)]


def test_an_object_is_seen_only_once_it_was_accepted(world: World) -> None:
    medium = begun(world)
    assert medium.job_id
    assert world.run(media.get, medium.account_id, medium.id) is None
    assert world.run(media.of_job, medium.job_id, MediaKind.VIDEO) is None
    world.run(media.finish, medium.id, 123, 640, 480)
    seen = world.run(media.get, medium.account_id, medium.id)
    assert seen
    assert (seen.kind, seen.size, seen.width, seen.height) == (MediaKind.VIDEO, 123, 640, 480)
    assert world.run(media.of_job, medium.job_id, MediaKind.VIDEO) == seen
    assert world.run(media.of_jobs, [medium.job_id, "none"]) == {medium.job_id: [seen], "none": []}


def test_another_account_sees_nothing(world: World) -> None:
    assert world.run(media.get, world.account(), live(world).id) is None


def test_the_key_of_an_object_names_kind_job_and_attempt_and_nobody(world: World) -> None:
    medium = begun(world)
    assert medium.object_key == f"video/{medium.job_id}/1/{medium.id}"
    assert medium.account_id not in medium.object_key
    upload = world.run(media.begin, medium.account_id, MediaKind.UPLOAD, "image/png")
    assert upload.object_key == f"upload/{upload.id}"


def test_a_row_goes_only_when_it_is_doomed(world: World) -> None:
    medium = live(world)
    world.run(media.forget, medium.id)
    assert world.run(media.get, medium.account_id, medium.id)
    assert medium.job_id
    world.run(media.doom, medium.job_id, [MediaKind.INPUT])
    assert doomed_ids(world) == []
    world.run(media.doom, medium.job_id, [MediaKind.VIDEO])
    assert world.run(media.get, medium.account_id, medium.id) is None
    assert doomed_ids(world) == [medium.id]
    world.run(media.forget, medium.id)
    assert world.sql("SELECT 1 FROM media") == []


def test_a_doomed_object_is_never_accepted(world: World) -> None:
    medium = begun(world)
    world.run(media.doom_unaccepted, medium.id)
    world.run(media.finish, medium.id, 123)
    assert world.run(media.get, medium.account_id, medium.id) is None
    assert doomed_ids(world) == [medium.id]


def test_an_accepted_object_is_not_taken_back(world: World, shift_clock: ShiftClock) -> None:
    medium = live(world)
    assert medium.job_id
    world.run(media.doom_unaccepted, medium.id)
    world.run(media.doom_unfinished, medium.job_id)
    shift_clock(days=1)
    world.run(media.doom_abandoned, timedelta(minutes=15))
    assert world.run(media.get, medium.account_id, medium.id)


def test_an_abandoned_upload_is_doomed_after_its_time(world: World, shift_clock: ShiftClock) -> None:
    medium = begun(world)
    shift_clock(minutes=14)
    world.run(media.doom_abandoned, timedelta(minutes=15))
    assert doomed_ids(world) == []
    shift_clock(minutes=2)
    world.run(media.doom_abandoned, timedelta(minutes=15))
    assert doomed_ids(world) == [medium.id]


def test_lineage_is_kept_until_the_origin_goes(world: World) -> None:
    origin = begun(world)
    derived = begun(world, derived_from=origin.id)
    lineage = "SELECT derived_from FROM media WHERE id = :id"
    assert world.sql(lineage, id=derived.id) == [(origin.id,)]
    world.run(media.doom_unaccepted, origin.id)
    world.run(media.forget, origin.id)
    assert world.sql(lineage, id=derived.id) == [(None,)]


def test_the_longest_doomed_comes_first(world: World, shift_clock: ShiftClock) -> None:
    rows = [begun(world) for _ in range(3)]
    for medium in reversed(rows):
        world.run(media.doom_unaccepted, medium.id)
        shift_clock(seconds=1)
    assert doomed_ids(world) == [medium.id for medium in reversed(rows)]
    assert [row.id for row in world.run(media.doomed, rows[0].job_id)] == [rows[0].id]
    assert len(world.run(media.doomed, None, 2)) == 2


def test_every_kind_has_its_rule() -> None:
    assert set(KINDS) == set(MediaKind)
    assert all(rule.purpose and rule.promise and rule.until for rule in KINDS.values())
