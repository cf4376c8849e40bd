"""The credit ledger: whatever is done in whatever order, it balances, and nobody pays twice."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule, run_state_machine_as_test
from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from cluster.errors import InsufficientCredits
from cluster.records import credits
from cluster.records.credits import Balance, Discrepancy
from tests.world import World

AMOUNTS = st.integers(0, 60)
End = Callable[[Connection, str, str], None]


@dataclass
class Expected:
    """What an account should have."""

    available: int
    reserved: int = 0


class CreditMachine(RuleBasedStateMachine):
    """Accounts and jobs, with a model of two integers an account beside the ledger."""

    held = Bundle("held")
    ended = Bundle("ended")

    world: ClassVar[World]

    def __init__(self) -> None:
        super().__init__()
        self.expected = {self.world.account(amount): Expected(amount) for amount in (0, 50, 100)}

    @rule(target=held, index=st.integers(0, 2), amount=AMOUNTS)
    def reserve(self, index: int, amount: int) -> tuple[str, str, int] | None:
        account, mine = list(self.expected.items())[index]
        if amount > mine.available:
            with pytest.raises(InsufficientCredits):
                self.world.job(account, price=amount)
            return None
        job = self.world.job(account, price=amount)
        mine.available -= amount
        mine.reserved += amount
        return account, job, amount

    @rule(target=ended, reservation=consumes(held), charged=st.booleans())
    def end(self, reservation: tuple[str, str, int] | None, charged: bool) -> tuple[str, str, int] | None:
        if reservation is None:
            return None
        account, job, amount = reservation
        self.world.run(credits.settle if charged else credits.release, account, job)
        self.expected[account].reserved -= amount
        self.expected[account].available += 0 if charged else amount
        return reservation

    @rule(reservation=ended, end=st.sampled_from([credits.settle, credits.release]))
    def end_again(self, reservation: tuple[str, str, int] | None, end: End) -> None:
        if reservation:
            with pytest.raises(IntegrityError):
                self.world.run(end, reservation[0], reservation[1])

    @invariant()
    def balances(self) -> None:
        for account, mine in self.expected.items():
            assert self.world.run(credits.balance, account) == Balance(mine.available, mine.reserved)
        assert self.world.run(credits.discrepancies) == []


def test_the_ledger_always_balances(world: World) -> None:
    chosen = settings(
        max_examples=10, stateful_step_count=15, deadline=None, suppress_health_check=[HealthCheck.too_slow]
    )
    CreditMachine.world = world
    run_state_machine_as_test(CreditMachine, settings=chosen)


def test_a_balance_without_a_transfer_is_found(world: World) -> None:
    account = world.account(100)
    world.account(100)
    world.sql("UPDATE credit_balances SET available = available + 7 WHERE account_id = :a", a=account)
    assert world.run(credits.discrepancies) == [Discrepancy(account, 7, 0)]


def test_a_transfer_without_a_balance_is_found(world: World) -> None:
    account = world.account(100)
    world.sql("DELETE FROM credit_balances WHERE account_id = :a", a=account)
    assert world.run(credits.discrepancies) == [Discrepancy(account, -100, 0)]


@pytest.mark.parametrize("column", ["available", "reserved"])
def test_the_database_itself_refuses_a_negative_balance(world: World, column: str) -> None:
    world.account(5)
    with pytest.raises(IntegrityError):
        world.sql(f"UPDATE credit_balances SET {column} = -1")


def test_an_account_without_credits_has_none(world: World) -> None:
    assert world.run(credits.balance, "acct_nobody") == Balance(0, 0)
