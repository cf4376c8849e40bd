"""What is due goes, what is not stays, and whatever could not go is said to be there."""

import json
from typing import Any

import pytest

from cluster import runtime
from cluster.privacy.media_kinds import MediaKind
from cluster.records import lifecycle, media, overdue
from cluster.records.job_states import Actor
from cluster.records.overdue import Reason
from cluster.settings import Settings
from cluster.storage import files, local_objects
from cluster.storage.erasure import Absent, Failed
from pipelines.sweep.erase import erase_media, erase_unnamed
from pipelines.sweep.report import ORPHANS, Report, Tally
from tests.fixtures_cluster import ShiftClock
from tests.unit.pipelines.planting import HOUR, Garden


def outcomes(report: Report) -> dict[str, tuple[int, int, int]]:
    """Due, erased and absent by category."""
    return {category: (each.due, each.erased, each.absent) for category, each in report.objects.items()}


def test_an_empty_installation_has_nothing_due(garden: Garden) -> None:
    report = garden.sweep()
    assert (report.objects, set(report.rows.values()), report.left, report.clean) == ({}, {0}, {}, True)


def test_what_has_expired_goes_and_what_has_not_stays(garden: Garden, shift_clock: ShiftClock) -> None:
    expired = [garden.live(life=HOUR) for _ in range(7)]
    kept = {garden.live(life=3 * HOUR).object_key, garden.live().object_key}
    shift_clock(hours=2)
    report = garden.sweep()
    assert outcomes(report) == {Reason.EXPIRED: (7, 7, 0)}
    assert report.clean
    assert garden.rows() == garden.objects() == kept
    assert not kept & {each.object_key for each in expired}


def test_a_second_sweep_finds_nothing(garden: Garden, shift_clock: ShiftClock) -> None:
    garden.live(life=HOUR)
    garden.orphan()
    shift_clock(hours=2)
    assert len(garden.sweep().objects) == 2
    assert garden.sweep().objects == {}


def test_a_transient_object_goes_with_its_task_and_not_before(garden: Garden) -> None:
    ended, running = garden.live(MediaKind.UPLOAD), garden.live(MediaKind.UPLOAD)
    assert ended.job_id
    garden.world.sql("UPDATE jobs SET state = 'completed' WHERE id = :id", id=ended.job_id)
    assert outcomes(garden.sweep()) == {Reason.TASK_ENDED: (1, 1, 0)}
    assert garden.rows() == garden.objects() == {running.object_key}


def test_what_was_doomed_goes_though_nobody_else_erases_it(garden: Garden) -> None:
    medium = garden.live()
    assert medium.job_id
    garden.world.run(lifecycle.cancel, medium.job_id, Actor.OWNER, "cancelled_by_user")
    assert outcomes(garden.sweep()) == {Reason.DOOMED: (1, 1, 0)}
    assert garden.rows() == garden.objects() == set()


def test_what_nobody_accepted_goes_after_its_time(garden: Garden, shift_clock: ShiftClock) -> None:
    garden.written()
    assert garden.sweep().objects == {}
    shift_clock(minutes=16)
    assert outcomes(garden.sweep()) == {Reason.UNFINISHED: (1, 1, 0)}
    assert garden.rows() == garden.objects() == set()


@pytest.mark.parametrize("end", ["expires_at = created_at", "closed_at = created_at"])
def test_a_guests_stay_and_an_account_end_with_their_media(garden: Garden, end: str) -> None:
    kept, gone = garden.live(), garden.live()
    garden.world.sql(f"UPDATE accounts SET {end} WHERE id = :id", id=gone.account_id)
    assert outcomes(garden.sweep()) == {Reason.ACCOUNT_ENDED: (1, 1, 0)}
    assert garden.rows() == garden.objects() == {kept.object_key}


def test_an_orphan_goes_once_it_is_old(garden: Garden, shift_clock: ShiftClock) -> None:
    orphans, kept = {garden.orphan() for _ in range(4)}, garden.live()
    assert garden.sweep().objects == {}
    assert garden.objects() == orphans | {kept.object_key}
    shift_clock(minutes=16)
    assert outcomes(garden.sweep()) == {ORPHANS: (4, 4, 0)}
    assert garden.rows() == garden.objects() == {kept.object_key}


def test_a_dry_run_says_the_same_and_touches_nothing(garden: Garden, shift_clock: ShiftClock) -> None:
    garden.live(life=HOUR)
    garden.orphan()
    shift_clock(hours=2)
    tables = "SELECT id, state, doomed_at FROM media"
    before = garden.world.sql(tables), garden.objects()
    report = garden.sweep(dry_run=True)
    assert outcomes(report) == {Reason.EXPIRED: (1, 0, 0), ORPHANS: (1, 0, 0)}
    assert (garden.world.sql(tables), garden.objects()) == before
    assert outcomes(garden.sweep()) == {Reason.EXPIRED: (1, 1, 0), ORPHANS: (1, 1, 0)}


def test_what_could_not_be_erased_is_not_erased(
    garden: Garden, shift_clock: ShiftClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    expired, orphan = garden.live(life=HOUR), garden.orphan()
    shift_clock(hours=2)

    def refuse(*_: Any) -> Failed:
        return Failed("EROFS")

    with monkeypatch.context() as patched:
        patched.setattr(local_objects.LocalObjects, "delete", refuse)
        report = garden.sweep()
    assert report.objects[Reason.EXPIRED] == Tally(1, 0, 0, failed=report.objects[ORPHANS].failed)
    assert report.objects[ORPHANS].failed == {"EROFS": 1}
    assert (report.left, report.clean) == ({Reason.DOOMED: 1, ORPHANS: 1}, False)
    assert garden.objects() == {expired.object_key, orphan}
    assert garden.world.run(media.get, expired.account_id, expired.id) is None
    assert garden.sweep().clean
    assert garden.rows() == garden.objects() == set()


def test_a_store_that_is_down_fails_its_shard_and_nothing_is_forgotten(
    garden: Garden, shift_clock: ShiftClock, settings: Settings
) -> None:
    medium = garden.live(life=HOUR)
    shift_clock(hours=2)
    folder, away = runtime.paths(settings).objects, runtime.paths(settings).data / "away"
    folder.rename(away)
    assert erase_media(garden.stores, [medium.id]) == {medium.id: Failed("object_store_unavailable")}
    away.rename(folder)
    assert garden.rows() == garden.objects() == {medium.object_key}
    assert garden.sweep().clean
    assert garden.objects() == set()


def test_a_worker_decides_anew(garden: Garden, shift_clock: ShiftClock) -> None:
    """Between the selection and the worker somebody else may have been there, or have changed their mind."""
    prolonged, named = garden.live(life=HOUR), garden.live()
    shift_clock(hours=2)
    assert garden.stores.database.run(overdue.select_overdue, HOUR, after="", limit=9)
    garden.world.sql("UPDATE media SET expires_at = NULL")
    assert erase_media(garden.stores, [prolonged.id, "media_0"]) == {prolonged.id: Absent(), "media_0": Absent()}
    assert erase_unnamed(garden.stores, [named.object_key]) == {named.object_key: Absent()}
    assert garden.rows() == garden.objects() == {prolonged.object_key, named.object_key}


def test_what_a_killed_writer_left_goes(garden: Garden, shift_clock: ShiftClock, settings: Settings) -> None:
    kept = garden.live()
    half = runtime.paths(settings).objects / "video" / f"{files.UNFINISHED}half"
    half.write_bytes(b"sealed in part")
    assert garden.sweep().partial_writes == 0
    shift_clock(minutes=16)
    assert garden.sweep(dry_run=True).partial_writes == 0
    assert half.exists()
    assert garden.sweep().partial_writes == 1
    assert not half.exists()
    assert garden.objects() == {kept.object_key}


def test_a_report_counts_and_names_nobody(garden: Garden, shift_clock: ShiftClock) -> None:
    medium, orphan = garden.live(life=HOUR), garden.orphan()
    shift_clock(hours=2)
    text = json.dumps(garden.sweep().as_json())
    assert '"expired": {"due": 1, "erased": 1, "absent": 0, "failed": {}}' in text
    assert not [name for name in (medium.id, medium.account_id, str(medium.job_id), orphan) if name in text]


def test_what_lies_beside_the_media_is_not_the_sweeps(garden: Garden, shift_clock: ShiftClock) -> None:
    garden.stores.objects.put("elsewhere/backup", [b"not media"])
    garden.orphan()
    shift_clock(hours=2)
    assert outcomes(garden.sweep()) == {ORPHANS: (1, 1, 0)}
    assert garden.objects() == {"elsewhere/backup"}
