"""Subjects: the people for whom an account makes videos. The account names them as it likes; here is only a keyed hash.

The hash is made with the account's id, so that one name in two accounts gives two hashes that nobody can compare. A
deleted video keeps it until the last of its files is gone: a deletion that is asked for again can then say so. So does
one whose own time to live has passed.
"""

from sqlalchemy import Connection, select, update

from cluster.records import accounts, lifecycle, video_batch_items
from cluster.records.jobs import jobs
from cluster.records.media import media
from cluster.storage.keys import KeyStore

__all__ = ["MAX_CHARACTERS", "delete_some", "forget_erased", "lookup", "unerased"]

MAX_CHARACTERS = 200
_AT_ONCE = 50


def lookup(keys: KeyStore, account_id: str, subject: str) -> bytes:
    """What a subject of an account is found by."""
    return keys.lookup("jobs.subject", f"{account_id}|{subject}")


def delete_some(connection: Connection, account_id: str, subject_lookup: bytes) -> int:
    """Stop and delete some of a subject's videos; call it until it returns 0, the number that were left.

    What waits in a batch to become one is let go of.

    The account is locked: a video that is being accepted meanwhile is either among them or was asked for afterwards.
    """
    accounts.lock(connection, account_id)
    video_batch_items.forget_subject(connection, account_id, subject_lookup)
    query = (
        select(jobs.c.id)
        .where(jobs.c.account_id == account_id, jobs.c.subject_lookup == subject_lookup, jobs.c.deleted_at.is_(None))
        .order_by(jobs.c.id)
        .limit(_AT_ONCE)
        .with_for_update()
    )
    found = list(connection.execute(query).scalars())
    for job_id in found:
        lifecycle.delete(connection, account_id, job_id)
    return len(found)


def unerased(connection: Connection, account_id: str, subject_lookup: bytes) -> list[str]:
    """The deleted videos of a subject of which files may be left."""
    query = select(jobs.c.id).where(
        jobs.c.account_id == account_id, jobs.c.subject_lookup == subject_lookup, jobs.c.deleted_at.is_not(None)
    )
    return list(connection.execute(query).scalars())


def forget_erased(connection: Connection) -> None:
    """Remove the hash from deleted and expired videos of which no file is left."""
    has_files = select(media.c.id).where(media.c.job_id == jobs.c.id).exists()
    erased = (jobs.c.subject_lookup.is_not(None), jobs.c.erased_at.is_not(None), ~has_files)
    connection.execute(update(jobs).where(*erased).values(subject_lookup=None))
