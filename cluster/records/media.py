"""Media: every sealed object has a row, and the row comes first and goes last.

A row is ``writing`` while its object is being written, ``live`` once a transaction has accepted it, ``doomed`` once
its object must go. A doomed row disappears only after the store has said that the object is gone. What has expired is
shown to nobody from that moment, whenever it is erased. ``delivered``: see `expiry.delivered`.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ColumnElement,
    Connection,
    DateTime,
    ForeignKey,
    Integer,
    Row,
    Table,
    Text,
    and_,
    delete,
    exists,
    func,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import INT8MULTIRANGE

from cluster import clock
from cluster.ids import new_id
from cluster.privacy.media_kinds import MediaKind
from cluster.storage.database import metadata

__all__ = [
    "Medium",
    "attach",
    "begin",
    "count",
    "doom",
    "doom_abandoned",
    "doom_account",
    "doom_one",
    "doom_unaccepted",
    "doom_unfinished",
    "doomed",
    "expire_at",
    "finish",
    "forget",
    "get",
    "has_any",
    "hold",
    "listing",
    "live",
    "media",
    "of_job",
    "of_jobs",
    "unaccepted",
]

media = Table(
    "media",
    metadata,
    Column("id", Text, primary_key=True),
    Column("account_id", ForeignKey("accounts.id"), nullable=False, index=True),
    Column("job_id", ForeignKey("jobs.id"), index=True),
    Column("fence", BigInteger),
    Column("kind", Text, nullable=False),
    Column("object_key", Text, nullable=False, unique=True),
    Column("derived_from", ForeignKey("media.id", ondelete="SET NULL"), index=True),
    Column("state", Text, nullable=False),
    Column("content_type", Text, nullable=False),
    Column("size", BigInteger),
    Column("width", Integer),
    Column("height", Integer),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("expires_at", DateTime(timezone=True)),
    Column("retention_reason", Text),
    Column("purpose", Text),
    Column("doomed_at", DateTime(timezone=True), index=True),
    Column("delivered", INT8MULTIRANGE),
    CheckConstraint("state IN ('writing', 'live', 'doomed')", name="state"),
)


@dataclass(frozen=True, slots=True)
class Medium:
    """A sealed object and what it is."""

    id: str
    account_id: str
    job_id: str | None
    kind: MediaKind
    object_key: str
    content_type: str
    size: int | None
    width: int | None
    height: int | None
    created_at: datetime
    expires_at: datetime | None
    purpose: str | None = None
    """What its owner named, of a file; of nothing else."""


_COLUMNS = tuple(media.c[name] for name in Medium.__dataclass_fields__)


def begin(
    connection: Connection,
    account_id: str,
    kind: MediaKind,
    content_type: str,
    *,
    job_id: str | None = None,
    fence: int | None = None,
    derived_from: str | None = None,
    expires_at: datetime | None = None,
    purpose: str | None = None,
) -> Medium:
    """Announce an object before it is written; its key names the kind, the job and the attempt, and nobody."""
    media_id = new_id("media")
    key = f"{kind}/{job_id}/{fence}/{media_id}" if job_id else f"{kind}/{media_id}"
    now = clock.now()
    medium = Medium(media_id, account_id, job_id, kind, key, content_type, None, None, None, now, expires_at, purpose)
    values = {name: getattr(medium, name) for name in Medium.__dataclass_fields__}
    connection.execute(
        insert(media).values(values | {"state": "writing", "fence": fence, "derived_from": derived_from})
    )
    return medium


def attach(connection: Connection, media_id: str, job_id: str, expires_at: datetime | None = None) -> None:
    """Give an upload to the job that was accepted with it."""
    values = {"job_id": job_id, "expires_at": expires_at}
    connection.execute(update(media).where(media.c.id == media_id).values(values))


def finish(
    connection: Connection, media_id: str, size: int, width: int | None = None, height: int | None = None
) -> None:
    """Accept a written object; call it in the transaction that makes use of it."""
    values = {"state": "live", "size": size, "width": width, "height": height}
    connection.execute(update(media).where(media.c.id == media_id, media.c.state == "writing").values(values))


def get(connection: Connection, account_id: str, media_id: str) -> Medium | None:
    """A live object of the account, or None."""
    return _one(connection, media.c.id == media_id, media.c.account_id == account_id)


def unaccepted(connection: Connection, account_id: str, media_id: str) -> Medium | None:
    """An object of the account that was announced and that no transaction has accepted yet, or None."""
    return _one(connection, media.c.id == media_id, media.c.account_id == account_id, state="writing")


def live(connection: Connection, media_ids: Collection[str]) -> set[str]:
    """Those of these objects that are live."""
    query = select(media.c.id).where(media.c.id.in_(media_ids), media.c.state == "live", _unexpired())
    return set(connection.execute(query).scalars())


def hold(connection: Connection, media_id: str) -> bool:
    """Whether an object is live; if so, its row stays until the transaction ends, so that another may point at it."""
    query = select(media.c.id).where(media.c.id == media_id, media.c.state == "live", _unexpired())
    return connection.execute(query.with_for_update(read=True, key_share=True)).one_or_none() is not None


def of_job(connection: Connection, job_id: str, kind: MediaKind) -> Medium | None:
    """The live object of that kind of a job, or None."""
    return _one(connection, media.c.job_id == job_id, media.c.kind == kind)


def of_jobs(connection: Connection, job_ids: Collection[str]) -> dict[str, list[Medium]]:
    """The live objects of several jobs, by job."""
    found: dict[str, list[Medium]] = {job_id: [] for job_id in job_ids}
    query = select(*_COLUMNS).where(media.c.state == "live", media.c.job_id.in_(job_ids), _unexpired())
    for medium in map(_medium, connection.execute(query.order_by(media.c.id))):
        found[medium.job_id or ""].append(medium)
    return found


def listing(
    connection: Connection,
    account_id: str,
    kind: MediaKind,
    *,
    after: str | None,
    limit: int,
    order: Literal["asc", "desc"],
    purpose: str | None = None,
) -> tuple[list[Medium], bool]:
    """A page of the account's live objects of a kind, by id (which sorts by age), and whether there are more."""
    query = select(*_COLUMNS).where(_of_kind(account_id, kind))
    if purpose is not None:
        query = query.where(media.c.purpose == purpose)
    if after is not None:
        query = query.where(media.c.id > after if order == "asc" else media.c.id < after)
    query = query.order_by(media.c.id.asc() if order == "asc" else media.c.id.desc()).limit(limit + 1)
    found = [_medium(row) for row in connection.execute(query)]
    return found[:limit], len(found) > limit


def count(connection: Connection, account_id: str, kind: MediaKind) -> int:
    """How many live objects of a kind the account has."""
    return int(connection.execute(select(func.count()).where(_of_kind(account_id, kind))).scalar_one())


def expire_at(connection: Connection, job_id: str, end: datetime) -> None:
    """Have everything that a job has end then."""
    connection.execute(update(media).where(media.c.job_id == job_id).values(expires_at=end))


def doom(connection: Connection, job_id: str, kinds: Collection[MediaKind]) -> None:
    """Mark a job's objects of these kinds for erasure, whatever their state."""
    _doom(connection, and_(media.c.job_id == job_id, media.c.kind.in_(kinds), media.c.state != "doomed"))


def doom_one(connection: Connection, media_id: str) -> None:
    """Mark one object for erasure, whatever its state."""
    _doom(connection, and_(media.c.id == media_id, media.c.state != "doomed"))


def doom_account(connection: Connection, account_id: str) -> None:
    """Mark everything that an account has."""
    _doom(connection, and_(media.c.account_id == account_id, media.c.state != "doomed"))


def has_any(connection: Connection, account_id: str) -> bool:
    """Whether any object of the account is left, doomed or not."""
    return bool(connection.execute(select(exists().where(media.c.account_id == account_id))).scalar_one())


def doom_unfinished(connection: Connection, job_id: str) -> None:
    """Mark what a lost attempt was writing."""
    _doom(connection, and_(media.c.job_id == job_id, media.c.state == "writing"))


def doom_unaccepted(connection: Connection, media_id: str) -> None:
    """Mark one object for erasure, unless a transaction has accepted it."""
    _doom(connection, and_(media.c.id == media_id, media.c.state == "writing"))


def doom_abandoned(connection: Connection, older_than: timedelta) -> None:
    """Mark uploads that never became a job's and objects whose attempt ended without accepting them."""
    _doom(connection, and_(media.c.state == "writing", media.c.created_at < clock.now() - older_than))


def doomed(
    connection: Connection, job_id: str | None = None, limit: int = 500, *, media_id: str | None = None
) -> Sequence[Medium]:
    """Objects that must go, the longest doomed first; of one job, or one alone, if so asked."""
    wanted = media.c.state == "doomed"
    if job_id:
        wanted = and_(wanted, media.c.job_id == job_id)
    if media_id:
        wanted = and_(wanted, media.c.id == media_id)
    query = select(*_COLUMNS).where(wanted).order_by(media.c.doomed_at).limit(limit)
    return [_medium(row) for row in connection.execute(query)]


def forget(connection: Connection, media_id: str) -> None:
    """Remove the row of an object that the store no longer has."""
    connection.execute(delete(media).where(media.c.id == media_id, media.c.state == "doomed"))


def _unexpired() -> ColumnElement[bool]:
    """What may be shown, even where nobody has erased it yet."""
    return or_(media.c.expires_at.is_(None), media.c.expires_at > clock.now())


def _of_kind(account_id: str, kind: MediaKind) -> ColumnElement[bool]:
    return and_(media.c.account_id == account_id, media.c.kind == kind, media.c.state == "live", _unexpired())


def _doom(connection: Connection, wanted: ColumnElement[bool]) -> None:
    connection.execute(update(media).where(wanted).values(state="doomed", doomed_at=clock.now()))


def _one(connection: Connection, *wanted: ColumnElement[bool], state: str = "live") -> Medium | None:
    query = select(*_COLUMNS).where(media.c.state == state, _unexpired(), *wanted).order_by(media.c.id.desc()).limit(1)
    row = connection.execute(query).one_or_none()
    return _medium(row) if row else None


def _medium(row: Row[*tuple[Any, ...]]) -> Medium:
    values = row._asdict()
    return Medium(**values | {"kind": MediaKind(values["kind"])})
