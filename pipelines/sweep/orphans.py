"""Objects that no row names, and whether they may be erased.

To a database that was restored to an older state, whatever came later is an orphan, and the newest videos of everybody
would be erased. The jobs are the mark by which that shows: their rows are never removed and their fences only rise,
which the privileges of the roles make sure of, and the key of an object holds both. So an object of a job that the
database never had, or of an attempt that it never began, was made under a newer database than this.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import Final

from cluster.privacy.media_kinds import MediaKind
from cluster.records import overdue
from pipelines.sweep.stores import Stores

__all__ = ["Orphans", "find"]

FEW: Final = 100
SHARE: Final = 0.05
"""So many orphans may come of crashes: a few, or that share of all objects."""
_LISTED_AT_ONCE: Final = 5000


@dataclass(slots=True)
class Orphans:
    """Those that were found among ``listed`` objects; ``unheard_of``: how many the database cannot have forgotten."""

    keys: list[str] = field(default_factory=list)
    listed: int = 0
    unheard_of: int = 0

    @property
    def withheld(self) -> str | None:
        """Why none of them is erased unasked; None if nothing speaks against it."""
        if self.unheard_of:
            return "database_older_than_objects"
        return "too_many" if len(self.keys) > max(FEW, self.listed * SHARE) else None


def find(stores: Stores) -> Orphans:
    """Go through all objects. A row is committed before its object is put: an old object without one has none."""
    found = Orphans()
    for page in _pages(stores):
        unnamed = stores.database.run(overdue.unnamed, page)
        found.listed += len(page)
        found.keys += unnamed
        found.unheard_of += len(stores.database.run(overdue.unheard_of, unnamed))
    return found


def _pages(stores: Stores) -> Iterator[list[str]]:
    prefixes = (f"{kind}/" for kind in MediaKind)
    keys = chain.from_iterable(stores.objects.keys(prefix, stores.unfinished) for prefix in prefixes)
    while page := list(islice(keys, _LISTED_AT_ONCE)):
        yield page
