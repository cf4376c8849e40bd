"""Who fails again and again is left alone, longer each time, and one attempt at a time finds out whether it works."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from cluster import clock
from cluster.records import breakers
from tests.fixtures_cluster import ShiftClock
from tests.world import World

NAME = "kling"
MINUTE = timedelta(minutes=1)


def fails(world: World, times: int) -> list[bool]:
    return [world.run(breakers.failed, NAME) for _ in range(times)]


def pause(world: World) -> timedelta:
    """For how long it is open."""
    until = world.run(breakers.open_until, NAME)
    assert until
    return until - clock.now()


def test_the_fifth_failure_in_a_row_opens_it(world: World) -> None:
    assert fails(world, 4) == [False] * 4
    world.run(breakers.worked, NAME)
    assert fails(world, 4) == [False] * 4
    assert world.run(breakers.admit, NAME) is None
    assert fails(world, 1) == [True]
    assert MINUTE - timedelta(seconds=5) < pause(world) <= MINUTE
    assert world.run(breakers.admit, NAME) == world.run(breakers.open_until, NAME)
    assert world.run(breakers.open_until, "wan") is None


def test_what_meets_everybody_opens_it_at_once(world: World) -> None:
    assert world.run(breakers.failed, NAME, everybody=True)
    assert world.run(breakers.open_until, NAME) is not None


def test_after_that_one_of_many_finds_out(world: World, shift_clock: ShiftClock) -> None:
    fails(world, 5)
    shift_clock(seconds=61)
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: world.run(breakers.admit, NAME), range(16)))
    assert answers.count(None) == 1
    world.run(breakers.worked, NAME)
    assert world.run(breakers.admit, NAME) is None
    assert world.run(breakers.open_until, NAME) is None


def test_each_time_it_is_left_alone_for_longer_and_never_for_ever(world: World, shift_clock: ShiftClock) -> None:
    fails(world, 5)
    pauses = []
    for _ in range(40):
        shift_clock(seconds=pause(world).total_seconds() + 1)
        assert world.run(breakers.admit, NAME) is None
        fails(world, 3)
        pauses.append(pause(world).total_seconds())
    assert pauses[:4] == pytest.approx([120, 240, 480, 900], abs=5)
    assert pauses[-1] == pytest.approx(900, abs=5)
