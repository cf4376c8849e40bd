"""From a job to a submission and back: what the director does about jobs whose video a third party makes.

The director alone changes jobs, and whoever sends changes submissions alone: neither needs the other's privileges.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, func, select, update

from cluster import clock
from cluster.records import jobs, leases, lifecycle, media, submissions
from cluster.records.accounts import accounts
from cluster.records.job_states import ACTIVE, Stage
from cluster.records.leases import Lease
from cluster.records.submissions import COLUMNS, OPEN, Submission

__all__ = ["Budget", "Delegate", "hand_over", "settle"]

_AT_ONCE: Final = 100
_s, _j = submissions.submissions.c, jobs.jobs.c


@dataclass(frozen=True, slots=True)
class Budget:
    """How many submissions a recipient may have open: of everybody, and of one account."""

    concurrent: int
    per_account: int


@dataclass(frozen=True, slots=True)
class Delegate:
    """Who makes the videos of a model, and what they call it."""

    recipient: str
    model: str
    budget: Budget


def hand_over(connection: Connection, delegates: Mapping[str, Delegate]) -> int:
    """Make submissions of due jobs, first in line first, as far as the budgets go; how many.

    ``delegates`` maps our names of the models to who makes their videos. A job whose model has nobody (any more) fails.
    """
    counts = _Counts(connection)
    chosen = []
    for job_id, account_id, model in _due(connection):
        if model not in delegates:
            _refuse(connection, job_id)
        elif counts.take(delegates[model], account_id):
            chosen.append((job_id, account_id, delegates[model]))
    fences = jobs.begin_stage(connection, [job_id for job_id, *_ in chosen]) if chosen else {}
    for job_id, account_id, to in chosen:
        submissions.create(
            connection,
            job_id=job_id,
            account_id=account_id,
            fence=fences[job_id],
            recipient=to.recipient,
            model=to.model,
        )
    return len(chosen)


def settle(connection: Connection) -> int:
    """Take back jobs whose submissions have ended: on with the received video, or failed with its code; how many.

    A job that ended by itself meanwhile stays as it is, and what was received for it is doomed.
    """
    query = select(*COLUMNS).where(_s.settled_at.is_(None), _s.state.not_in(OPEN)).limit(_AT_ONCE)
    found = [Submission(*row) for row in connection.execute(query.with_for_update(skip_locked=True))]
    for submission in found:
        _settle(connection, submission)
        statement = update(submissions.submissions).where(_s.id == submission.id)
        connection.execute(statement.values(settled_at=clock.now()))
    return len(found)


class _Counts:
    """How many submissions are open, kept up to date while more are made."""

    def __init__(self, connection: Connection) -> None:
        query = select(_s.recipient, _s.account_id, func.count()).where(_s.state.in_(OPEN))
        rows = connection.execute(query.group_by(_s.recipient, _s.account_id)).all()
        self._own = Counter({(row[0], row[1]): row[2] for row in rows})
        self._all: Counter[str] = Counter()
        for recipient, _, number in rows:
            self._all[recipient] += number

    def take(self, to: Delegate, account_id: str) -> bool:
        own = to.recipient, account_id
        if self._all[to.recipient] >= to.budget.concurrent or self._own[own] >= to.budget.per_account:
            return False
        self._all[to.recipient] += 1
        self._own[own] += 1
        return True


def _due(connection: Connection) -> list[Any]:
    handed = select(_s.job_id).where(_s.job_id == _j.id).exists()
    leased = select(leases.leases.c.job_id).where(leases.leases.c.job_id == _j.id).exists()
    query = (
        select(_j.id, _j.account_id, _j.model)
        .join(accounts, accounts.c.id == _j.account_id)
        .where(
            _j.state.in_(ACTIVE),
            _j.stage == Stage.DELEGATION,
            _j.epoch == accounts.c.epoch,
            ~handed,
            ~leased,
        )
        .order_by(*jobs.ORDER)
        .limit(_AT_ONCE)
        .with_for_update(skip_locked=True, of=jobs.jobs)
    )
    return list(connection.execute(query).all())


def _refuse(connection: Connection, job_id: str) -> None:
    (fence,) = jobs.begin_stage(connection, [job_id]).values()
    lifecycle.fail(connection, Lease(job_id, fence, Stage.DELEGATION), "recipient_unavailable")


def _settle(connection: Connection, submission: Submission) -> None:
    lease = Lease(submission.job_id, submission.fence, Stage.DELEGATION)
    if submission.state == "done" and submission.media_id is not None:
        if lifecycle.end_stage(connection, lease, {}):
            return
        media.doom_one(connection, submission.media_id)
    else:
        lifecycle.fail(connection, lease, submission.failure or "internal")
