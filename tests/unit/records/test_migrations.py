"""The migrations make what the tables in Python say, and make the ledgers append-only."""

from itertools import chain

import pytest
from sqlalchemy import CheckConstraint
from sqlalchemy.exc import ProgrammingError

from cluster.records import metadata
from cluster.storage.privileges import LEDGERS
from tests.fixtures_storage import assert_migrations_match
from tests.world import SHARE, World, fill_ledgers, notice_for


def test_migrations_and_metadata_agree(fresh_url: str) -> None:
    assert_migrations_match(fresh_url, metadata)


def test_every_check_constraint_is_in_the_database(world: World) -> None:
    """Alembic compares no check constraints, and loses those that hang on a column."""
    declared = {
        str(constraint.name)
        for table in metadata.tables.values()
        for constraint in chain(table.constraints, *(column.constraints for column in table.columns))
        if isinstance(constraint, CheckConstraint)
    }
    rows = world.sql("SELECT conname FROM pg_constraint WHERE contype = 'c' AND connamespace = 'public'::regnamespace")
    assert {row.conname for row in rows} == declared != set()


def test_leases_leave_room_for_heartbeats(world: World) -> None:
    (row,) = world.sql("SELECT reloptions FROM pg_class WHERE relname = 'leases'")
    assert row.reloptions == ["fillfactor=50"]


@pytest.mark.parametrize("ledger", sorted(LEDGERS))
@pytest.mark.parametrize("change", ["UPDATE {} SET account_id = account_id", "DELETE FROM {}", "TRUNCATE {}"])
def test_a_ledger_refuses_change(world: World, ledger: str, change: str) -> None:
    fill_ledgers(world, world.account(), notice_for(SHARE))
    before = world.sql(f"SELECT * FROM {ledger}")
    assert before
    with pytest.raises(ProgrammingError, match="InsufficientPrivilege"):
        world.sql(change.format(ledger))
    assert world.sql(f"SELECT * FROM {ledger}") == before
