"""Where no director runs, the sweep erases what a job's own time to live has ended: its media, and its words."""

from datetime import timedelta

from cluster.records import lifecycle
from tests.fixtures_cluster import ShiftClock
from tests.unit.pipelines.planting import HOUR, Garden


def completed(garden: Garden, life: timedelta | None) -> str:
    """A completed job whose content ends after that time."""
    account = garden.world.account()
    job_id = garden.world.job(account)
    lease = next(lease for lease in garden.world.claim() if lease.job_id == job_id)
    assert garden.world.run(lifecycle.complete, garden.world.advance(lease))
    if life:
        garden.world.sql("UPDATE jobs SET expires_at = created_at + :life WHERE id = :id", id=job_id, life=life)
    return job_id


def words(garden: Garden) -> dict[str, bool]:
    """Whether each job still has its prompt."""
    return {row.id: row.there for row in garden.world.sql("SELECT id, prompt_sealed IS NOT NULL AS there FROM jobs")}


def test_the_words_of_an_expired_job_go_and_no_others(garden: Garden, shift_clock: ShiftClock) -> None:
    ended, later, never = (completed(garden, life) for life in (HOUR, 3 * HOUR, None))
    shift_clock(hours=2)
    assert garden.sweep(dry_run=True).prompts == 1
    assert words(garden) == {ended: True, later: True, never: True}
    assert garden.sweep().prompts == 1
    assert words(garden) == {ended: False, later: True, never: True}
    assert garden.sweep().prompts == 0


def test_a_job_that_still_runs_is_left_to_the_director(garden: Garden, shift_clock: ShiftClock) -> None:
    running = garden.world.job(garden.world.account())
    garden.world.sql("UPDATE jobs SET expires_at = created_at + interval '1 hour'")
    shift_clock(hours=2)
    assert garden.sweep().prompts == 0
    assert words(garden) == {running: True}
