"""When the next sweep is due, whoever did the last and whether or not it went well."""

from datetime import UTC, datetime, timedelta

import pytest

from cluster.records import sweeps
from cluster.records.sweeps import Sweeps
from cluster.runtime.sweep_schedule import SweepSchedule, due
from cluster.settings import Settings
from tests.fixtures_cluster import ShiftClock
from tests.world import World

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.mark.parametrize(
    ("began", "succeeded", "expected"),
    [
        (None, None, NOON + HOUR / 6),
        (NOON - 3 * DAY, NOON - 3 * DAY + HOUR, NOON + HOUR / 6),
        (NOON - 2 * HOUR, NOON - HOUR, NOON + 23 * HOUR),
        (NOON - HOUR / 2, NOON - 3 * DAY, NOON + HOUR / 2),
        (NOON - HOUR / 2, None, NOON + HOUR / 2),
        (NOON - 2 * HOUR, NOON - 3 * HOUR, NOON + 21 * HOUR),
    ],
)
def test_the_next_is_due(began: datetime | None, succeeded: datetime | None, expected: datetime) -> None:
    assert due(Sweeps(began, succeeded), DAY, NOON) == expected


def test_a_short_period_is_kept_from_the_beginning() -> None:
    assert due(Sweeps(None, None), HOUR / 60, NOON) == NOON + HOUR / 60
    assert due(Sweeps(NOON, NOON + HOUR / 60), HOUR / 60, NOON) == NOON + HOUR / 30


def test_the_database_knows_when_the_last_began_and_when_one_ended_well(world: World, shift_clock: ShiftClock) -> None:
    assert world.run(sweeps.read) == Sweeps(None, None)
    world.run(sweeps.end, world.run(sweeps.begin), clean=True)
    first = world.run(sweeps.read)
    assert first.began_at
    assert first.succeeded_at
    shift_clock(hours=1)
    world.run(sweeps.end, world.run(sweeps.begin), clean=False)
    shift_clock(hours=1)
    world.run(sweeps.begin)
    last = world.run(sweeps.read)
    assert last.began_at
    assert last.began_at - first.began_at >= 2 * HOUR
    assert last.succeeded_at == first.succeeded_at


def test_nothing_is_asked_while_nothing_is_due(settings: Settings, shift_clock: ShiftClock) -> None:
    asked: list[int] = []

    def known() -> Sweeps:
        asked.append(1)
        return Sweeps(None, None)

    schedule = SweepSchedule(settings, known)
    schedule.start()
    shift_clock(minutes=9)
    for _ in range(100):
        assert schedule.works()
    assert len(asked) == 1


def test_without_a_period_there_is_no_sweep(settings: Settings, shift_clock: ShiftClock) -> None:
    never = settings.model_copy(update={"sweep": settings.sweep.model_copy(update={"every_hours": None})})

    def known() -> Sweeps:
        raise AssertionError

    schedule = SweepSchedule(never, known)
    schedule.start()
    shift_clock(days=400)
    assert schedule.works()


def test_where_ray_does_not_answer_it_is_asked_again(settings: Settings, shift_clock: ShiftClock) -> None:
    asked: list[int] = []

    def known() -> Sweeps:
        asked.append(1)
        return Sweeps(None, None)

    schedule = SweepSchedule(settings, known)
    schedule.start()
    shift_clock(days=1)
    assert schedule.works()
    assert schedule.works()
    assert len(asked) == 2
    shift_clock(minutes=2)
    assert schedule.works()
    assert len(asked) == 3
