"""The disclosure record: what left for which third party, when and under which grant. Written before anything is sent.

The row and the look at the grant are one transaction, which holds the account's lock: a withdrawal comes before it, and
there is no row, or after it, and finds the row. Whoever sends commits first, and sends by ``send_by`` or not at all.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    Column,
    Connection,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    LargeBinary,
    Table,
    Text,
    func,
    insert,
    not_,
    select,
)
from sqlalchemy.dialects.postgresql import distinct_on

from cluster import clock
from cluster.errors import ConsentRequired, ConsentWithdrawn, NotForMinors, RecipientUnavailable
from cluster.privacy.consent import Verdict, unanswered
from cluster.privacy.purposes import share_purpose
from cluster.records import accounts, consents, disclosure_outcomes, suspensions
from cluster.storage.database import metadata
from cluster.storage.keys import KeyStore

__all__ = [
    "Disclosure",
    "Sending",
    "Subject",
    "count_of_a_minute",
    "disclosures",
    "latest_of_jobs",
    "listing",
    "record",
    "wait_for_others",
]

_PATIENCE = timedelta(seconds=1)

disclosures = Table(
    "disclosures",
    metadata,
    Column("sequence", BigInteger, Identity(always=True), primary_key=True),
    Column("account_id", ForeignKey("accounts.id"), nullable=False),
    Column("job_id", ForeignKey("jobs.id"), nullable=False, index=True),
    Column("recipient", Text, nullable=False),
    Column("country", Text, nullable=False),
    Column("categories", ARRAY(Text), nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("content_lookup", LargeBinary, nullable=False),
    Column("notice_version", ForeignKey("notices.version"), nullable=False),
    Column("consent", BigInteger),
    Column("submission_id", Text),
    Column("recorded_at", DateTime(timezone=True), nullable=False),
    Column("send_by", DateTime(timezone=True), nullable=False),
    CheckConstraint("size >= 0", name="size"),
    CheckConstraint("cardinality(categories) > 0", name="categories"),
    Index("ix_disclosures_account_id_sequence", "account_id", "sequence"),
    Index("ix_disclosures_recipient_recorded_at", "recipient", "recorded_at"),
)


@dataclass(frozen=True, slots=True)
class Subject:
    """Whose data, for which job, begun under which epoch; ``submission_id`` is the name that the recipient learns."""

    account_id: str
    job_id: str
    epoch: int
    submission_id: str | None = None


@dataclass(frozen=True, slots=True)
class Sending:
    """What is about to leave for a third party: its categories of data (as the data map names them), and the bytes."""

    recipient: str
    country: str
    categories: Sequence[str]
    content: bytes


@dataclass(frozen=True, slots=True)
class Disclosure:
    """One line of the record. ``size`` is in bytes."""

    sequence: int
    job_id: str
    recipient: str
    country: str
    categories: Sequence[str]
    size: int
    notice_version: str
    recorded_at: datetime
    send_by: datetime


_SHOWN = tuple(disclosures.c[name] for name in Disclosure.__dataclass_fields__)


def record(
    connection: Connection, keys: KeyStore, subject: Subject, sending: Sending, current: Mapping[str, str]
) -> Disclosure:
    """Write down that a job's data are about to leave. ``current`` maps each purpose to its current notice's version.

    Raises:
        ConsentRequired: there is no live grant for sharing with this recipient.
        ConsentWithdrawn: there is none any more, or the job was begun before something was withdrawn.
        NotForMinors: the account is known to be a minor's.
        RecipientUnavailable: nothing goes to this recipient any more.
    """
    _check(connection, subject, sending.recipient, current)
    purpose, now = share_purpose(sending.recipient), clock.now()
    values = {
        "account_id": subject.account_id,
        "job_id": subject.job_id,
        "submission_id": subject.submission_id,
        "consent": consents.latest(connection, subject.account_id, purpose),
        "recipient": sending.recipient,
        "country": sending.country,
        "categories": list(sending.categories),
        "size": len(sending.content),
        "content_lookup": keys.lookup("disclosures.content", sending.content),
        "notice_version": current[purpose],
        "recorded_at": now,
        "send_by": now + _PATIENCE,
    }
    return Disclosure(*connection.execute(insert(disclosures).values(values).returning(*_SHOWN)).one())


def _check(connection: Connection, subject: Subject, recipient: str, current: Mapping[str, str]) -> None:
    """Raise unless this may leave at this moment; from here on the account's lock is held."""
    epoch, minor = accounts.disclosing(connection, subject.account_id) or (None, False)
    if epoch != subject.epoch:
        raise ConsentWithdrawn
    if minor:
        raise NotForMinors
    if suspensions.is_suspended(connection, recipient):
        raise RecipientUnavailable
    obstacle = unanswered([share_purpose(recipient)], consents.states(connection, subject.account_id, current))
    if obstacle:
        raise ConsentWithdrawn if obstacle[1] is Verdict.WITHDRAWN else ConsentRequired


def wait_for_others(connection: Connection, recipient: str) -> None:
    """Wait until nobody else writes down what goes to a recipient, and be the only one until the transaction ends."""
    connection.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"disclosures|{recipient}", 0))))


def count_of_a_minute(connection: Connection, recipient: str) -> int:
    """How often something may have left for a recipient within the last minute, this transaction's line among them."""
    since = clock.now() - timedelta(minutes=1)
    query = select(func.count()).where(
        disclosures.c.recipient == recipient,
        disclosures.c.recorded_at > since,
        not_(disclosure_outcomes.nothing_left(disclosures.c.sequence)),
    )
    return int(connection.execute(query).scalar_one())


def latest_of_jobs(connection: Connection, job_ids: Collection[str]) -> dict[str, Disclosure]:
    """The latest disclosure of each of these jobs, of those that have one."""
    query = (
        select(*_SHOWN)
        .ext(distinct_on(disclosures.c.job_id))
        .where(disclosures.c.job_id.in_(job_ids))
        .order_by(disclosures.c.job_id, disclosures.c.sequence.desc())
    )
    return {row.job_id: Disclosure(*row) for row in connection.execute(query)}


def listing(connection: Connection, account_id: str, *, after: int | None, limit: int) -> tuple[list[Disclosure], bool]:
    """A page of the account's disclosures, the newest first, and whether there are more."""
    query = select(*_SHOWN).where(disclosures.c.account_id == account_id)
    if after is not None:
        query = query.where(disclosures.c.sequence < after)
    rows = connection.execute(query.order_by(disclosures.c.sequence.desc()).limit(limit + 1)).all()
    return [Disclosure(*row) for row in rows[:limit]], len(rows) > limit
