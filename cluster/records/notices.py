"""Published notices: every version that anybody could ever have answered, with its words."""

from collections.abc import Iterable

from sqlalchemy import ARRAY, Column, Connection, DateTime, Table, Text, select
from sqlalchemy.dialects.postgresql import insert

from cluster import clock
from cluster.privacy.notices import Notice
from cluster.storage.database import metadata

__all__ = ["notices", "publish", "published"]

notices = Table(
    "notices",
    metadata,
    Column("version", Text, primary_key=True),
    Column("purpose", Text, nullable=False, index=True),
    Column("title", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("data", ARRAY(Text), nullable=False),
    Column("recipient", Text, nullable=False),
    Column("country", Text, nullable=False),
    Column("how", Text, nullable=False),
    Column("published_at", DateTime(timezone=True), nullable=False),
)


def publish(connection: Connection, current: Iterable[Notice]) -> int:
    """Record the notices that are not yet on record; returns how many were new."""
    rows = [notice.model_dump() | {"data": list(notice.data), "published_at": clock.now()} for notice in current]
    if not rows:
        return 0
    statement = insert(notices).values(rows).on_conflict_do_nothing().returning(notices.c.version)
    return len(connection.execute(statement).all())


def published(connection: Connection, version: str) -> Notice | None:
    """The notice of a version, old or current, or None."""
    row = connection.execute(select(notices).where(notices.c.version == version)).mappings().one_or_none()
    return Notice(**{name: row[name] for name in Notice.model_fields}) if row else None
