"""A stage deployment takes a lease by reference and notices when it stands still."""

import asyncio
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

import pytest

from cluster import settings as cluster_settings
from cluster.privacy.media_kinds import MediaKind
from cluster.records.job_states import JobState, Stage
from cluster.settings import Settings
from serve import ingestion
from serve.media.probe import decoding
from serve.stage import StageRun
from serve.stage_deployment import StageDeployment, Wedged
from serve.watchdog import Watchdog
from tests.api import WORK, Api, Person

Replica = TypeVar("Replica", bound=StageDeployment)

PATIENCE = 0.5


class Ingestion(StageDeployment):
    """Does the test's ingestion, after as many seconds as it is told."""

    name = "ingestion"
    stages = (Stage.INGESTION,)
    consumes = (MediaKind.UPLOAD,)
    pause = 0.0

    def work(self, run: StageRun) -> Mapping[str, Any]:
        time.sleep(self.pause)
        return next(iter(WORK.values()))(run)


@pytest.fixture
def surroundings(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What Serve gives a replica, which finds its settings by itself."""
    monkeypatch.setenv("I2V_DATA_FOLDER", str(settings.data.folder))
    monkeypatch.setenv("I2V_DATABASE_URL", str(settings.database.url))
    cluster_settings.load.cache_clear()
    yield
    cluster_settings.load.cache_clear()


@pytest.fixture
def impatience(surroundings: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Steps may take no time to speak of."""
    monkeypatch.setenv("I2V_JOBS_STEP_SECONDS", str(PATIENCE))


@contextmanager
def started(of: type[Replica]) -> Iterator[Replica]:
    """A replica as Serve would make one, but without its way to end the process, which is the tests' own."""
    replica = of()
    replica.watchdog = Watchdog(replica.resources.settings.jobs, end=lambda: None)
    yield replica
    replica.__del__()
    replica.resources.database.close()


def check(replica: StageDeployment) -> None:
    """Look at its health as Serve does."""
    asyncio.run(replica.check_health())


def test_it_does_its_stage(api: Api, person: Person, surroundings: None) -> None:
    job_id = person.created()
    (lease,) = api.world.claim()
    with started(Ingestion) as replica:
        replica.run(lease.job_id, lease.fence, lease.stage)
        check(replica)
    assert api.world.read(job_id).stage == "input_screening"
    api.clean()
    assert [key.split("/")[0] for key in api.snapshot().objects] == ["input"]


def test_it_is_unhealthy_while_it_stands_still_and_well_afterwards(api: Api, person: Person, impatience: None) -> None:
    person.created()
    (lease,) = api.world.claim()
    with started(Ingestion) as replica:
        replica.pause = 3 * PATIENCE
        thread = threading.Thread(target=replica.run, args=(lease.job_id, lease.fence, lease.stage))
        thread.start()
        check(replica)
        time.sleep(2 * PATIENCE)
        with pytest.raises(Wedged):
            check(replica)
        thread.join()
        check(replica)


def test_want_of_memory_while_decoding_is_not_the_fault_of_the_photo(
    api: Api, person: Person, surroundings: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def decode(*_: object) -> bytearray:
        with decoding():
            return bytearray(2**55)

    monkeypatch.setattr(ingestion, "decode", decode)
    job_id = person.created()
    (lease,) = api.world.claim()
    with started(ingestion.Ingestion) as replica:
        replica.run(lease.job_id, lease.fence, lease.stage)
    job = api.world.read(job_id)
    assert (job.state, job.attempts, job.error_code) == (JobState.IN_PROGRESS, 2, None)
