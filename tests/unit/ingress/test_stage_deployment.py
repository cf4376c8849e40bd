"""A stage deployment takes a lease by reference and notices when it stands still."""

import threading
import time
from collections.abc import Iterator, Mapping
from typing import Any

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
    monkeypatch.setenv("I2V_JOBS_STEP_SECONDS", str(PATIENCE))
    cluster_settings.load.cache_clear()
    yield
    cluster_settings.load.cache_clear()


@pytest.fixture
def deployment(surroundings: None) -> Iterator[Ingestion]:
    """A replica as Serve would make one, but for its way to end the process."""
    replica = Ingestion()
    replica.watchdog = Watchdog(replica.resources.settings.jobs, end=lambda: None)
    yield replica
    replica.__del__()
    replica.resources.database.close()


def test_it_does_its_stage(api: Api, person: Person, deployment: Ingestion) -> None:
    job_id = person.created()
    (lease,) = api.world.claim()
    deployment.run(lease.job_id, lease.fence, lease.stage)
    deployment.check_health()
    assert api.world.read(job_id).stage == "input_screening"
    api.clean()
    assert [key.split("/")[0] for key in api.snapshot().objects] == ["input"]


def test_it_is_unhealthy_while_it_stands_still_and_well_afterwards(
    api: Api, person: Person, deployment: Ingestion
) -> None:
    person.created()
    (lease,) = api.world.claim()
    deployment.pause = 3 * PATIENCE
    thread = threading.Thread(target=deployment.run, args=(lease.job_id, lease.fence, lease.stage))
    thread.start()
    deployment.check_health()
    time.sleep(2 * PATIENCE)
    with pytest.raises(Wedged):
        deployment.check_health()
    thread.join()
    deployment.check_health()


def test_want_of_memory_while_decoding_is_not_the_fault_of_the_photo(
    api: Api, person: Person, surroundings: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def decode(*_: object) -> bytearray:
        with decoding():
            return bytearray(2**55)

    monkeypatch.setattr(ingestion, "decode", decode)
    job_id = person.created()
    (lease,) = api.world.claim()
    replica = ingestion.Ingestion()
    replica.run(lease.job_id, lease.fence, lease.stage)
    replica.resources.database.close()
    job = api.world.read(job_id)
    assert (job.state, job.attempts, job.error_code) == (JobState.IN_PROGRESS, 2, None)
