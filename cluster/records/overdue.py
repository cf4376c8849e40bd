"""Which media have outlived what was said of them, and why. Selecting asks; `take` decides, under a lock.

The reasons are those of `cluster.privacy.media_kinds` and of the retention rules in the data map.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import (
    ARRAY,
    Case,
    Column,
    ColumnElement,
    Connection,
    Select,
    Text,
    and_,
    any_,
    case,
    delete,
    literal,
    or_,
    select,
    update,
)

from cluster import clock
from cluster.privacy.media_kinds import KINDS, Lifetime
from cluster.records.accounts import accounts
from cluster.records.job_states import ACTIVE
from cluster.records.jobs import jobs
from cluster.records.media import media

__all__ = ["Overdue", "Reason", "Taken", "forget", "select_overdue", "take", "unheard_of", "unnamed"]

_PARTS_OF_A_JOBS: Final = 4  # kind, job, fence and id: see `media.begin`
_TRANSIENT = [kind for kind, rule in KINDS.items() if rule.lifetime is Lifetime.TASK]


class Reason(StrEnum):
    """Why an object has to go; the first that holds counts."""

    DOOMED = "doomed"
    """Somebody decided so before and the object is still there."""
    UNFINISHED = "unfinished"
    """It was announced long ago and no transaction accepted it."""
    EXPIRED = "expired"
    """Its own time to live has passed."""
    TASK_ENDED = "task_ended"
    """It was there for a job's stages, and the job has ended."""
    ACCOUNT_ENDED = "account_ended"
    """Its account is closed, or was a guest's whose stay is over."""


@dataclass(frozen=True, slots=True)
class Overdue:
    """An object that has to go."""

    media_id: str
    reason: Reason


@dataclass(frozen=True, slots=True)
class Taken:
    """An object that is now doomed. ``stored``: a transaction had accepted it and nobody had tried to erase it yet."""

    media_id: str
    object_key: str
    stored: bool


def select_overdue(connection: Connection, unfinished: timedelta, *, after: str, limit: int) -> list[Overdue]:
    """A page of them in the order of their ids, which is that of their age. ``unfinished``: see `Reason`."""
    query = _overdue(unfinished).where(media.c.id > after).order_by(media.c.id).limit(limit)
    return [Overdue(row.id, Reason(row.reason)) for row in connection.execute(query)]


def take(connection: Connection, media_ids: Collection[str], unfinished: timedelta) -> list[Taken]:
    """Doom those of these that are still overdue. From now on nobody is shown them."""
    query = _overdue(unfinished).where(_among(media.c.id, media_ids)).order_by(media.c.id).with_for_update(of=media)
    taken = [Taken(row.id, row.object_key, row.state == "live") for row in connection.execute(query)]
    doomed = update(media).where(_among(media.c.id, [each.media_id for each in taken]), media.c.state != "doomed")
    connection.execute(doomed.values(state="doomed", doomed_at=clock.now()))
    return taken


def forget(connection: Connection, media_ids: Collection[str]) -> None:
    """Remove the rows of objects that the store no longer has."""
    connection.execute(delete(media).where(_among(media.c.id, media_ids), media.c.state == "doomed"))


def unnamed(connection: Connection, object_keys: Sequence[str]) -> list[str]:
    """Those of these objects that no row names: nobody can be shown them, and nothing else would erase them."""
    query = select(media.c.object_key).where(_among(media.c.object_key, object_keys))
    named = set(connection.execute(query).scalars())
    return [key for key in object_keys if key not in named]


def unheard_of(connection: Connection, object_keys: Sequence[str]) -> list[str]:
    """Those of these objects that are of a job that there never was here, or of an attempt that it never had.

    Rows of jobs stay and fences rise, so such an object was made under a newer state of the database.
    """
    made = {key: (parts[1], int(parts[2])) for key in object_keys if len(parts := key.split("/")) == _PARTS_OF_A_JOBS}
    query = select(jobs.c.id, jobs.c.fence).where(_among(jobs.c.id, {job_id for job_id, _ in made.values()}))
    fences: dict[str, int] = {row.id: row.fence for row in connection.execute(query)}
    return [key for key, (job_id, fence) in made.items() if fence > fences.get(job_id, -1)]


def _among(column: Column[str], names: Collection[str]) -> ColumnElement[bool]:
    """Whether it is one of these; by one parameter, since there may be thousands."""
    return column == any_(literal(list(names), ARRAY(Text)))


def _overdue(unfinished: timedelta) -> Select[Any]:
    reason = _reason(unfinished)
    joined = media.join(accounts, accounts.c.id == media.c.account_id).outerjoin(jobs, jobs.c.id == media.c.job_id)
    columns = (media.c.id, media.c.object_key, media.c.state, reason.label("reason"))
    return select(*columns).select_from(joined).where(reason.is_not(None))


def _reason(unfinished: timedelta) -> Case[str | None]:
    now = clock.now()
    abandoned = and_(media.c.state == "writing", media.c.created_at < now - unfinished)
    task_ended = and_(media.c.kind.in_(_TRANSIENT), jobs.c.state.not_in(ACTIVE))
    account_ended = or_(accounts.c.closed_at.is_not(None), accounts.c.expires_at <= now)
    return case(
        (media.c.state == "doomed", Reason.DOOMED.value),
        (abandoned, Reason.UNFINISHED.value),
        (media.c.expires_at <= now, Reason.EXPIRED.value),
        (task_ended, Reason.TASK_ENDED.value),
        (account_ended, Reason.ACCOUNT_ENDED.value),
        else_=None,
    )
