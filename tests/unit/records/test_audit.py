"""What was done to accounts and keys is on the trail, by the transaction that did it, and names nobody."""

import pytest
from sqlalchemy.exc import IntegrityError

from cluster.records import accounts, api_keys, audit, lifecycle
from cluster.records.accounts import Details
from cluster.records.audit import AuditAction
from cluster.records.principals import Role
from tests.world import World

DETAILS = Details("Zephyrina Quux", "z@quux.example", "Quux & Sons")


def trail(world: World, account: str) -> list[tuple[str, str | None]]:
    query = "SELECT action, detail FROM audit WHERE account_id = :id ORDER BY sequence"
    return [tuple(row) for row in world.sql(query, id=account)]


def test_a_whole_life_is_on_the_trail(world: World) -> None:
    account = world.run(accounts.create, world.keys, DETAILS, terms_version="terms").id
    key, _ = world.run(api_keys.create, world.keys, account, name="Zephyrina's laptop")
    other, _ = world.run(api_keys.create, world.keys, account)
    assert world.run(accounts.set_role, account, Role.OPERATOR)
    assert world.run(api_keys.revoke, account, key.id)
    world.run(lifecycle.close, account)
    world.run(accounts.key_destroyed, account)
    assert sorted(trail(world, account)) == sorted(
        [
            ("account_opened", "user"),
            ("api_key_made", key.id),
            ("api_key_made", other.id),
            ("role_changed", "operator"),
            ("api_key_revoked", key.id),
            ("api_key_revoked", other.id),
            ("account_closed", None),
            ("account_key_destroyed", None),
        ]
    )


def test_what_is_not_done_is_not_on_it(world: World) -> None:
    account = world.account()
    before = trail(world, account)
    assert not world.run(accounts.set_role, "acct_00000000000000000000000000", Role.OPERATOR)
    assert not world.run(api_keys.revoke, account, "key_00000000000000000000000000")
    assert trail(world, account) == before


@pytest.mark.parametrize("words", ["Zephyrina Quux", "z@quux.example", "", "x" * 65])
def test_free_text_finds_no_place_on_it(world: World, words: str) -> None:
    account = world.account()
    with pytest.raises(IntegrityError):
        world.run(audit.append, account, AuditAction.ROLE_CHANGED, words)
