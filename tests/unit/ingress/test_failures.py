"""What our own stages refuse, by the real stages: the owner reads a code and a sentence, and pays nothing."""

from dataclasses import replace

import pytest

from cluster import runtime, settings
from cluster.privacy.media_kinds import MediaKind
from cluster.records.job_states import Stage
from serve.catalogue import load
from serve.failures import FAILURES
from serve.ingestion import Ingestion
from serve.models.store import ModelStore
from serve.models.unsafe_content import UnsafeContentNetwork
from serve.screening import Screening
from serve.stage import StageRun, Work
from tests.api import WORK, Api, Person
from tests.promises._people import answer
from tests.unit.media.test_received import made
from tests.world import SHARE

VIDEO = made()
INGEST: Work = Ingestion.__new__(Ingestion).work


@pytest.fixture(scope="module")
def screening() -> Work:
    """The stage with its real network, without a replica around it."""
    store = ModelStore(runtime.paths(settings.load()).models)
    stage = Screening.__new__(Screening)
    stage._network = UnsafeContentNetwork(store.fetch(load().weights["unsafe_content"]), threads=1)
    return stage.work


def strict(api: Api) -> Api:
    """The same installation, in which no picture is harmless enough."""
    settings = api.stages.settings
    screening = settings.screening.model_copy(update={"unsafe_threshold": 1e-9})
    return replace(api, stages=replace(api.stages, settings=settings.model_copy(update={"screening": screening})))


def failed(api: Api, person: Person, job_id: str) -> str:
    """The code in the answer, which is an ordinary one, with the sentence of the page on errors."""
    answer = person.get(f"/v1/videos/{job_id}")
    assert answer.status_code == 200
    error = answer.json()["error"]
    assert (answer.json()["status"], error["message"]) == ("failed", FAILURES[error["code"]])
    assert api.world.transfers(job_id) == ["reserve", "release"]
    return str(error["code"])


def generation(run: StageRun) -> dict[str, str]:
    photo, _ = run.read(MediaKind.INPUT)
    run.write(MediaKind.VIDEO, "video/mp4", [VIDEO], derived_from=photo.id)
    return {}


@pytest.mark.parametrize(
    ("stage", "code"), [(Stage.INPUT_SCREENING, "moderation_input"), (Stage.OUTPUT_SCREENING, "moderation_output")]
)
def test_what_screening_refuses_is_neither_made_nor_shown(
    api: Api, person: Person, screening: Work, stage: Stage, code: str
) -> None:
    work = WORK | {Stage.INGESTION: INGEST, Stage.GENERATION: generation, stage: screening}
    refused = person.created()
    strict(api).drive(refused, work)
    assert failed(api, person, refused) == code
    assert person.get(f"/v1/videos/{refused}/content").status_code == 409
    harmless = person.created()
    api.drive(harmless, work)
    assert person.get(f"/v1/videos/{harmless}").json()["status"] == "completed"


def test_what_a_third_party_sent_and_is_no_video_is_not_shown(api: Api, person: Person) -> None:
    answer(person, SHARE, True)
    job_id = person.created(model="elsewhere")
    api.drive(job_id, WORK | {Stage.RECEPTION: INGEST})
    assert failed(api, person, job_id) == "bad_result"
