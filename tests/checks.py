"""What must hold of a cluster's data after anything that happened."""

from dataclasses import dataclass, replace

from sqlalchemy import Connection, func, select, text

from cluster.records import credits, metadata
from cluster.records.access_log import access_log
from cluster.records.allowances import allowances
from cluster.records.media import media
from cluster.records.open_streams import open_streams
from cluster.storage.object_store import ObjectStore

__all__ = ["Differences", "Snapshot", "differences", "misspent", "snapshot"]


@dataclass(frozen=True)
class Differences:
    """Keys of objects that no row names, and keys of accepted rows that have no object."""

    orphans: frozenset[str]
    missing: frozenset[str]

    def __bool__(self) -> bool:
        """Whether there are any."""
        return bool(self.orphans or self.missing)


def differences(connection: Connection, objects: ObjectStore) -> Differences:
    """Hold rows and objects against each other; empty when nothing is being written."""
    stored = frozenset(objects.keys())
    rows = {row.object_key: row.state for row in connection.execute(select(media.c.object_key, media.c.state))}
    live = {key for key, state in rows.items() if state == "live"}
    return Differences(orphans=stored - rows.keys(), missing=frozenset(live) - stored)


@dataclass(frozen=True)
class Snapshot:
    """How many rows each table has, and which objects there are."""

    rows: dict[str, int]
    objects: frozenset[str]

    def plus(self, table: str) -> "Snapshot":
        """The same with one row more in a table."""
        return replace(self, rows=self.rows | {table: self.rows[table] + 1})


def snapshot(connection: Connection, objects: ObjectStore) -> Snapshot:
    """Take stock: two snapshots are equal if nothing was half-stored between them.

    Left out are the access log and what counts requests: whatever comes of one, that it was made stays on record.
    """
    counts = {
        table.name: connection.execute(select(func.count()).select_from(table)).scalar_one()
        for table in metadata.sorted_tables
        if table not in (access_log, allowances, open_streams)
    }
    return Snapshot(counts, frozenset(objects.keys()))


def misspent(connection: Connection) -> list[str]:
    """API keys that have spent anything but what their jobs cost, or more than their cap; normally none."""
    query = text("""
        SELECT k.id FROM api_keys k LEFT JOIN jobs j ON j.api_key_id = k.id AND j.state NOT IN ('failed', 'cancelled')
        GROUP BY k.id HAVING k.spent <> coalesce(sum(j.price), 0) OR k.spent > k.spending_cap
    """)
    return list(connection.execute(query).scalars())


def assert_sound(connection: Connection, objects: ObjectStore) -> None:
    """Objects are rows, credits balance, and keys have spent what their jobs cost."""
    assert not differences(connection, objects)
    assert credits.discrepancies(connection) == []
    assert misspent(connection) == []
