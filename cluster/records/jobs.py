"""Jobs: the durable queue. A row is the whole truth about a job; the prompt in it is sealed."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, Literal

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    Column,
    Connection,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Row,
    SmallInteger,
    Table,
    Text,
    case,
    func,
    insert,
    select,
    text,
    tuple_,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB

from cluster import clock
from cluster.records.accounts import accounts
from cluster.records.job_states import ACTIVE, Actor, JobState, Priority, Stage, sources
from cluster.records.leases import leases
from cluster.storage.database import metadata
from cluster.storage.keys import KeyStore
from cluster.storage.openings import Opening

__all__ = [
    "NO_WORDS",
    "ORDER",
    "Job",
    "NewJob",
    "create",
    "get",
    "jobs",
    "line",
    "listing",
    "move",
    "negative_prompt_of",
    "prompt_of",
    "queue_positions",
    "words_of",
]

Words = Literal["prompt", "negative_prompt"]
"""What a job's owner wrote for it: each is sealed in a column of its own, and all go together."""

_WORDS: Final[tuple[Words, ...]] = ("prompt", "negative_prompt")
NO_WORDS: Final[dict[str, Any]] = {f"{words}_sealed": None for words in _WORDS}

jobs = Table(
    "jobs",
    metadata,
    Column("id", Text, primary_key=True),
    Column("account_id", ForeignKey("accounts.id"), nullable=False),
    Column("epoch", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
    Column("stage", Text, nullable=False),
    Column("model", Text, nullable=False),
    Column("purposes", ARRAY(Text), nullable=False),
    Column("consent_snapshot", JSONB, nullable=False),
    Column("parameters", JSONB, nullable=False),
    Column("facts", JSONB, nullable=False),
    Column("prompt_sealed", LargeBinary),
    Column("negative_prompt_sealed", LargeBinary),
    Column("subject_lookup", LargeBinary),
    Column("api_key_id", ForeignKey("api_keys.id"), index=True),
    Column("remixed_from", Text),
    Column("store", Boolean, nullable=False),
    Column("priority", SmallInteger, nullable=False),
    Column("turn", BigInteger, nullable=False),
    Column("price", BigInteger, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("fence", BigInteger, nullable=False),
    Column("error_code", Text),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("started_at", DateTime(timezone=True)),
    Column("completed_at", DateTime(timezone=True)),
    Column("expires_at", DateTime(timezone=True)),
    Column("erased_at", DateTime(timezone=True)),
    Column("deleted_at", DateTime(timezone=True)),
    Index("ix_jobs_account_id_id", "account_id", "id"),
    Index("ix_jobs_account_id_turn", "account_id", "priority", "turn"),
    Index("ix_jobs_turn", "priority", "turn"),
    Index("ix_jobs_completed_at", "completed_at", postgresql_where=text("completed_at IS NOT NULL")),
    Index(
        "ix_jobs_expires_at",
        "expires_at",
        postgresql_where=text("expires_at IS NOT NULL AND erased_at IS NULL"),
    ),
    Index("ix_jobs_subject_lookup", "subject_lookup", postgresql_where=text("subject_lookup IS NOT NULL")),
    Index(
        "ix_jobs_subject_erasing",
        "id",
        postgresql_where=text("subject_lookup IS NOT NULL AND erased_at IS NOT NULL"),
    ),
)


@dataclass(frozen=True, slots=True)
class NewJob:
    """What an accepted request becomes. ``api_key_id`` is the key that asked for it, if it was a key.

    ``store``: whether it is kept beyond its first download; ``expires_at``: the end of its own time to live.
    """

    id: str
    account_id: str
    epoch: int
    model: str
    purposes: Sequence[str]
    consent_snapshot: Mapping[str, Any]
    parameters: Mapping[str, Any]
    facts: Mapping[str, Any]
    prompt: str
    price: int
    negative_prompt: str = ""
    remixed_from: str | None = None
    api_key_id: str | None = None
    subject_lookup: bytes | None = None
    priority: Priority = Priority.NORMAL
    turn: int = 0
    """Its place among the due jobs of its priority; `lifecycle.accept` gives it."""
    store: bool = True
    expires_at: datetime | None = None
    created_at: datetime = field(default_factory=clock.now)


@dataclass(frozen=True, slots=True)
class Job:
    """A job as it stands. ``step`` of ``steps`` is how far its present stage is; ``erased_at``: since when
    nothing of its content is kept, whether it was deleted or only ended."""

    id: str
    account_id: str
    epoch: int
    state: JobState
    stage: Stage
    model: str
    purposes: Sequence[str]
    parameters: Mapping[str, Any]
    facts: Mapping[str, Any]
    prompt_sealed: bytes | None
    negative_prompt_sealed: bytes | None
    subject_lookup: bytes | None
    remixed_from: str | None
    store: bool
    price: int
    priority: Priority
    api_key_id: str | None
    attempts: int
    fence: int
    error_code: str | None
    created_at: datetime
    started_at: datetime | None
    completed_at: datetime | None
    expires_at: datetime | None
    erased_at: datetime | None
    step: int
    steps: int

    @property
    def expired(self) -> bool:
        """Whether its own time to live has passed."""
        return self.expires_at is not None and self.expires_at <= clock.now()


_OWN = tuple(jobs.c[name] for name in Job.__dataclass_fields__ if name not in ("step", "steps"))
_QUERY = select(*_OWN, func.coalesce(leases.c.step, 0), func.coalesce(leases.c.steps, 0)).select_from(
    jobs.outerjoin(leases, leases.c.job_id == jobs.c.id)
)

ORDER = (jobs.c.priority.desc(), jobs.c.turn, jobs.c.id)
"""In which order due jobs are begun. Nothing else says so; see `cluster.records.turns`."""

Index("ix_jobs_due", jobs.c.stage, *ORDER, postgresql_where=text("state IN ('queued', 'in_progress')"))
Index("ix_jobs_line", *ORDER, postgresql_where=text("state = 'queued'"))

line = (
    select(jobs.c.id.label("job_id"), func.row_number().over(order_by=ORDER).label("position"))
    .where(jobs.c.state == JobState.QUEUED)
    .subquery("line")
)
"""The jobs that are to be begun, each with its position: 1 is next."""


def create(connection: Connection, keys: KeyStore, new: NewJob) -> None:
    """Queue a job; `lifecycle.accept` also reserves its price."""
    values = {name: getattr(new, name) for name in NewJob.__dataclass_fields__ if name not in _WORDS}
    values |= {f"{words}_sealed": _sealed(keys, new, words) for words in _WORDS}
    values |= {
        "state": JobState.QUEUED,
        "stage": Stage.INGESTION,
        "attempts": 0,
        "fence": 0,
    }
    connection.execute(insert(jobs).values(values))


def get(connection: Connection, job_id: str, account_id: str | None = None) -> Job | None:
    """A job that was not deleted, or None; with ``account_id``, only if it is that account's."""
    query = _QUERY.where(jobs.c.id == job_id, jobs.c.deleted_at.is_(None))
    if account_id is not None:
        query = query.where(jobs.c.account_id == account_id)
    row = connection.execute(query).one_or_none()
    return _job(row) if row else None


def of_accounts(connection: Connection, wanted: Iterable[tuple[str, str]]) -> list[Job]:
    """Those of these jobs, each named by its account and its id, that are there; as `get`, for many at once."""
    query = _QUERY.where(tuple_(jobs.c.account_id, jobs.c.id).in_(set(wanted)), jobs.c.deleted_at.is_(None))
    return [_job(row) for row in connection.execute(query)]


def listing(
    connection: Connection,
    account_id: str,
    *,
    after: str | None,
    limit: int,
    order: Literal["asc", "desc"],
    subject_lookup: bytes | None = None,
) -> tuple[list[Job], bool]:
    """A page of the account's jobs, or of one subject's, by id (which sorts by age), and whether there are more."""
    query = _QUERY.where(jobs.c.account_id == account_id, jobs.c.deleted_at.is_(None))
    if subject_lookup is not None:
        query = query.where(jobs.c.subject_lookup == subject_lookup)
    if after is not None:
        query = query.where(jobs.c.id > after if order == "asc" else jobs.c.id < after)
    query = query.order_by(jobs.c.id.asc() if order == "asc" else jobs.c.id.desc()).limit(limit + 1)
    found = [_job(row) for row in connection.execute(query)]
    return found[:limit], len(found) > limit


def active_count(connection: Connection, account_id: str) -> int:
    """How many jobs of the account are waiting or running."""
    query = select(func.count()).where(jobs.c.account_id == account_id, jobs.c.state.in_(ACTIVE))
    return int(connection.execute(query).scalar_one())


def waiting_count(connection: Connection) -> int:
    """How many jobs of everybody are waiting or running."""
    return int(connection.execute(select(func.count()).where(jobs.c.state.in_(ACTIVE))).scalar_one())


def queue_positions(connection: Connection, wanted: Iterable[Job]) -> dict[str, int]:
    """How many jobs are to be begun before each of these, itself included: 1 is next. Left out are those begun."""
    queued = [job.id for job in wanted if job.state is JobState.QUEUED]
    if not queued:
        return {}
    query = select(line.c.job_id, line.c.position).where(line.c.job_id.in_(queued))
    return {row.job_id: row.position for row in connection.execute(query)}


def prompt_of(keys: KeyStore, opening: Opening, job: Job) -> str:
    """Open the prompt; empty if it was erased."""
    return words_of(keys, opening, job.id, "prompt", job.prompt_sealed)


def negative_prompt_of(keys: KeyStore, opening: Opening, job: Job) -> str:
    """Open what the video should not show; empty if nothing was said, or it was erased."""
    return words_of(keys, opening, job.id, "negative_prompt", job.negative_prompt_sealed)


def words_of(keys: KeyStore, opening: Opening, job_id: str, words: Words, sealed: bytes | None) -> str:
    """Open what its owner wrote for a job; empty if it is not there."""
    return keys.open_text(opening, sealed, _context(words, job_id)) if sealed is not None else ""


def move(
    connection: Connection,
    job_id: str,
    target: JobState,
    actor: Actor,
    *,
    fence: int | None = None,
    error_code: str | None = None,
) -> Job | None:
    """End a job if ``actor`` may do so from the state it is in; its fence rises, so that nobody goes on with it.

    With ``fence``, only if that is still its fence.

    Returns:
        The job as it now stands, or None if it was in no such state.
    """
    statement = (
        update(jobs)
        .where(jobs.c.id == job_id, jobs.c.state.in_(sources(target, actor)))
        .values(state=target, error_code=error_code, completed_at=clock.now(), fence=jobs.c.fence + 1)
    )
    if fence is not None:
        statement = statement.where(jobs.c.fence == fence)
    if connection.execute(statement).rowcount != 1:
        return None
    return get(connection, job_id)


def begin_stage(connection: Connection, job_ids: Collection[str]) -> dict[str, int]:
    """Mark due jobs as being worked on; returns the new fence of each, above every earlier one."""
    statement = (
        update(jobs)
        .where(jobs.c.id.in_(job_ids))
        .values(
            state=JobState.IN_PROGRESS,
            fence=jobs.c.fence + 1,
            attempts=case((jobs.c.state == JobState.QUEUED, 1), else_=jobs.c.attempts),
            started_at=func.coalesce(jobs.c.started_at, clock.now()),
        )
        .returning(jobs.c.id, jobs.c.fence)
    )
    return {row.id: row.fence for row in connection.execute(statement)}


def end_stage(
    connection: Connection, job_id: str, fence: int, done: Stage, upcoming: Stage, facts: Mapping[str, Any]
) -> bool:
    """Go on to the next stage, unless the fence or the account's epoch has risen since.

    The fence rises, so that whoever takes the worker for lost afterwards takes nothing from the next one.
    """
    alive = select(accounts.c.epoch).where(accounts.c.id == jobs.c.account_id).scalar_subquery()
    statement = (
        update(jobs)
        .where(
            jobs.c.id == job_id,
            jobs.c.fence == fence,
            jobs.c.stage == done,
            jobs.c.state == JobState.IN_PROGRESS,
            jobs.c.epoch == alive,
        )
        .values(stage=upcoming, facts=jobs.c.facts.concat(dict(facts)), fence=jobs.c.fence + 1)
    )
    return connection.execute(statement).rowcount == 1


def try_again(connection: Connection, job_id: str, fence: int, max_attempts: int) -> bool:
    """Count another attempt at the present stage; False if none is left, or somebody else has the job by now."""
    statement = (
        update(jobs)
        .where(
            jobs.c.id == job_id,
            jobs.c.fence == fence,
            jobs.c.state == JobState.IN_PROGRESS,
            jobs.c.attempts < max_attempts,
        )
        .values(attempts=jobs.c.attempts + 1, fence=jobs.c.fence + 1)
    )
    return connection.execute(statement).rowcount == 1


def begin_again(connection: Connection, job_id: str, fence: int) -> bool:
    """Let the present attempt at the stage start over; False if somebody else has the job by now."""
    statement = update(jobs).where(jobs.c.id == job_id, jobs.c.fence == fence, jobs.c.state == JobState.IN_PROGRESS)
    return connection.execute(statement.values(fence=jobs.c.fence + 1)).rowcount == 1


def due(connection: Connection, stage: Stage, limit: int) -> list[str]:
    """Jobs whose next stage is ``stage`` and that nobody works on, the first in line first, locked."""
    query = (
        select(jobs.c.id)
        .join(accounts, accounts.c.id == jobs.c.account_id)
        .where(
            jobs.c.state.in_(ACTIVE),
            jobs.c.stage == stage,
            jobs.c.epoch == accounts.c.epoch,
            ~select(leases.c.job_id).where(leases.c.job_id == jobs.c.id).exists(),
        )
        .order_by(*ORDER)
        .limit(limit)
        .with_for_update(skip_locked=True, of=jobs)
    )
    return list(connection.execute(query).scalars())


def all_of_account(connection: Connection, account_id: str) -> list[str]:
    """Every job of an account that was not deleted."""
    query = select(jobs.c.id).where(jobs.c.account_id == account_id, jobs.c.deleted_at.is_(None))
    return list(connection.execute(query).scalars())


def active_of_account(connection: Connection, account_id: str) -> list[tuple[str, Sequence[str]]]:
    """The waiting and running jobs of an account with the purposes they serve."""
    query = select(jobs.c.id, jobs.c.purposes).where(jobs.c.account_id == account_id, jobs.c.state.in_(ACTIVE))
    return [(row.id, row.purposes) for row in connection.execute(query)]


def renew_epoch(connection: Connection, account_id: str, epoch: int) -> None:
    """Let the jobs that are still waiting or running go on under a raised epoch."""
    connection.execute(
        update(jobs).where(jobs.c.account_id == account_id, jobs.c.state.in_(ACTIVE)).values(epoch=epoch)
    )


def outdated(connection: Connection) -> list[str]:
    """Waiting and running jobs of an epoch that is over."""
    query = (
        select(jobs.c.id)
        .join(accounts, accounts.c.id == jobs.c.account_id)
        .where(jobs.c.state.in_(ACTIVE), jobs.c.epoch < accounts.c.epoch)
    )
    return list(connection.execute(query).scalars())


def erase_content(connection: Connection, job_id: str) -> None:
    """Remove what the owner wrote; the ledger keeps pointing at the bare row, and `subjects` at what is not erased."""
    now = clock.now()
    values: dict[str, Any] = NO_WORDS | {"facts": {}, "erased_at": now, "deleted_at": now}
    connection.execute(update(jobs).where(jobs.c.id == job_id).values(values))


def erase(connection: Connection, job_ids: Collection[str]) -> None:
    """Remove what the owner wrote, and note that no other content of these jobs is to be kept; they stay listed."""
    statement = update(jobs).where(jobs.c.id.in_(job_ids), jobs.c.erased_at.is_(None))
    connection.execute(statement.values(NO_WORDS | {"erased_at": clock.now()}))


def unstore(connection: Connection, job: Job, life: timedelta) -> datetime:
    """Remove what the owner wrote for a completed job that is not to be stored; its output lives for ``life`` at most.

    Returns:
        The end of that.
    """
    end = clock.now() + life
    if job.expires_at is not None:
        end = min(end, job.expires_at)
    connection.execute(update(jobs).where(jobs.c.id == job.id).values(NO_WORDS | {"expires_at": end}))
    return end


def _sealed(keys: KeyStore, new: NewJob, words: Words) -> bytes | None:
    said: str = getattr(new, words)
    if words == "negative_prompt" and not said:
        return None
    return keys.seal_text(new.account_id, said, _context(words, new.id))


def _context(words: Words, job_id: str) -> str:
    return f"jobs.{words}|{job_id}"


def _job(row: Row[*tuple[Any, ...]]) -> Job:
    values: dict[str, Any] = dict(zip(Job.__dataclass_fields__, row, strict=True))
    state, stage, priority = JobState(values["state"]), Stage(values["stage"]), Priority(values["priority"])
    return Job(**values | {"state": state, "stage": stage, "priority": priority})
