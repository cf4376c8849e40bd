"""The history checker finds nothing where all is well, and each planted fault."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, create_engine, make_url, text

from cluster.privacy.media_kinds import KINDS, Lifetime, MediaKind
from cluster.records import api_keys, idempotency, lifecycle, media
from cluster.records.idempotency import Ticket
from cluster.records.job_states import Actor
from cluster.storage.local_objects import LocalObjects
from tests.chaos.history import violations
from tests.chaos.journal import Journal
from tests.world import World

MAX_ATTEMPTS = 3


@dataclass
class Past:
    """A world in which one job was completed, one failed, one cancelled and one deleted, and whose clients know."""

    world: World
    objects: LocalObjects
    connection: Connection
    journal: Journal = field(default_factory=Journal)

    def __post_init__(self) -> None:
        self.account = self.world.account()
        self.completed, self.deleted = self.completed_job("a"), self.completed_job("b")
        self.failed = self.accepted("c")
        self.world.run(lifecycle.fail, self.world.claim()[0], "internal")
        self.cancelled = self.accepted("d")
        self.world.run(lifecycle.cancel, self.cancelled, Actor.OWNER, "cancelled_by_user")
        self.world.run(lifecycle.delete, self.account, self.deleted)
        self.journal.was_deleted(self.deleted)
        self.erase()

    def accepted(self, name: str) -> str:
        """A job that a request with that key was answered with."""
        job_id = self.world.job(self.account)
        ticket = Ticket(self.account, name.encode(), b"body")
        self.world.run(idempotency.claim, ticket, timedelta(hours=1))
        self.world.run(idempotency.fulfil, ticket, job_id)
        self.journal.was_accepted(self.account, name, job_id)
        return job_id

    def completed_job(self, name: str) -> str:
        """A job that was delivered."""
        job_id = self.accepted(name)
        for kind, rule in KINDS.items():
            if rule.of_a_job and rule.lifetime is Lifetime.ACCOUNT:
                self.written(kind, job_id)
        assert self.world.run(lifecycle.complete, self.world.advance(self.world.claim()[0]))
        self.journal.was_seen(job_id, "completed", "digest")
        return job_id

    def written(self, kind: MediaKind, job_id: str | None = None) -> str:
        """A live object; its key."""
        medium = self.world.run(media.begin, self.account, kind, "text/plain", job_id=job_id, fence=1)
        self.objects.put(medium.object_key, [b"sealed"])
        self.world.run(media.finish, medium.id, 6)
        return medium.object_key

    def erase(self) -> None:
        """What a director does with the doomed."""
        for medium in self.world.run(media.doomed):
            self.objects.delete(medium.object_key)
            self.world.run(media.forget, medium.id)

    def sql(self, statement: str, **values: object) -> list[Any]:
        """Plant with SQL what no program could; the rows that it returns."""
        result = self.connection.execute(text(statement), values)
        return list(result) if result.returns_rows else []

    def found(self) -> list[str]:
        """What the checker says."""
        return violations(self.connection, self.objects, self.journal, MAX_ATTEMPTS)


@pytest.fixture
def past(world: World, fresh_url: str, tmp_path: Path) -> Iterator[Past]:
    """A past in which nothing went wrong. What is planted with SQL is taken back: other tests need the indexes."""
    engine = create_engine(make_url(fresh_url).set(drivername="postgresql+psycopg"))
    with engine.connect() as connection:
        connection.execute(text("SET session_replication_role = replica"))
        yield Past(world, LocalObjects(tmp_path / "objects"), connection)
    engine.dispose()


def test_nothing_is_found_where_all_is_well(past: Past) -> None:
    assert past.found() == []


def lost(past: Past) -> str:
    past.journal.was_accepted(past.account, "lost", "video_lost")
    return "video_lost was accepted and is not there"


def forgotten(past: Past) -> str:
    return f"{past.accepted('e')} has not ended: queued, ingestion"


def left_lease(past: Past) -> str:
    past.sql("INSERT INTO leases VALUES (:id, 1, 'publish', 'x', 0, 0, '2020-01-01')", id=past.completed)
    return f"{past.completed} still has a lease"


def endless(past: Past) -> str:
    past.sql("UPDATE jobs SET attempts = 4 WHERE id = :id", id=past.failed)
    return f"{past.failed} has 4 attempts"


def double_charge(past: Past) -> str:
    past.sql("DROP INDEX uq_credit_transfers_end")
    _transfer(past, past.completed, "settle")
    return f"{past.completed} is completed with reserve settle settle"


def charge_for_a_failed_job(past: Past) -> str:
    past.sql("DELETE FROM credit_transfers WHERE job_id = :id AND kind = 'release'", id=past.failed)
    _transfer(past, past.failed, "settle")
    return f"{past.failed} is failed with reserve settle"


def uncharged(past: Past) -> str:
    past.sql("DELETE FROM credit_transfers WHERE job_id = :id AND kind = 'settle'", id=past.completed)
    return f"{past.completed} is completed with reserve"


def another_price(past: Past) -> str:
    past.sql("UPDATE jobs SET price = price + 1 WHERE id = :id", id=past.completed)
    return f"{past.completed} moved another amount than its price"


def unbalanced(past: Past) -> str:
    past.sql("UPDATE credit_balances SET available = available + 1")
    return f"the balances of {past.account} are off by 1 and 0"


def still_reserved(past: Past) -> str:
    past.sql("UPDATE credit_balances SET reserved = 7")
    return f"{past.account} still has 7 reserved"


def misspent_key(past: Past) -> str:
    key = past.world.run(api_keys.create, past.world.keys, past.account, name="a key")[0]
    past.sql("UPDATE api_keys SET spent = 1 WHERE id = :id", id=key.id)
    return f"the key {key.id} has spent something else than its jobs cost"


def orphan(past: Past) -> str:
    past.objects.put("video/nobody", [b"sealed"])
    return "the object video/nobody belongs to no row"


def missing(past: Past) -> str:
    (row,) = past.sql("SELECT object_key FROM media WHERE kind = 'video'")
    past.objects.delete(row.object_key)
    return f"the object {row.object_key} is missing"


def left_doomed(past: Past) -> str:
    key = past.written(MediaKind.UPLOAD)
    past.sql("UPDATE media SET state = 'doomed' WHERE object_key = :key", key=key)
    return f"the row of {key} was left doomed"


def kept_of_a_failed_job(past: Past) -> str:
    past.written(MediaKind.VIDEO, past.failed)
    return f"{past.failed} is failed and has video"


def incomplete(past: Past) -> str:
    past.sql("UPDATE media SET job_id = NULL WHERE kind = 'spritesheet'")
    return f"{past.completed} is completed and has input thumbnail video"


def twin(past: Past) -> str:
    job_id = past.world.job(past.account)
    past.world.run(lifecycle.cancel, job_id, Actor.OWNER, "cancelled_by_user")
    return f"{job_id} is the twin of another job: no request stands behind it"


def two_answers(past: Past) -> str:
    past.journal.was_accepted(past.account, "a", past.failed)
    return f"one Idempotency-Key was answered with {past.completed} and {past.failed}"


def untrue_end(past: Past) -> str:
    past.journal.was_seen(past.failed, "completed")
    return f"{past.failed} was said to be completed and is failed"


def taken_back(past: Past) -> str:
    past.journal.was_seen(past.completed, "in_progress")
    return f"{past.completed} was said to be completed, then in_progress"


def other_content(past: Past) -> str:
    past.journal.was_seen(past.completed, "completed", "another digest")
    return f"{past.completed} was delivered with two contents"


def undeleted(past: Past) -> str:
    past.journal.was_deleted(past.completed)
    return f"{past.completed} was said to be deleted and is not"


FAULTS: tuple[Callable[[Past], str], ...] = (
    lost,
    forgotten,
    left_lease,
    endless,
    double_charge,
    charge_for_a_failed_job,
    uncharged,
    another_price,
    unbalanced,
    still_reserved,
    misspent_key,
    orphan,
    missing,
    left_doomed,
    kept_of_a_failed_job,
    incomplete,
    twin,
    two_answers,
    untrue_end,
    taken_back,
    other_content,
    undeleted,
)


@pytest.mark.parametrize("plant", FAULTS, ids=lambda plant: plant.__name__)
def test_a_planted_fault_is_found(past: Past, plant: Callable[[Past], str]) -> None:
    assert plant(past) in past.found()


def _transfer(past: Past, job_id: str, kind: str) -> None:
    past.sql(
        "INSERT INTO credit_transfers (account_id, job_id, kind, source, target, amount, moved_at)"
        " SELECT account_id, id, :kind, 'reserved', 'earned', price, '2020-01-01' FROM jobs WHERE id = :id",
        id=job_id,
        kind=kind,
    )
