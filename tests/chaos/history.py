"""Reads database and object store after all has settled, and says what should never have happened."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, text

from cluster.privacy.media_kinds import KINDS, Lifetime
from cluster.records import credits
from cluster.storage.object_store import ObjectStore
from tests.chaos.journal import Journal
from tests.checks import differences, misspent

__all__ = ["History", "violations"]

_KEPT = sorted(kind.value for kind, rule in KINDS.items() if rule.of_a_job and rule.lifetime is Lifetime.ACCOUNT)


@dataclass(frozen=True)
class History:
    """Where to look, and what clients were told."""

    connection: Connection
    objects: ObjectStore
    journal: Journal
    max_attempts: int

    def rows(self, query: str, **values: object) -> list[Any]:
        """What a query finds."""
        return list(self.connection.execute(text(query), values))


def violations(connection: Connection, objects: ObjectStore, journal: Journal, max_attempts: int) -> list[str]:
    """Everything that is wrong, a sentence each; empty if nothing accepted was lost, charged twice or left behind."""
    history = History(connection, objects, journal, max_attempts)
    return [sentence for check in _CHECKS for sentence in check(history)]


def _every_accepted_job_is_there(history: History) -> Iterator[str]:
    known = {row.id for row in history.rows("SELECT id FROM jobs")}
    for lost in sorted(history.journal.accepted - known):
        yield f"{lost} was accepted and is not there"


def _every_job_has_ended(history: History) -> Iterator[str]:
    for row in history.rows("SELECT id, state, stage FROM jobs WHERE state IN ('queued', 'in_progress')"):
        yield f"{row.id} has not ended: {row.state}, {row.stage}"
    for row in history.rows("SELECT job_id FROM leases"):
        yield f"{row.job_id} still has a lease"


def _attempts_are_bounded(history: History) -> Iterator[str]:
    query = (
        "SELECT id, attempts FROM jobs WHERE attempts > :most OR (state IN ('completed', 'failed') AND attempts < 1)"
    )
    for row in history.rows(query, most=history.max_attempts):
        yield f"{row.id} has {row.attempts} attempts"


def _charged_if_and_only_if_delivered(history: History) -> Iterator[str]:
    query = """
        SELECT j.id, j.state, coalesce(string_agg(t.kind, ' ' ORDER BY t.sequence), 'nothing') AS kinds,
               count(*) FILTER (WHERE t.amount <> j.price) AS wrong
        FROM jobs j LEFT JOIN credit_transfers t ON t.job_id = j.id
        WHERE j.state NOT IN ('queued', 'in_progress') GROUP BY j.id, j.state
    """
    for row in history.rows(query):
        wanted = "reserve settle" if row.state == "completed" else "reserve release"
        if row.kinds != wanted:
            yield f"{row.id} is {row.state} with {row.kinds}"
        if row.wrong:
            yield f"{row.id} moved another amount than its price"


def _credits_balance(history: History) -> Iterator[str]:
    for found in credits.discrepancies(history.connection):
        yield f"the balances of {found.account_id} are off by {found.available} and {found.reserved}"
    for row in history.rows("SELECT account_id, reserved FROM credit_balances WHERE reserved <> 0"):
        yield f"{row.account_id} still has {row.reserved} reserved"
    for key_id in misspent(history.connection):
        yield f"the key {key_id} has spent something else than its jobs cost"


def _objects_are_rows(history: History) -> Iterator[str]:
    found = differences(history.connection, history.objects)
    for key in sorted(found.orphans):
        yield f"the object {key} belongs to no row"
    for key in sorted(found.missing):
        yield f"the object {key} is missing"
    query = "SELECT object_key, state FROM media WHERE state = 'doomed' OR (state = 'writing' AND job_id IS NOT NULL)"
    for row in history.rows(query):
        yield f"the row of {row.object_key} was left {row.state}"


def _exactly_what_was_delivered_is_kept(history: History) -> Iterator[str]:
    query = """
        SELECT j.id, j.state, j.deleted_at, array_remove(array_agg(m.kind), NULL) AS kinds
        FROM jobs j LEFT JOIN media m ON m.job_id = j.id AND m.state = 'live'
        WHERE j.state NOT IN ('queued', 'in_progress') GROUP BY j.id
    """
    for row in history.rows(query):
        wanted = _KEPT if row.state == "completed" and row.deleted_at is None else []
        if sorted(row.kinds) != wanted:
            yield f"{row.id} is {row.state} and has {' '.join(sorted(row.kinds)) or 'nothing'}"


def _one_job_for_one_request(history: History) -> Iterator[str]:
    query = """
        SELECT j.id FROM jobs j WHERE j.account_id = ANY(:accounts) AND NOT EXISTS
        (SELECT FROM idempotency_keys k WHERE k.account_id = j.account_id AND k.job_id = j.id)
    """
    for row in history.rows(query, accounts=sorted(history.journal.accounts)):
        yield f"{row.id} is the twin of another job: no request stands behind it"


def _what_was_told_is_true(history: History) -> Iterator[str]:
    yield from history.journal.contradictions
    jobs = {row.id: row for row in history.rows("SELECT id, state, deleted_at FROM jobs")}
    for job_id, told in history.journal.ends.items():
        if job_id in jobs and jobs[job_id].state != told:
            yield f"{job_id} was said to be {told} and is {jobs[job_id].state}"
    for job_id in history.journal.deleted:
        if job_id in jobs and jobs[job_id].deleted_at is None:
            yield f"{job_id} was said to be deleted and is not"


_CHECKS: tuple[Callable[[History], Iterator[str]], ...] = (
    _every_accepted_job_is_there,
    _every_job_has_ended,
    _attempts_are_bounded,
    _charged_if_and_only_if_delivered,
    _credits_balance,
    _objects_are_rows,
    _exactly_what_was_delivered_is_kept,
    _one_job_for_one_request,
    _what_was_told_is_true,
)
