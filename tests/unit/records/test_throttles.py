"""Counting tries: within a window, for each key by itself, the same for all who count at once."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from cluster.records import throttles
from tests.fixtures_cluster import ShiftClock
from tests.world import World

MINUTE = timedelta(minutes=1)


def test_tries_add_up_until_their_window_ends(world: World, shift_clock: ShiftClock) -> None:
    assert [world.run(throttles.hit, b"a", MINUTE) for _ in range(3)] == [1, 2, 3]
    assert world.run(throttles.hit, b"b", MINUTE) == 1
    assert world.run(throttles.used_up, b"a", 3) is not None
    assert world.run(throttles.used_up, b"a", 4) is None
    assert world.run(throttles.used_up, b"b", 3) is None
    shift_clock(minutes=1)
    assert world.run(throttles.used_up, b"a", 3) is None
    assert world.run(throttles.hit, b"a", MINUTE) == 1


def test_the_window_is_that_of_the_first_try(world: World, shift_clock: ShiftClock) -> None:
    world.run(throttles.hit, b"a", MINUTE)
    shift_clock(seconds=59)
    assert world.run(throttles.hit, b"a", MINUTE) == 2
    shift_clock(seconds=1)
    assert world.run(throttles.hit, b"a", MINUTE) == 1


def test_tries_at_once_are_all_counted(world: World) -> None:
    with ThreadPoolExecutor(8) as pool:
        counts = list(pool.map(lambda _: world.run(throttles.hit, b"a", MINUTE), range(40)))
    assert sorted(counts) == list(range(1, 41))


def test_clearing_and_forgetting(world: World, shift_clock: ShiftClock) -> None:
    for key in (b"a", b"b"):
        world.run(throttles.hit, key, MINUTE)
    world.run(throttles.clear, b"a")
    assert world.run(throttles.hit, b"a", MINUTE) == 1
    assert world.run(throttles.remove_expired) == 0
    shift_clock(minutes=1)
    assert world.run(throttles.remove_expired) == 2
