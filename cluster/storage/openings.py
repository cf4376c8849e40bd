"""Leave to open what is sealed under an account's key. Whoever holds one has been written down first.

Only `cluster.records.access_log` gives one, after it has recorded who opens what for; a test keeps it so.
"""

from dataclasses import dataclass

__all__ = ["Opening"]


@dataclass(frozen=True, slots=True)
class Opening:
    """Whose key, which service opens it, what for, and for which job if it is for one."""

    account_id: str
    service: str
    purpose: str
    job_id: str | None = None
