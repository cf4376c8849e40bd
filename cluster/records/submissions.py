"""Submissions: what was handed to a third party, and how far it got there. There is one for each such job, at most.

    waiting ─► written ─► submitted ─► done
       ▲          │  │        │
       └──────────┘  └► submit_unknown ─► (found: submitted; certainly not there: waiting)     each ─► failed

``written``: the record says that content is leaving, and nothing is known of an answer. Only from ``waiting`` may
content be sent. Whoever works on one holds it for a while; each time it is taken its ``turn`` rises, and every change
names the turn, so that a process that was stopped and goes on changes nothing any more.
"""

import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Connection,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    SmallInteger,
    Table,
    Text,
    and_,
    case,
    delete,
    insert,
    or_,
    select,
    text,
    update,
)

from cluster import clock
from cluster.storage.database import metadata

__all__ = [
    "OPEN",
    "Copy",
    "State",
    "Submission",
    "abandon",
    "abandoned",
    "advance",
    "create",
    "ending",
    "known_tasks",
    "of_job",
    "of_jobs",
    "release",
    "remove_expired",
    "renew",
    "submissions",
    "take",
]

State = Literal["waiting", "written", "submitted", "submit_unknown", "done", "failed"]
Copy = Literal["held", "deleted", "expires", "unknown"]
"""The provider's copy: still to be deleted, deleted, gone by itself at a date, or perhaps there."""

OPEN: Final[tuple[State, ...]] = ("waiting", "written", "submitted", "submit_unknown")
_KEPT: Final = timedelta(days=30)

submissions = Table(
    "submissions",
    metadata,
    Column("id", Text, primary_key=True),
    Column("job_id", ForeignKey("jobs.id"), nullable=False, unique=True),
    Column("account_id", ForeignKey("accounts.id"), nullable=False, index=True),
    Column("fence", BigInteger, nullable=False),
    Column("recipient", Text, nullable=False),
    Column("model", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("task", Text),
    Column("attempts", Integer, nullable=False),
    Column("percent", SmallInteger, nullable=False),
    Column("failure", Text),
    Column("media_id", ForeignKey("media.id", ondelete="SET NULL"), index=True),
    Column("copy", Text),
    Column("copy_until", DateTime(timezone=True)),
    Column("turn", BigInteger, nullable=False),
    Column("holder", Text),
    Column("due_at", DateTime(timezone=True)),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("sent_at", DateTime(timezone=True)),
    Column("abandoned_at", DateTime(timezone=True)),
    Column("ended_at", DateTime(timezone=True)),
    Column("settled_at", DateTime(timezone=True)),
    Column("expires_at", DateTime(timezone=True), index=True),
    CheckConstraint("state IN ('waiting', 'written', 'submitted', 'submit_unknown', 'done', 'failed')", name="state"),
    CheckConstraint("copy IN ('held', 'deleted', 'expires', 'unknown')", name="copy"),
    Index("ix_submissions_due_at", "due_at", postgresql_where=text("due_at IS NOT NULL")),
    Index("ix_submissions_unsettled", "id", postgresql_where=text("settled_at IS NULL")),
    Index("ix_submissions_task", "recipient", "task", unique=True, postgresql_where=text("task IS NOT NULL")),
    Index("ix_submissions_recipient_sent_at", "recipient", "sent_at"),
)


@dataclass(frozen=True, slots=True)
class Submission:
    """A submission as it stands. ``task`` is the provider's name of it; ``failure`` one of our codes."""

    id: str
    job_id: str
    account_id: str
    fence: int
    recipient: str
    model: str
    state: State
    task: str | None
    attempts: int
    percent: int
    failure: str | None
    media_id: str | None
    copy: Copy | None
    copy_until: datetime | None
    turn: int
    created_at: datetime
    sent_at: datetime | None
    abandoned_at: datetime | None
    ended_at: datetime | None

    @property
    def ended(self) -> bool:
        """Whether no video is to be expected from it any more, or it is there."""
        return self.state not in OPEN


COLUMNS = tuple(submissions.c[name] for name in Submission.__dataclass_fields__)


def create(connection: Connection, *, job_id: str, account_id: str, fence: int, recipient: str, model: str) -> str:
    """Note that a job is to be handed over. The id is all that the recipient will ever see, and drawn for it alone."""
    now, submission_id = clock.now(), secrets.token_hex(16)
    values = {
        "id": submission_id,
        "job_id": job_id,
        "account_id": account_id,
        "fence": fence,
        "recipient": recipient,
        "model": model,
        "state": "waiting",
        "attempts": 0,
        "percent": 0,
        "turn": 0,
        "due_at": now,
        "created_at": now,
    }
    connection.execute(insert(submissions).values(values))
    return submission_id


def of_job(connection: Connection, job_id: str) -> Submission | None:
    """The submission of a job, if it has one."""
    row = connection.execute(select(*COLUMNS).where(submissions.c.job_id == job_id)).one_or_none()
    return Submission(*row) if row else None


def of_jobs(connection: Connection, job_ids: Collection[str]) -> dict[str, Submission]:
    """The submissions of these jobs, of those that have one."""
    query = select(*COLUMNS).where(submissions.c.job_id.in_(job_ids))
    return {row.job_id: Submission(*row) for row in connection.execute(query)}


def take(connection: Connection, holder: str, *, room: int, hold: timedelta) -> list[Submission]:
    """Take due submissions for ``hold``, the longest due first; if nobody says how it went, they are due again then."""
    now = clock.now()
    due = select(submissions.c.id).where(submissions.c.due_at <= now).order_by(submissions.c.due_at).limit(room)
    statement = (
        update(submissions)
        .where(submissions.c.id.in_(due.with_for_update(skip_locked=True).scalar_subquery()))
        .values(holder=holder, due_at=now + hold, turn=submissions.c.turn + 1)
        .returning(*COLUMNS)
    )
    return [Submission(*row) for row in connection.execute(statement)]


def renew(connection: Connection, held: Collection[tuple[str, int]], hold: timedelta) -> None:
    """Hold those for longer, each named by its id and turn."""
    until = clock.now() + hold
    for submission_id, turn in held:
        connection.execute(_mine(submission_id, turn).values(due_at=until))


def advance(connection: Connection, submission: Submission, **values: Any) -> bool:
    """Write down how it stands, and go on holding it.

    Returns:
        False if somebody else holds it by now, or it is in another state than ``submission`` says: nothing was changed.
    """
    statement = _mine(submission.id, submission.turn).where(submissions.c.state == submission.state)
    return connection.execute(statement.values(values)).rowcount == 1


def release(connection: Connection, submission: Submission, due_at: datetime | None, **values: Any) -> bool:
    """The same, and let go of it; ``due_at`` is when somebody shall look at it again, None for never."""
    return advance(connection, submission, due_at=due_at, holder=None, **values)


def abandon(connection: Connection, job_id: str) -> None:
    """Note that nobody wants the job's video any more: its task is cancelled, and what is held of it is deleted."""
    now = clock.now()
    statement = update(submissions).where(
        submissions.c.job_id == job_id,
        submissions.c.abandoned_at.is_(None),
        or_(submissions.c.state.in_(OPEN), submissions.c.copy == "held"),
    )
    connection.execute(statement.values(abandoned_at=now, due_at=_sooner(now)))


def abandoned(connection: Connection, submission_ids: Collection[str]) -> set[str]:
    """Those of these submissions that nobody wants any more."""
    query = select(submissions.c.id).where(
        submissions.c.id.in_(submission_ids), submissions.c.abandoned_at.is_not(None)
    )
    return set(connection.execute(query).scalars())


def known_tasks(connection: Connection, recipient: str, since: datetime) -> set[str]:
    """The tasks that submissions to a recipient are known by since then."""
    query = select(submissions.c.task).where(
        submissions.c.recipient == recipient, submissions.c.task.is_not(None), submissions.c.sent_at >= since
    )
    return set(connection.execute(query).scalars())


def ending(copy: Copy | None, copy_until: datetime | None) -> dict[str, Any]:
    """What is written when a submission has ended: the row outlives the provider's copy, to say what became of it."""
    now = clock.now()
    last = max(now, copy_until) if copy_until else now
    return {"ended_at": now, "copy": copy, "copy_until": copy_until, "expires_at": last + _KEPT}


def remove_expired(connection: Connection) -> int:
    """Forget what ended long ago and of which no provider holds anything; returns how many."""
    over = and_(submissions.c.expires_at <= clock.now(), submissions.c.due_at.is_(None))
    return connection.execute(delete(submissions).where(over)).rowcount


def _sooner(now: datetime) -> Any:
    """Now, unless somebody holds it: they look at ``abandoned_at`` themselves before each step."""
    return case((submissions.c.holder.is_(None), now), else_=submissions.c.due_at)


def _mine(submission_id: str, turn: int) -> Any:
    return update(submissions).where(submissions.c.id == submission_id, submissions.c.turn == turn)
