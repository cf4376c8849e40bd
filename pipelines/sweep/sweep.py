"""One sweep: bounded shards of due work from PostgreSQL, handed to workers, counted, and looked at again.

It keeps no state of its own. Killed at any moment, it is begun again from what the database and the store say.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain, islice
from typing import Final

from cluster.privacy.media_kinds import MediaKind
from cluster.records import overdue
from cluster.storage.erasure import Erasure
from pipelines.sweep import rows
from pipelines.sweep.erase import Eraser, erase_media, erase_unnamed
from pipelines.sweep.report import ORPHANS, Report
from pipelines.sweep.stores import Stores

__all__ = ["SHARD", "Workers", "sweep"]

SHARD: Final = 5000
Workers = Callable[[Eraser, Sequence[str]], Mapping[str, Erasure]]
"""Has a shard done by some processes; the outcome of every name in it."""


def sweep(stores: Stores, workers: Workers, *, dry_run: bool = False, shard: int = SHARD) -> Report:
    """Erase all that is due, or with ``dry_run`` only say what that is."""
    report = Report(dry_run)
    for due in _overdue(stores, shard):
        for category in due.values():
            report.tally(category).due += 1
        _erase(report, workers, erase_media, {} if dry_run else due)
    for keys in _orphans(stores, shard):
        report.tally(ORPHANS).due += len(keys)
        _erase(report, workers, erase_unnamed, {} if dry_run else dict.fromkeys(keys, ORPHANS))
    if not dry_run:
        report.partial_writes = stores.objects.discard_unfinished(stores.unfinished)
    report.rows = rows.remove_expired(stores.database, stores.settings, dry_run=dry_run)
    report.left = _left(stores, shard) if not dry_run else {}
    return report


def _erase(report: Report, workers: Workers, eraser: Eraser, due: Mapping[str, str]) -> None:
    """``due``: the category of each name."""
    outcomes = workers(eraser, list(due)) if due else {}
    for name, category in due.items():
        report.tally(category).add(outcomes[name])


def _overdue(stores: Stores, shard: int) -> Iterator[dict[str, str]]:
    """Rows that are due, each once: the next page begins behind the last, whatever became of it."""
    after = ""
    while page := stores.database.run(overdue.select_overdue, stores.unfinished, after=after, limit=shard):
        yield {each.media_id: each.reason.value for each in page}
        after = page[-1].media_id


def _orphans(stores: Stores, shard: int) -> Iterator[list[str]]:
    """Objects that no row names. A row is committed before its object is put: an old object without one has none."""
    prefixes = (f"{kind}/" for kind in MediaKind)
    keys = chain.from_iterable(stores.objects.keys(prefix, stores.unfinished) for prefix in prefixes)
    while page := list(islice(keys, shard)):
        if found := stores.database.run(overdue.unnamed, page):
            yield found


def _left(stores: Stores, shard: int) -> dict[str, int]:
    left = Counter(category for due in _overdue(stores, shard) for category in due.values())
    left.update({ORPHANS: sum(map(len, _orphans(stores, shard)))})
    return dict(+left)
