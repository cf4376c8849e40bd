"""API keys: the secret exists only with its owner."""

import pytest

from cluster.records import api_keys
from cluster.records.principals import EVERY_SCOPE, Credential, Principal
from tests.fixtures_cluster import ShiftClock
from tests.world import World


def opened(world: World, token: str) -> Principal | None:
    """Whom a token leads to."""
    lookup = api_keys.lookup(world.keys, token)
    return world.run(api_keys.authenticate, [lookup]).get(lookup)


def test_a_key_opens_its_own_account_until_it_is_revoked(world: World) -> None:
    account, other = world.account(), world.account()
    key, token = world.run(api_keys.create, world.keys, account)
    principal = opened(world, token)
    assert principal == Principal(account, Credential.KEY, key.id, EVERY_SCOPE, 1)
    assert world.run(api_keys.alive, [key.id]) == {key.id}
    assert not world.run(api_keys.revoke, other, key.id)
    assert world.run(api_keys.revoke, account, key.id)
    assert opened(world, token) is None
    assert world.run(api_keys.alive, [key.id]) == set()
    assert not world.run(api_keys.revoke, account, key.id)
    assert world.run(api_keys.listing, account) == []


@pytest.mark.parametrize("mark", ["frozen_at", "closed_at"])
def test_a_key_of_an_account_that_ended_opens_nothing(world: World, mark: str) -> None:
    account = world.account()
    _, token = world.run(api_keys.create, world.keys, account)
    world.sql(f"UPDATE accounts SET {mark} = created_at")
    assert opened(world, token) is None


def test_a_key_expires(world: World, shift_clock: ShiftClock) -> None:
    _, token = world.run(api_keys.create, world.keys, world.account())
    world.sql("UPDATE api_keys SET expires_at = created_at + interval '1 hour'")
    assert opened(world, token)
    shift_clock(hours=1)
    assert opened(world, token) is None


def test_almost_a_key_opens_nothing(world: World) -> None:
    _, token = world.run(api_keys.create, world.keys, world.account())
    for wrong in ("", token[:-1], token + "x", token.upper(), token.replace("i2v_", ""), "\x00"):
        assert opened(world, wrong) is None
