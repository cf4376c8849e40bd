"""Work is handed to places that are there: replicas announce themselves, and silence takes their places away."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from cluster.records import workers
from cluster.records.job_states import Stage
from cluster.records.workers import Worker
from serve.presence import Presence
from tests.cluster._waiting import until
from tests.fixtures_cluster import ShiftClock
from tests.world import World

SILENT = timedelta(seconds=6)
SCREENING = (Stage.INPUT_SCREENING, Stage.OUTPUT_SCREENING)


def places(world: World) -> dict[Stage, int]:
    return world.run(workers.places, SILENT)


@pytest.fixture
def presence(world: World) -> Iterator[Presence]:
    """A replica with two places for each kind of screening."""
    presence = Presence(world.database, SCREENING, 2, 0.01)
    yield presence
    presence.end()


def test_places_of_all_workers_add_up_by_stage(world: World) -> None:
    assert places(world) == {}
    world.run(workers.announce, Worker("1-worker_a", "node", SCREENING, 2))
    for worker in ("2-worker_b", "3-worker_c", "3-worker_c"):
        world.run(workers.announce, Worker(worker, "node", (Stage.GENERATION,), 1))
    assert places(world) == {Stage.INPUT_SCREENING: 2, Stage.OUTPUT_SCREENING: 2, Stage.GENERATION: 2}


def test_the_silent_have_no_places_until_they_are_heard_again(world: World, shift_clock: ShiftClock) -> None:
    quiet, heard = (Worker(name, "node", (Stage.GENERATION,), 1) for name in ("1-worker_a", "2-worker_b"))
    world.run(workers.announce, quiet)
    shift_clock(seconds=7)
    world.run(workers.announce, heard)
    assert places(world) == {Stage.GENERATION: 1}
    world.run(workers.announce, quiet)
    assert places(world) == {Stage.GENERATION: 2}


def test_the_silent_are_forgotten(world: World, shift_clock: ShiftClock) -> None:
    world.run(workers.announce, Worker("1-worker_a", "node", (Stage.GENERATION,), 1))
    assert world.run(workers.remove_silent, timedelta(minutes=1)) == 0
    shift_clock(minutes=2)
    assert world.run(workers.remove_silent, timedelta(minutes=1)) == 1


def test_a_replica_announces_itself_from_its_begin_to_its_end(world: World, presence: Presence) -> None:
    assert places(world) == {}
    presence.begin()
    presence.begin()
    until(lambda: places(world) == dict.fromkeys(SCREENING, 2), 20)
    presence.end()
    assert places(world) == {}
    presence.begin()
    assert places(world) == {}


def test_a_replica_that_was_forgotten_announces_itself_anew(world: World, presence: Presence) -> None:
    presence.begin()
    until(lambda: bool(places(world)), 20)
    world.sql("DELETE FROM workers")
    until(lambda: bool(places(world)), 20)
