"""What can go wrong below the records. Texts name kinds and places of failure, never keys, values or content."""

from cluster.errors import Unavailable

__all__ = [
    "CommitUnknown",
    "ConnectionLost",
    "DatabaseBusy",
    "DatabaseRefuses",
    "KeyMissing",
    "KeyStoreUnavailable",
    "ObjectMissing",
    "ObjectStoreUnavailable",
    "PostgresFailed",
    "PrivilegesDiffer",
    "RolesMissing",
    "SealBroken",
]


class ObjectMissing(Exception):
    """There is no object under that key."""


class KeyMissing(Exception):
    """The account's key was destroyed, or never made: the key store keeps no trace that could tell which."""


class SealBroken(Exception):
    """Sealed bytes do not open: altered, cut, put elsewhere, or sealed under another key or context."""


class ObjectStoreUnavailable(Unavailable):
    """The object store does not answer, or refuses."""


class KeyStoreUnavailable(Unavailable):
    """The key store is not there, or its own keys do not open. It is never mistaken for an empty one."""


class ConnectionLost(Unavailable):
    """The database could not be reached, or went away before the transaction was committed: nothing was kept."""


class CommitUnknown(Unavailable):
    """The database went away while committing: the transaction may have been kept or not. Never retried blindly."""

    message = "A part of the service went down while it answered. Ask again with the same Idempotency-Key."


class DatabaseBusy(Unavailable):
    """A lock, a statement or a free connection was waited for in vain, or transactions kept colliding."""


class DatabaseRefuses(Unavailable):
    """The database answers and cannot do it now: its disk is full, or it is out of memory or connections."""


class PostgresFailed(Unavailable):
    """The embedded PostgreSQL does not start or does not answer; its log in the data folder says why."""


class RolesMissing(Unavailable):
    """The database's roles are not there, and its owner may not make them; the message names the file that helps."""


class PrivilegesDiffer(Unavailable):
    """Privileges are not as declared and stay so."""

    message = (
        "Roles of the database hold other privileges than declared, and its owner cannot change that: give the owner "
        "the database, its schema 'public' and all its tables."
    )
