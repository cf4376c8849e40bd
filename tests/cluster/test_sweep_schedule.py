"""The sweep by itself, as the supervisor has it done, in the cluster's own Ray."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import func, select

from cluster.ids import new_id
from cluster.records import sweeps
from cluster.records.sweeps import Sweeps
from cluster.runtime import submission
from cluster.runtime.board import Board
from cluster.runtime.sweep_schedule import SweepSchedule
from tests.cluster._waiting import until
from tests.cluster.conftest import RunningCluster
from tests.cluster.test_sweep import HOUR, plant_old

SECONDS = 240.0


@contextmanager
def schedule(cluster: RunningCluster, folder: Path) -> Iterator[tuple[SweepSchedule, Board]]:
    """A supervisor's part that is due a second after its start."""
    sweep = cluster.settings.sweep.model_copy(update={"every_hours": 1 / HOUR})
    kept = SweepSchedule(cluster.settings.model_copy(update={"sweep": sweep}), lambda: known(cluster))
    board = kept.board = Board(folder / "state.json", [kept.name])
    kept.start()
    yield kept, board
    kept.stop()


def known(cluster: RunningCluster) -> Sweeps:
    return cluster.database.run(sweeps.read)


def begun(cluster: RunningCluster) -> int:
    """How many sweeps have ever begun."""
    query = select(func.count()).select_from(sweeps.sweeps)
    return cluster.database.run(lambda connection: int(connection.execute(query).scalar_one()))


def under_way(cluster: RunningCluster) -> bool:
    return submission.is_running(cluster.settings, *submission.SWEEP)


def test_a_sweep_is_done_when_it_is_due_and_never_beside_another(cluster: RunningCluster, tmp_path: Path) -> None:
    before, already = known(cluster), begun(cluster)
    assert not under_way(cluster)
    with schedule(cluster, tmp_path) as (first, _):
        until(lambda: first.works() and under_way(cluster), SECONDS)
    with schedule(cluster, tmp_path) as (second, board):
        until(lambda: second.works() and not under_way(cluster), SECONDS)
        assert begun(cluster) == already + 1
        assert known(cluster).succeeded_at != before.succeeded_at
        assert board.standing(second.name).problem is None


def test_a_sweep_that_leaves_something_undone_shows(cluster: RunningCluster, tmp_path: Path) -> None:
    lost = f"video/{new_id('video')}/1/{new_id('media')}"
    plant_old(cluster, lost)
    with schedule(cluster, tmp_path) as (kept, board):
        until(lambda: kept.works() and board.standing(kept.name).problem is not None, SECONDS)
    assert lost in set(cluster.objects.keys())
    cluster.objects.delete(lost)
