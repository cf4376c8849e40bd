"""Fair shares: who waits for whom, in which order, and for how long at most."""

from collections import Counter
from datetime import timedelta
from itertools import combinations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cluster.records import jobs, lifecycle, standings, turns
from cluster.records.job_states import Actor, Priority, Stage
from tests.fixtures_cluster import ShiftClock
from tests.world import World

PATIENCE_SECONDS = 600
HISTORY = st.lists(st.tuples(st.integers(0, 3), st.integers(1, 9), st.booleans()), min_size=1, max_size=14)
"""Jobs as they come: whose, for which price, and whether the next one in line is then begun and ended."""
IN_ONE_DATABASE = settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


def promote(world: World) -> int:
    """What the director does once a second."""
    return world.run(turns.promote, timedelta(seconds=PATIENCE_SECONDS))


def end(world: World, job_id: str) -> None:
    """Whatever state it is in."""
    world.run(lifecycle.cancel, job_id, Actor.OWNER, "cancelled_by_user")


def drained(world: World) -> list[str]:
    """Everything that waits, in the order in which it is begun one by one."""
    order: list[str] = []
    while leases := world.claim(ingestion=1):
        order += [lease.job_id for lease in leases]
        end(world, order[-1])
    return order


def play(world: World, history: list[tuple[int, int, bool]]) -> tuple[list[str], list[str]]:
    """The accounts, and the jobs that still wait after what has happened."""
    accounts = [world.account(10_000) for _ in range(4)]
    waiting: list[str] = []
    for number, price, served in history:
        waiting.append(world.job(accounts[number], price=price))
        if served:
            (lease,) = world.claim(ingestion=1)
            end(world, lease.job_id)
            waiting.remove(lease.job_id)
    return accounts, waiting


@IN_ONE_DATABASE
@given(HISTORY, st.lists(st.integers(0, 30), max_size=4))
def test_positions_standings_and_claims_are_one_order(
    world: World, history: list[tuple[int, int, bool]], cancelled: list[int]
) -> None:
    _, waiting = play(world, history)
    for number in cancelled:
        if waiting:
            end(world, waiting.pop(number % len(waiting)))
    positions = world.run(jobs.queue_positions, [world.read(job_id) for job_id in waiting])
    told = world.run(standings.of_jobs, waiting)
    assert {job_id: standing.queue_position for job_id, standing in told.items()} == positions
    assert sorted(positions.values()) == list(range(1, len(waiting) + 1))
    assert drained(world) == sorted(waiting, key=lambda job_id: positions[job_id])


@IN_ONE_DATABASE
@given(HISTORY)
def test_whoever_comes_waits_for_one_job_of_each_other_at_most(
    world: World, history: list[tuple[int, int, bool]]
) -> None:
    _, waiting = play(world, history)
    owners = {job_id: world.read(job_id).account_id for job_id in waiting}
    mine = world.job(world.account(), price=50)
    order = drained(world)
    before = Counter(owners[job_id] for job_id in order[: order.index(mine)])
    assert set(before.values()) <= {1}


@IN_ONE_DATABASE
@given(HISTORY)
def test_accounts_that_wait_together_get_the_same(world: World, history: list[tuple[int, int, bool]]) -> None:
    _, waiting = play(world, history)
    found = {job_id: world.read(job_id) for job_id in waiting}
    left = Counter(job.account_id for job in found.values())
    dearest = {owner: max(j.price for j in found.values() if j.account_id == owner) for owner in left}
    used: Counter[str] = Counter()
    for job_id in drained(world):
        job = found[job_id]
        used[job.account_id] += job.price
        left[job.account_id] -= 1
        for one, other in combinations(dearest, 2):
            if left[one] and left[other]:
                assert abs(used[one] - used[other]) <= dearest[one] + dearest[other]


def test_a_hundred_jobs_delay_another_account_by_one(world: World) -> None:
    many, few = world.account(10_000), world.account()
    queued = [world.job(many) for _ in range(40)]
    assert [lease.job_id for lease in world.claim(ingestion=2)] == queued[:2]
    assert world.run(jobs.queue_positions, [world.read(world.job(few))]).popitem()[1] <= 2


def test_what_waits_between_stages_is_in_the_same_line(world: World) -> None:
    """Photos are prepared faster than videos are made: most of the waiting is before generation."""
    many, few = world.account(10_000), world.account()
    queued = [world.job(many) for _ in range(8)]
    begun = world.claim()
    for stage in (Stage.INGESTION, Stage.INPUT_SCREENING):
        assert all(world.run(lifecycle.end_stage, lease, {}) for lease in begun)
        begun = world.claim(input_screening=100) if stage is Stage.INGESTION else []
    world.claim(generation=2)
    single = world.job(few)
    for stage in (Stage.INGESTION, Stage.INPUT_SCREENING):
        (lease,) = world.claim(**{stage.value: 1})
        assert lease.job_id == single
        assert world.run(lifecycle.end_stage, lease, {})
    assert [lease.job_id for lease in world.claim(generation=4)] == [queued[2], single]


def test_whoever_asks_again_and_again_gets_no_more_than_who_waits(world: World) -> None:
    many, again = world.account(10_000), world.account(10_000)
    queued = {world.job(many) for _ in range(20)}
    world.job(again)
    served = []
    for _ in range(10):
        (lease,) = world.claim(ingestion=1)
        served.append(lease.job_id in queued)
        end(world, lease.job_id)
        if not served[-1]:
            world.job(again)
    assert sum(served) == 5


def test_a_dear_job_counts_for_more_than_a_cheap_one(world: World) -> None:
    dear, cheap = world.account(), world.account()
    first, second = (world.job(dear, price=40) for _ in range(2))
    small = [world.job(cheap, price=10) for _ in range(5)]
    assert drained(world) == [first, *small[:4], second, small[4]]


def test_waiting_while_nobody_else_does_is_no_debt(world: World) -> None:
    one, other = world.account(10_000), world.account()
    for _ in range(5):
        world.job(one)
    drained(world)
    again = [world.job(one), world.job(other)]
    assert drained(world) == again


def test_low_gives_way_to_everything_normal(world: World) -> None:
    one, other = world.account(), world.account()
    low = [world.job(one, priority=Priority.LOW), world.job(other, priority=Priority.LOW)]
    normal = [world.job(one) for _ in range(3)]
    assert promote(world) == 0
    assert world.read(low[0]).priority is Priority.LOW
    assert drained(world) == [*normal, *low]


def test_low_does_not_delay_the_account_s_own_normal_jobs(world: World) -> None:
    one, other = world.account(), world.account()
    for _ in range(5):
        world.job(one, priority=Priority.LOW)
    others = [world.job(other) for _ in range(2)]
    assert drained(world)[:2] == [others[0], others[1]]
    mine = world.job(one)
    assert world.run(jobs.queue_positions, [world.read(mine)]) == {mine: 1}


def test_low_becomes_normal_after_a_while_one_by_one(world: World, shift_clock: ShiftClock) -> None:
    one, other = world.account(), world.account()
    low = [world.job(one, priority=Priority.LOW) for _ in range(2)]
    shift_clock(seconds=PATIENCE_SECONDS + 1)
    fresh = world.job(one, priority=Priority.LOW)
    normal = [world.job(other) for _ in range(3)]
    assert (promote(world), promote(world)) == (2, 0)
    assert [world.read(job_id).priority for job_id in (*low, fresh)] == [Priority.NORMAL] * 2 + [Priority.LOW]
    assert drained(world) == [low[0], normal[0], low[1], *normal[1:], fresh]


@pytest.mark.parametrize("attempts", [1, 2])
def test_a_job_that_is_tried_again_goes_behind_its_account_s_others(world: World, attempts: int) -> None:
    account, other = world.account(), world.account()
    poison, waiting = world.job(account), world.job(account)
    theirs = [world.job(other) for _ in range(3)]
    for _ in range(attempts):
        lease = next(lease for lease in world.claim() if lease.job_id == poison)
        world.sql("DELETE FROM leases WHERE job_id <> :id", id=poison)
        world.run(lifecycle.lose, lease, 5)
    order = [lease.job_id for lease in world.claim(ingestion=5)]
    assert order.index(poison) > order.index(waiting)
    assert order.index(poison) > order.index(theirs[1])
