"""The end of a recipient: nothing new goes there, what runs there is stopped, and what it holds is deleted or named."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select

from cluster.records import lifecycle, suspensions
from cluster.records.job_states import Actor
from cluster.records.submissions import OPEN, submissions

__all__ = ["Held", "begin", "held"]

_s = submissions.c


@dataclass(frozen=True, slots=True)
class Held:
    """What a recipient still has: tasks that are not over, copies by what becomes of them, the last of them until."""

    open: int
    copies: dict[str, int]
    until: datetime | None

    @property
    def unfinished(self) -> int:
        """How much of it the way out is still working on."""
        return self.open + self.copies.get("held", 0)


def begin(connection: Connection, recipient: str) -> int:
    """Suspend the recipient and stop the jobs that are with it; how many those were."""
    suspensions.suspend(connection, recipient)
    running = connection.execute(select(_s.job_id).where(_s.recipient == recipient, _s.state.in_(OPEN))).scalars()
    return sum(
        lifecycle.cancel(connection, job_id, Actor.DIRECTOR, "recipient_unavailable") for job_id in list(running)
    )


def held(connection: Connection, recipient: str) -> Held:
    """What the recipient holds at this moment, as far as is known."""
    mine = _s.recipient == recipient
    unfinished = connection.execute(select(func.count()).where(mine, _s.state.in_(OPEN))).scalar_one()
    rows = connection.execute(select(_s.copy, func.count()).where(mine, _s.copy.is_not(None)).group_by(_s.copy))
    until = connection.execute(select(func.max(_s.copy_until)).where(mine, _s.copy != "deleted")).scalar_one()
    return Held(int(unfinished), {row[0]: row[1] for row in rows}, until)
