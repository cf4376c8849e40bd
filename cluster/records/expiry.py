"""Jobs whose content ends before their account does: by a time to live of their own, or once it was delivered.

The row of such a job stays, for its owner and for the ledger. Its media are doomed here, and erased by whoever erases
what is doomed.
"""

from typing import Final

from sqlalchemy import Boolean, ColumnElement, Connection, and_, func, select, text, update

from cluster import clock
from cluster.privacy.media_kinds import MediaKind
from cluster.records import jobs, lifecycle, media
from cluster.records.job_states import ACTIVE, Actor
from cluster.records.media import Medium

__all__ = ["delivered", "expire", "forget_words"]

_AT_ONCE: Final = 200
_NOTHING: Final = text("'{}'::int8multirange")


def expire(connection: Connection) -> int:
    """End some jobs whose time to live has passed: what still runs is stopped and released, and all content goes.

    Returns:
        How many; nought once there are none.
    """
    j = jobs.jobs.c
    query = select(j.id).where(_is_over()).order_by(j.expires_at).limit(_AT_ONCE)
    found = list(connection.execute(query.with_for_update(skip_locked=True)).scalars())
    for job_id in found:
        lifecycle.cancel(connection, job_id, Actor.DIRECTOR, lifecycle.EXPIRED)
        media.doom(connection, job_id, list(MediaKind))
    jobs.erase(connection, found)
    return len(found)


def forget_words(connection: Connection) -> int:
    """Remove the prompts of ended jobs whose time to live has passed, for when no director does it; how many jobs.

    Their media the sweep finds by itself; what still runs only a director can stop.
    """
    ended = and_(_is_over(), jobs.jobs.c.state.not_in(ACTIVE))
    statement = update(jobs.jobs).where(ended).values(jobs.NO_WORDS | {"erased_at": clock.now()})
    return connection.execute(statement).rowcount


def delivered(connection: Connection, video: Medium, first: int, end: int, size: int) -> bool:
    """Note that bytes ``first`` to ``end`` (not included) of a video that is not to be stored have reached its owner.

    Once all of its ``size`` bytes have, nothing of its job is kept.

    Returns:
        Whether that is so now.
    """
    m = media.media.c
    known = func.coalesce(m.delivered, _NOTHING).op("+")(func.int8multirange(func.int8range(first, end)))
    whole = m.delivered.op("@>", return_type=Boolean())(func.int8range(0, size))
    statement = update(media.media).where(m.id == video.id, m.state == "live").values(delivered=known).returning(whole)
    if not connection.execute(statement).scalar_one_or_none() or video.job_id is None:
        return False
    media.doom(connection, video.job_id, list(MediaKind))
    jobs.erase(connection, [video.job_id])
    return True


def _is_over() -> ColumnElement[bool]:
    return and_(jobs.jobs.c.expires_at <= clock.now(), jobs.jobs.c.erased_at.is_(None))
