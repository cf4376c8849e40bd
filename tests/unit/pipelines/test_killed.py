"""A sweep that is killed in the middle leaves nothing that the next one does not find."""

import multiprocessing
import os
import signal
from collections.abc import Iterable

import pytest

from cluster import clock
from cluster.settings import Settings
from cluster.storage.erasure import Erasure
from cluster.storage.local_objects import LocalObjects
from pipelines.sweep.stores import open_stores
from pipelines.sweep.sweep import sweep
from tests.fixtures_cluster import ShiftClock
from tests.unit.pipelines.planting import HOUR, Garden

EXPIRED = 5
ORPHANS = 4


def sweep_and_die(settings: Settings, deaths_after: int) -> None:
    """A process that sweeps one object at a time, and kills itself between an object's end and its row's."""
    clock.shift(2 * HOUR)
    stores, erased = open_stores(settings), 0
    original = LocalObjects.delete_many

    def delete_many(self: LocalObjects, keys: Iterable[str]) -> dict[str, Erasure]:
        nonlocal erased
        outcomes = original(self, keys)
        erased += len(outcomes)
        if erased >= deaths_after:
            os.kill(os.getpid(), signal.SIGKILL)
        return outcomes

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(LocalObjects, "delete_many", delete_many)
        sweep(stores, lambda erase, names: erase(stores, names), shard=1)


@pytest.mark.parametrize("deaths_after", [1, 3, EXPIRED, EXPIRED + 2])
def test_what_a_killed_sweep_left_is_found_by_the_next(
    garden: Garden, settings: Settings, shift_clock: ShiftClock, deaths_after: int
) -> None:
    for _ in range(EXPIRED):
        garden.live(life=HOUR)
    for _ in range(ORPHANS):
        garden.orphan()
    kept = {garden.live().object_key}
    process = multiprocessing.get_context("spawn").Process(target=sweep_and_die, args=(settings, deaths_after))
    process.start()
    process.join(60)
    assert process.exitcode == -signal.SIGKILL
    assert len(garden.objects()) == EXPIRED + ORPHANS + 1 - deaths_after
    assert garden.rows() != garden.objects()

    shift_clock(hours=2)
    report = garden.sweep()
    assert report.clean
    assert sum(each.erased for each in report.objects.values()) == EXPIRED + ORPHANS - deaths_after
    assert sum(each.absent for each in report.objects.values()) == (1 if deaths_after <= EXPIRED else 0)
    assert garden.rows() == garden.objects() == kept
    assert garden.sweep().objects == {}
