"""Rows that end by time: one rule for each category of the data map whose retention is a length of time or a task.

A category that has such rows and no rule here fails a test.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import Final

from sqlalchemy import Connection

from cluster.privacy import data_map
from cluster.privacy.in_words import life
from cluster.records import (
    allowances,
    expiry,
    fetches,
    idempotency,
    open_streams,
    submissions,
    throttles,
    video_batches,
    webhook_deliveries,
)
from cluster.settings import Settings
from cluster.storage.database import Database

__all__ = ["RULES", "forget_prompts", "remove_expired"]

Rule = Callable[[Connection, timedelta | None], int]

RULES: Final[Mapping[str, Rule]] = {
    "deliveries": lambda connection, kept: webhook_deliveries.remove_old(connection, kept or timedelta()),
    "batches": lambda connection, kept: video_batches.remove_old(connection, kept or timedelta()),
    "attempts": lambda connection, _: throttles.remove_expired(connection),
    "request_rates": lambda connection, _: allowances.remove_full(connection) + open_streams.remove_expired(connection),
    "links": lambda connection, _: fetches.remove_expired(connection),
    "submissions": lambda connection, _: submissions.remove_expired(connection),
    "retries": lambda connection, _: idempotency.remove_expired(connection),
}
"""By category. All but the first two carry their own end, ``expires_at`` mostly, set from the same setting."""


class _OnlyAsked(Exception):
    """Rolls a dry run back."""


def remove_expired(database: Database, settings: Settings, *, dry_run: bool) -> dict[str, int]:
    """Remove them, each category in a transaction of its own; how many."""
    counts = {}
    for category, rule in RULES.items():
        kept = life(data_map.load().categories[category], settings)
        counts[category] = _counted(database, partial(_apply, rule, kept), dry_run)
    return counts


def forget_prompts(database: Database, *, dry_run: bool) -> int:
    """Remove the words of jobs whose own time to live has passed; of how many."""
    return _counted(database, expiry.forget_words, dry_run)


def _apply(rule: Rule, kept: timedelta | None, connection: Connection) -> int:
    return rule(connection, kept)


def _counted(database: Database, change: Callable[[Connection], int], dry_run: bool) -> int:
    """How many rows it was. A dry run changes them and rolls back, so that it cannot disagree with the real one."""
    count = 0
    with suppress(_OnlyAsked), database.transaction() as connection:
        count = change(connection)
        if dry_run:
            raise _OnlyAsked
    return count
