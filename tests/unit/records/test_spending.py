"""Spending caps: whatever happens in whatever order, a key has spent what its jobs cost and never more than its cap."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Barrier
from typing import ClassVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from sqlalchemy.exc import IntegrityError

from cluster.errors import InvalidCredentials, SpendingCapReached
from cluster.records import api_keys, credits, lifecycle, spending
from cluster.records.job_states import Actor
from tests.checks import misspent
from tests.world import PRICE, World


def key_of(world: World, account: str, cap: int | None = None) -> str:
    return world.run(api_keys.create, world.keys, account, spending_cap=cap)[0].id


def spent(world: World, key_id: str) -> int:
    (row,) = world.sql("SELECT spent FROM api_keys WHERE id = :key", key=key_id)
    return int(row.spent)


@dataclass
class Made:
    """A job that was accepted, and whether it still counts and still runs."""

    job_id: str
    key_id: str
    price: int
    counts: bool = True
    runs: bool = True


class SpendingMachine(RuleBasedStateMachine):
    """Two capped keys and an open one of one account, with a list of jobs as the model of what they have spent."""

    made_jobs = Bundle("made_jobs")
    world: ClassVar[World]

    def __init__(self) -> None:
        super().__init__()
        self.account = self.world.account(10_000)
        self.caps = {key_of(self.world, self.account, cap): cap for cap in (0, 30, 100, None)}
        self.made: list[Made] = []

    @rule(target=made_jobs, index=st.integers(0, 3), price=st.integers(0, 40))
    def create(self, index: int, price: int) -> Made | None:
        key_id, cap = list(self.caps.items())[index]
        if cap is not None and self.expected(key_id) + price > cap:
            with pytest.raises(SpendingCapReached):
                self.world.job(self.account, price=price, api_key_id=key_id)
            return None
        one = Made(self.world.job(self.account, price=price, api_key_id=key_id), key_id, price)
        self.made.append(one)
        return one

    @rule(one=made_jobs)
    def cancel(self, one: Made | None) -> None:
        if one:
            assert self.world.run(lifecycle.cancel, one.job_id, Actor.OWNER, "cancelled_by_user") == one.runs
            self.undelivered(one)

    @rule(one=made_jobs)
    def delete(self, one: Made | None) -> None:
        if one:
            self.world.run(lifecycle.delete, self.account, one.job_id)
            self.undelivered(one)

    @rule(failing=st.booleans())
    def end_what_is_due(self, failing: bool) -> None:
        running = {one.job_id: one for one in self.made}
        for lease in self.world.claim():
            if lease.job_id not in running:
                continue
            if failing:
                assert self.world.run(lifecycle.fail, lease, "internal")
                assert not self.world.run(lifecycle.fail, lease, "internal")
                self.undelivered(running[lease.job_id])
            else:
                assert self.world.run(lifecycle.complete, self.world.advance(lease))
                running[lease.job_id].runs = False

    @invariant()
    def spending_is_what_jobs_cost(self) -> None:
        for key_id, cap in self.caps.items():
            assert spent(self.world, key_id) == self.expected(key_id)
            assert cap is None or self.expected(key_id) <= cap
        assert self.world.run(misspent) == []
        assert self.world.run(credits.discrepancies) == []

    def expected(self, key_id: str) -> int:
        return sum(one.price for one in self.made if one.key_id == key_id and one.counts)

    @staticmethod
    def undelivered(one: Made) -> None:
        one.counts, one.runs = one.counts and not one.runs, False


def test_a_key_has_always_spent_what_its_jobs_cost(world: World) -> None:
    chosen = settings(
        max_examples=10, stateful_step_count=12, deadline=None, suppress_health_check=[HealthCheck.too_slow]
    )
    SpendingMachine.world = world
    run_state_machine_as_test(SpendingMachine, settings=chosen)


def test_ending_a_job_twice_at_once_gives_back_once(world: World) -> None:
    account, together = world.account(), Barrier(4)
    key_id = key_of(world, account, 3 * PRICE)
    kept, job_id = (world.job(account, api_key_id=key_id) for _ in range(2))
    (lease,) = [lease for lease in world.claim() if lease.job_id == job_id]

    def end(number: int) -> bool:
        together.wait()
        if number % 2:
            return world.run(lifecycle.fail, lease, "internal")
        return world.run(lifecycle.cancel, job_id, Actor.OWNER, "cancelled_by_user")

    with ThreadPoolExecutor(4) as threads:
        assert sum(threads.map(end, range(4))) == 1
    assert spent(world, key_id) == world.read(kept).price == PRICE
    assert world.transfers(job_id) == ["reserve", "release"]


def test_charges_at_once_stay_below_the_cap_without_any_other_lock(world: World) -> None:
    key_id, together = key_of(world, world.account(), 10), Barrier(8)

    def charge(_: int) -> bool:
        together.wait()
        try:
            world.run(spending.charge, key_id, 3)
        except SpendingCapReached:
            return False
        return True

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(charge, range(8))) == 3
    assert spent(world, key_id) == 9


def test_accepting_and_ending_with_two_keys_at_once_comes_to_an_end(world: World) -> None:
    account = world.account(10_000)
    pair = [key_of(world, account) for _ in range(2)]

    def churn(number: int) -> None:
        for turn in range(10):
            job_id = world.job(account, api_key_id=pair[(number + turn) % 2])
            assert world.run(lifecycle.cancel, job_id, Actor.OWNER, "cancelled_by_user")

    with ThreadPoolExecutor(6) as threads:
        list(threads.map(churn, range(6)))
    assert [spent(world, key_id) for key_id in pair] == [0, 0]


def test_a_refused_job_leaves_no_row_and_no_reservation(world: World) -> None:
    account = world.account(100)
    key_id = key_of(world, account, PRICE - 1)
    with pytest.raises(SpendingCapReached):
        world.job(account, api_key_id=key_id)
    assert world.sql("SELECT 1 FROM jobs") == []
    assert world.run(credits.balance, account).available == 100
    assert spent(world, key_id) == 0


def test_a_revoked_key_spends_nothing_and_still_gets_back(world: World) -> None:
    account = world.account()
    key_id = key_of(world, account)
    job_id = world.job(account, api_key_id=key_id)
    world.run(api_keys.revoke, account, key_id)
    with pytest.raises(InvalidCredentials):
        world.run(spending.charge, key_id, 1)
    world.run(lifecycle.cancel, job_id, Actor.OWNER, "cancelled_by_user")
    assert spent(world, key_id) == 0


@pytest.mark.parametrize("column", ["spent", "spending_cap"])
def test_the_database_itself_refuses_less_than_nothing(world: World, column: str) -> None:
    key_of(world, world.account())
    with pytest.raises(IntegrityError):
        world.sql(f"UPDATE api_keys SET {column} = -1")
