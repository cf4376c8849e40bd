"""A job does not know whose it is in any way that names somebody, and a stage is told only which job it is."""

import asyncio
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any, cast

import pytest

from cluster.records.job_states import Stage
from cluster.records.leases import Lease
from cluster.settings import Settings
from serve.director import Director
from serve.presence import Presence
from serve.stage import perform
from tests.api import CONSUMED, PHOTO, WORK, Api, Person

CANARY = "Zq7 canary ä"
EMAIL = "zq7-canary@example.org"
PATIENCE = 20

STAGES_OF_OURS = len(set(WORK) - {Stage.DELEGATION, Stage.RECEPTION})


class Replicas:
    """Do each stage here as a replica would, and write down what was sent to it."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self.sent: list[tuple[Any, ...]] = []

    def handle(self, stage: Stage) -> Any:
        """What stands for the deployment of a stage."""

        def remote(*arguments: Any, **named: Any) -> Any:
            self.sent.append((*arguments, *named.items()))
            lease = Lease(*arguments[:3])
            work, consumed = WORK[stage], CONSUMED.get(stage, ())
            return asyncio.to_thread(perform, self.api.stages, lease, work, consumed=consumed)

        return SimpleNamespace(run=SimpleNamespace(remote=remote))


@pytest.fixture
def replicas(api: Api, replica_settings: Settings) -> Iterator[Replicas]:
    """A director at work, and the replicas that it sends to."""
    replicas, director = Replicas(api), Director.__new__(Director)
    initialise = cast("Callable[..., Any]", director.__init__)  # type: ignore[misc]  # Ray awaits it, so do we
    api.await_(initialise, {stage: replicas.handle(stage) for stage in WORK})
    present = Presence(api.stages.database, tuple(WORK), 10, 1)
    present.begin()
    yield replicas
    present.end()
    api.await_(stop, director)


async def stop(director: Director) -> None:
    for loop in director._loops:
        loop.cancel()
    await asyncio.gather(*director._loops, *director._driving, return_exceptions=True)
    await director._resources.database.close()


@pytest.mark.promise("P47")
@pytest.mark.parametrize("field", ["name", "email", "company", "user"])
def test_a_job_takes_nothing_that_names_somebody(api: Api, person: Person, field: str) -> None:
    before = api.snapshot()
    assert person.create(PHOTO, idempotency_key=None, **{field: CANARY}).status_code == 400
    url = f"data:image/jpeg;base64,{b64encode(PHOTO).decode()}"
    answered = person.post("/v1/videos", json={field: CANARY, "input_reference": {"image_url": url}})
    assert (answered.status_code, CANARY in answered.text) == (400, False)
    assert api.snapshot() == before


@pytest.mark.promise("P47")
def test_a_stage_is_told_the_job_the_fence_and_the_stage(api: Api, replicas: Replicas) -> None:
    person = api.person(name=CANARY, email=EMAIL, company=CANARY)
    job_id = person.create(PHOTO, prompt="a calm morning").json()["id"]
    give_up = time.monotonic() + PATIENCE
    while person.get(f"/v1/videos/{job_id}").json()["status"] != "completed" and len(replicas.sent) < STAGES_OF_OURS:
        assert time.monotonic() < give_up
        time.sleep(0.05)
    assert [(sent[0], *map(type, sent[1:]), len(sent)) for sent in replicas.sent] == [
        (job_id, int, Stage, 3)
    ] * STAGES_OF_OURS
    row = api.world.sql("SELECT * FROM jobs WHERE id = :job", job=job_id)
    assert not any(canary in repr(row) for canary in (CANARY, EMAIL))
