"""One sweep: bounded shards of due work from PostgreSQL, handed to workers, counted, and looked at again.

It keeps no state of its own. Killed at any moment, it is begun again from what the database and the store say.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from cluster.records import overdue, sweeps
from cluster.storage.erasure import Erasure
from pipelines.sweep import orphans, rows
from pipelines.sweep.erase import Eraser, erase_media, erase_unnamed
from pipelines.sweep.report import ORPHANS, Report
from pipelines.sweep.stores import Stores

__all__ = ["SHARD", "Workers", "sweep"]

SHARD: Final = 100_000
"""Ids in memory at once; the processes of Ray Data are started anew for each shard."""
Workers = Callable[[Eraser, Sequence[str]], Mapping[str, Erasure]]
"""Has a shard done by some processes; the outcome of every name in it."""


def sweep(
    stores: Stores, workers: Workers, *, dry_run: bool = False, after_restore: bool = False, shard: int = SHARD
) -> Report:
    """Erase all that is due, or with ``dry_run`` only say what that is.

    ``after_restore``: erase orphans even where they show that the database was restored to an older state.
    """
    report = Report(dry_run)
    number = None if dry_run else stores.database.run(sweeps.begin)
    for due in _overdue(stores, shard):
        for category in due.values():
            report.tally(category).due += 1
        _erase(report, workers, erase_media, {} if dry_run else due)
    _erase_orphans(stores, report, workers, after_restore, shard)
    if not dry_run:
        report.partial_writes = stores.objects.discard_unfinished(stores.unfinished)
    report.prompts = rows.forget_prompts(stores.database, dry_run=dry_run)
    report.rows = rows.remove_expired(stores.database, stores.settings, dry_run=dry_run)
    if number is not None:
        report.left = _left(stores, shard)
        stores.database.run(sweeps.end, number, clean=report.clean)
    return report


def _erase_orphans(stores: Stores, report: Report, workers: Workers, after_restore: bool, shard: int) -> None:
    found = orphans.find(stores)
    if not found.keys:
        return
    report.tally(ORPHANS).due += len(found.keys)
    report.withheld = None if after_restore else found.withheld
    if report.dry_run or report.withheld:
        return
    for start in range(0, len(found.keys), shard):
        _erase(report, workers, erase_unnamed, dict.fromkeys(found.keys[start : start + shard], ORPHANS))


def _erase(report: Report, workers: Workers, eraser: Eraser, due: Mapping[str, str]) -> None:
    """``due``: the category of each name."""
    outcomes = workers(eraser, list(due)) if due else {}
    for name, outcome in outcomes.items():
        report.tally(due[name]).add(outcome)


def _overdue(stores: Stores, shard: int) -> Iterator[dict[str, str]]:
    """Rows that are due, each once: the next page begins behind the last, whatever became of it."""
    after = ""
    while page := stores.database.run(overdue.select_overdue, stores.unfinished, after=after, limit=shard):
        yield {each.media_id: each.reason.value for each in page}
        after = page[-1].media_id


def _left(stores: Stores, shard: int) -> dict[str, int]:
    left = Counter(category for due in _overdue(stores, shard) for category in due.values())
    left.update({ORPHANS: len(orphans.find(stores).keys)})
    return dict(+left)
