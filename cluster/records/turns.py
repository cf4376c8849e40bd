"""Turns: fair shares between accounts, as one stored number that due jobs are ordered by.

Start-time fair queueing. The *present* is the turn of the job that is next. An account that has nothing waiting comes
in at the present; each further job of it comes as much later as the one before it costs. So whoever queues a hundred
jobs gets every second place once a second account wants one, and no account waits for more than one job of each other.
"""

from datetime import timedelta

from sqlalchemy import ColumnElement, Connection, ScalarSelect, case, func, or_, select, update

from cluster import clock
from cluster.records.job_states import ACTIVE, STAGES, Priority, Stage
from cluster.records.jobs import jobs
from cluster.records.leases import leases

__all__ = ["promote", "send_back", "upcoming"]

_CONTENDED = STAGES[: STAGES.index(Stage.GENERATION) + 1]
"""Where jobs wait for each other; what has passed them waits for nobody."""
_AT_ONCE = 100

_j = jobs.c


def upcoming(connection: Connection, account_id: str, priority: Priority) -> int:
    """The turn of the next job of an account."""
    turn = func.greatest(_present(priority), _own_end(account_id, priority))
    return int(connection.execute(select(func.coalesce(turn, 0))).scalar_one())


def send_back(connection: Connection, job_id: str) -> None:
    """Put a job that is to be tried again behind what its account has waiting: what it used up was its share."""
    found = connection.execute(select(_j.account_id, _j.priority).where(_j.id == job_id)).one()
    _move(connection, job_id, found.account_id, Priority(found.priority))


def promote(connection: Connection, patience: timedelta) -> int:
    """Make jobs of low priority normal ones after so long a wait, each the last of its account; returns how many."""
    query = (
        select(_j.id, _j.account_id)
        .where(
            _j.state.in_(ACTIVE),
            _j.stage.in_(STAGES),
            _j.priority == Priority.LOW,
            _j.created_at < clock.now() - patience,
        )
        .order_by(_j.id)
        .limit(_AT_ONCE)
        .with_for_update(skip_locked=True)
    )
    found = connection.execute(query).all()
    for job_id, account_id in found:
        _move(connection, job_id, account_id, Priority.NORMAL)
    return len(found)


def _move(connection: Connection, job_id: str, account_id: str, priority: Priority) -> None:
    turn = upcoming(connection, account_id, priority)
    connection.execute(update(jobs).where(_j.id == job_id).values(priority=priority, turn=turn))


def _present(priority: Priority) -> ColumnElement[int]:
    """The lowest turn of what waits; if nothing does, the highest there ever was: nobody is owed anything."""
    waiting = func.least(*(_first_waiting(stage, priority) for stage in _CONTENDED))
    latest = select(func.max(_j.turn)).where(_j.priority == priority).scalar_subquery()
    return func.coalesce(waiting, latest)


def _first_waiting(stage: Stage, priority: Priority) -> ScalarSelect[int]:
    leased = select(leases.c.job_id).where(leases.c.job_id == _j.id).exists()
    return (
        select(_j.turn)
        .where(_j.state.in_(ACTIVE), _j.stage == stage, _j.priority == priority, ~leased)
        .order_by(_j.turn)
        .limit(1)
        .scalar_subquery()
    )


def _own_end(account_id: str, priority: Priority) -> ScalarSelect[int]:
    """Where the last of the account's jobs ends that wait, run or have run."""
    cost = case((_j.price > 0, _j.price), else_=1)
    return (
        select(_j.turn + cost)
        .where(
            _j.account_id == account_id,
            _j.priority == priority,
            or_(_j.state.in_(ACTIVE), _j.started_at.is_not(None)),
        )
        .order_by(_j.turn.desc())
        .limit(1)
        .scalar_subquery()
    )
