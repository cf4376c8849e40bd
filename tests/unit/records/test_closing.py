"""Closing an account: nothing runs on, nobody comes in, what names a person is gone, and the ledgers stand."""

import pytest

from cluster.errors import AccountExists
from cluster.records import accounts, api_keys, credits, lifecycle, sign_ups
from cluster.records.accounts import Details
from cluster.records.job_states import JobState
from cluster.records.principals import Principal, Role
from tests.world import World

DETAILS = Details("Zephyrina Quux", "z@quux.example", "Quux & Sons")


def opened(world: World, login: bytes | None = None) -> str:
    """An account with all details and credits."""
    account = world.run(accounts.create, world.keys, DETAILS, terms_version="terms", login_lookup=login)
    world.run(credits.grant, account.id, 100)
    return account.id


def test_a_closed_account_has_nothing_left_but_its_ledgers(world: World) -> None:
    account = opened(world, b"login")
    job = world.job(account)
    world.run(api_keys.create, world.keys, account)
    world.run(sign_ups.record, world.keys, account, "192.0.2.7")
    world.run(lifecycle.close, account)

    (row,) = world.sql("SELECT * FROM accounts WHERE id = :id", id=account)
    assert (row.name_sealed, row.email_sealed, row.company_sealed, row.email_lookup, row.login_lookup) == (None,) * 5
    assert row.closed_at
    (ended,) = world.sql("SELECT * FROM jobs WHERE id = :id", id=job)
    assert (ended.state, ended.error_code, ended.prompt_sealed) == (JobState.CANCELLED, "account_closed", None)
    assert world.sql("SELECT 1 FROM api_keys WHERE revoked_at IS NULL") == []
    assert world.transfers(job) == ["reserve", "release"]
    assert world.run(credits.discrepancies) == []
    assert world.run(accounts.get, account) is None


def test_closing_again_changes_nothing(world: World) -> None:
    account = opened(world)
    world.run(lifecycle.close, account)
    before = world.sql("SELECT * FROM accounts")
    world.run(lifecycle.close, account)
    assert world.sql("SELECT * FROM accounts") == before


def test_a_closed_account_frees_its_login(world: World) -> None:
    account = opened(world, b"login")
    keys = set(world.keys.accounts())
    with pytest.raises(AccountExists):
        opened(world, b"login")
    assert set(world.keys.accounts()) == keys
    world.run(lifecycle.close, account)
    assert opened(world, b"login") != account


def test_its_key_is_known_to_be_destroyed_only_once_it_is(world: World) -> None:
    account = opened(world)
    assert world.run(accounts.closed_with_key) == []
    world.run(lifecycle.close, account)
    assert world.run(accounts.closed_with_key) == [account]
    world.run(accounts.key_destroyed, account)
    assert world.run(accounts.closed_with_key) == []


def test_a_role_is_given_to_open_accounts_only(world: World) -> None:
    account = opened(world)
    assert world.run(accounts.set_role, account, Role.MODERATOR)
    (principal,) = _principals(world, account)
    assert principal.role is Role.MODERATOR
    world.run(lifecycle.close, account)
    assert not world.run(accounts.set_role, account, Role.OPERATOR)
    assert not world.run(accounts.set_role, "acct_nobody", Role.OPERATOR)
    assert _principals(world, account) == []


def _principals(world: World, account: str) -> list[Principal]:
    """Whom a key of the account leads to."""
    _, token = world.run(api_keys.create, world.keys, account)
    return list(world.run(api_keys.authenticate, [api_keys.lookup(world.keys, token)]).values())
