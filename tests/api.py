"""The HTTP application in this process, people who use it, and a way to do its jobs without Ray."""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from io import BytesIO
from typing import Any

from fastapi import FastAPI
from PIL import Image
from starlette.testclient import TestClient

from cluster.privacy.media_kinds import MediaKind
from cluster.records import lifecycle
from cluster.records.job_states import Stage
from serve.catalogue import Catalogue
from serve.catalogue import load as load_catalogue
from serve.erasure import erase_doomed
from serve.ingress.services import Services
from serve.resources import StageResources
from serve.stage import StageRun, Work, perform
from tests.checks import Snapshot, assert_sound, snapshot
from tests.world import PLENTY, SHARE, World

VIDEO = random.Random(1).randbytes(3_500_000)
OURS = ("default", "bygone")
AGREED = {"people_agree": "true"}
"""What is said with every photo for a third party."""
THUMBNAIL, SPRITESHEET = b"a thumbnail", b"a sprite sheet"


def picture(form: str = "JPEG", size: tuple[int, int] = (320, 240), **options: Any) -> bytes:
    """An encoded picture."""
    stream = BytesIO()
    Image.linear_gradient("L").resize(size).convert("RGB").save(stream, form, **options)
    return stream.getvalue()


PHOTO = picture()


def catalogue() -> Catalogue:
    """Our own model, one of a third party, and one that is retired."""
    default = load_catalogue().models["default"]
    recipient = SHARE.removeprefix("share:")
    shared = {
        "recipient": recipient,
        "country": "nowhere",
        "data": ("the photo", "the prompt"),
        "sentence": "It leaves.",
    }
    disclosure = default.disclosure.model_copy(update=shared)
    models = {
        "default": default,
        "elsewhere": default.model_copy(update={"recipient": recipient, "disclosure": disclosure}),
        "bygone": default.model_copy(update={"lifecycle": "retired"}),
    }
    return Catalogue(models=models, weights={})


def _ingestion(run: StageRun) -> Mapping[str, Any]:
    upload, data = run.read(MediaKind.UPLOAD)
    run.write(MediaKind.INPUT, "image/png", [data], derived_from=upload.id, size=(320, 240))
    return {"photo": {"width": 320, "height": 240}}


def _generation(run: StageRun) -> Mapping[str, Any]:
    photo, _ = run.read(MediaKind.INPUT)
    run.on_step(1, 2)
    video = run.write(MediaKind.VIDEO, "video/mp4", [VIDEO[:1000], VIDEO[1000:]], derived_from=photo.id)
    run.write(MediaKind.THUMBNAIL, "image/webp", [THUMBNAIL], derived_from=video.id)
    run.write(MediaKind.SPRITESHEET, "image/jpeg", [SPRITESHEET], derived_from=video.id)
    return {"layers": ["background", "subject"]}


def _delegation(run: StageRun) -> Mapping[str, Any]:
    photo, _ = run.read(MediaKind.INPUT)
    run.write(MediaKind.RECEIVED, "application/octet-stream", [VIDEO], derived_from=photo.id)
    return {}


def _screening(_: StageRun) -> Mapping[str, Any]:
    return {}


WORK: dict[Stage, Work] = {
    Stage.INGESTION: _ingestion,
    Stage.INPUT_SCREENING: _screening,
    Stage.GENERATION: _generation,
    Stage.DELEGATION: _delegation,
    Stage.RECEPTION: _generation,
    Stage.OUTPUT_SCREENING: _screening,
}
CONSUMED = {Stage.INGESTION: (MediaKind.UPLOAD,)}


@dataclass(frozen=True)
class Person:
    """Somebody with an account and a key."""

    client: TestClient
    account_id: str
    key: str

    def call(self, method: str, path: str, **options: Any) -> Any:
        """Send a request with the key."""
        headers = {"authorization": f"Bearer {self.key}"} | options.pop("headers", {})
        return self.client.request(method, path, headers=headers, **options)

    def get(self, path: str, **options: Any) -> Any:
        """GET."""
        return self.call("GET", path, **options)

    def post(self, path: str, **options: Any) -> Any:
        """POST."""
        return self.call("POST", path, **options)

    def delete(self, path: str) -> Any:
        """DELETE."""
        return self.call("DELETE", path)

    def login(self) -> "Person":
        """The same person, freshly logged in, and known by the session's token."""
        begun = self.client.post("/v1/sessions", json={"api_key": self.key})
        assert begun.status_code == 201, begun.text
        self.client.cookies.clear()
        return replace(self, key=begun.json()["token"])

    def create(self, photo: bytes = PHOTO, *, idempotency_key: str | None = None, **fields: str) -> Any:
        """POST /v1/videos as the SDK does."""
        headers = {"idempotency-key": idempotency_key} if idempotency_key is not None else {}
        fields = fields if fields.get("model", "default") in OURS else AGREED | fields
        return self.post("/v1/videos", data=fields, files={"input_reference": ("upload", photo)}, headers=headers)

    def created(self, **fields: str) -> str:
        """The id of a new video."""
        answer = self.create(PHOTO, idempotency_key=None, **fields)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["id"])


@dataclass(frozen=True)
class Api:
    """One application over one database and one data folder."""

    client: TestClient
    services: Services
    stages: StageResources
    world: World

    def _repr_pretty_(self, printer: Any, _: bool) -> None:
        """Be short: Hypothesis warns where it would have to print a whole installation."""
        printer.text("the application")

    def person(self, **details: str) -> Person:
        """Open an account."""
        answer = self.client.post("/v1/accounts", json=details)
        assert answer.status_code == 201, answer.text
        made = answer.json()
        return Person(self.client, made["account_id"], made["api_key"])

    def drive(
        self, job_id: str, work: Mapping[Stage, Work] = WORK, until: Callable[[Stage], bool] | None = None
    ) -> None:
        """Do everything that is due, as director and stages would, until the job has ended or ``until`` says so."""
        database = self.stages.database
        while leases := database.run(lifecycle.claim, PLENTY, "director"):
            for lease in leases:
                stage = Stage(lease.stage)
                if until and until(stage):
                    return
                if stage is Stage.PUBLISH:
                    database.run(lifecycle.complete, lease)
                else:
                    perform(self.stages, lease, work[stage], consumed=CONSUMED.get(stage, ()))
        assert not self.world.claim(), job_id

    def await_(self, function: Callable[..., Any], *args: Any) -> Any:
        """Run a coroutine function on the application's loop."""
        assert self.client.portal
        return self.client.portal.call(function, *args)

    def at(self, address: str) -> TestClient:
        """Somebody else, at an address, on the same loop of the application: what a request leaves behind lives on."""
        client = TestClient(self.client.app, client=(address, 50_000))
        client.portal = self.client.portal
        return client

    def use(self, **services: Any) -> None:
        """Answer with other services from now on."""
        assert isinstance(self.client.app, FastAPI)
        self.client.app.state.services = replace(self.services, **services)

    def clean(self) -> None:
        """Erase what is doomed."""
        assert self.await_(erase_doomed, self.services.resources) == 0

    def snapshot(self) -> Snapshot:
        """Row counts and objects."""
        return self.world.run(snapshot, self.stages.store.objects)

    def assert_sound(self) -> None:
        """What must hold after anything."""
        self.clean()
        self.world.run(assert_sound, self.stages.store.objects)
