"""What every answer has, and what none has: request ids, one shape of errors, nothing of what was sent."""

import re
from dataclasses import replace
from typing import Any

import pytest
from starlette.testclient import TestClient

from cluster.records import jobs
from cluster.storage.database import AsyncDatabase
from serve.ingress.api import create_api
from serve.ingress.door import Door
from serve.ingress.services import Services, published_notices
from serve.resources import WebResources
from tests.api import PHOTO, Api, Person

CANARY = "heron-quuxwater"


def test_every_answer_has_an_id_of_its_own_and_is_not_cached(person: Person) -> None:
    paths = ("/healthz", "/v1/models", "/v1/me", "/v1/videos/x", "/nowhere", "/openapi.json", "/docs")
    answers = [person.get(path) for path in paths]
    ids = {answer.headers["x-request-id"] for answer in answers}
    assert len(ids) == len(paths)
    assert all(re.fullmatch(r"req_[0-9a-z]{26}", name) for name in ids)
    assert {answer.headers["cache-control"] for answer in answers} == {"no-store"}
    assert {answer.headers["x-content-type-options"] for answer in answers} == {"nosniff"}


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nowhere", 404, "not_found"),
        ("GET", f"/v1/{CANARY}", 404, "not_found"),
        ("PUT", "/v1/videos", 405, "method_not_allowed"),
        ("DELETE", "/v1/models", 405, "method_not_allowed"),
        ("GET", f"/v1/models/{CANARY}", 400, "model_not_found"),
    ],
)
def test_unknown_routes_and_methods_answer_in_the_same_shape(
    api: Api, method: str, path: str, status: int, code: str
) -> None:
    answer = api.client.request(method, path)
    assert answer.status_code == status
    assert set(answer.json()["error"]) == {"message", "type", "param", "code"}
    assert answer.json()["error"]["code"] == code
    assert CANARY not in answer.text
    assert status != 405 or answer.headers["allow"]


@pytest.mark.parametrize(
    ("method", "path", "options"),
    [
        ("POST", "/v1/accounts", {"json": {CANARY: CANARY}}),
        ("POST", "/v1/accounts", {"json": {"name": [CANARY]}}),
        ("POST", "/v1/accounts", {"json": CANARY}),
        ("POST", "/v1/accounts", {"content": CANARY, "headers": {"content-type": "application/json"}}),
        ("POST", "/v1/consents", {"json": {"purpose": CANARY, "notice_version": CANARY, "granted": CANARY}}),
        ("POST", "/v1/consents", {"json": {"purpose": CANARY, "notice_version": "0", "granted": True}}),
        ("POST", "/v1/videos", {"json": {"input_reference": CANARY}}),
        ("POST", "/v1/videos", {"data": {"camera": CANARY}, "files": {"input_reference": (CANARY, PHOTO)}}),
        ("POST", "/v1/videos", {"files": {"input_reference": (CANARY, CANARY.encode())}}),
        ("GET", f"/v1/videos?after={CANARY}", {}),
        ("GET", f"/v1/videos?limit={CANARY}", {}),
        ("GET", f"/v1/videos/{CANARY}", {}),
        ("GET", f"/v1/videos/{CANARY}/content?variant={CANARY}", {}),
        ("DELETE", f"/v1/api-keys/{CANARY}", {}),
    ],
)
def test_no_refusal_repeats_what_was_sent(
    person: Person, method: str, path: str, options: dict[str, Any], capfd: pytest.CaptureFixture[str]
) -> None:
    answer = person.call(method, path, **options)
    assert 400 <= answer.status_code < 500
    assert CANARY not in answer.text + repr(answer.headers)
    assert CANARY not in "".join(capfd.readouterr())


def test_a_fault_of_ours_is_answered_and_logged_without_its_text(
    person: Person, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError(CANARY)

    monkeypatch.setattr(jobs, "listing", fail)
    answer = person.get("/v1/videos")
    assert (answer.status_code, answer.json()["error"]["code"]) == (500, "internal_error")
    assert answer.headers["x-request-id"]
    logged = "".join(capfd.readouterr())
    assert CANARY not in answer.text + logged
    assert '"event": "request_failed"' in logged
    assert '"error": "RuntimeError"' in logged


def test_models_say_where_data_goes(api: Api) -> None:
    models = {model["id"]: model for model in api.client.get("/v1/models").json()["data"]}
    assert models["default"]["disclosure"]["sentence"]
    assert models["default"]["purposes"] == ["ai_processing"]
    assert models["elsewhere"]["purposes"] == ["ai_processing", "share:elsewhere"]
    assert models["bygone"]["lifecycle"] == "retired"
    assert api.client.get("/v1/models/default").json() == models["default"]


def test_a_dead_database_is_503_and_not_500(web_resources: WebResources, services: Services) -> None:
    dead = AsyncDatabase("postgresql://i2v@127.0.0.1:1/i2v", 1, "test")
    down = replace(
        services,
        resources=WebResources(web_resources.settings, dead, web_resources.keys, web_resources.store),
        door=Door(dead, web_resources.keys, web_resources.settings.admission),
    )
    with TestClient(create_api(down)) as client:
        answers = [
            client.post("/v1/accounts"),
            client.get("/v1/me", headers={"authorization": "Bearer x"}),
            client.get("/readyz"),
        ]
        assert client.get("/healthz").status_code == 200
    for answer in answers:
        assert (answer.status_code, answer.json()["error"]["type"]) == (503, "server_error")
        assert answer.headers["x-should-retry"] == "true"
    assert list(web_resources.keys.accounts()) == []


@pytest.mark.parametrize("part", ["keys", "objects"])
def test_without_keys_or_objects_it_is_not_ready(api: Api, part: str) -> None:
    assert api.client.get("/readyz").status_code == 200
    folder = api.services.resources.settings.data.folder / part
    folder.rename(folder.with_name("gone"))
    assert api.client.get("/readyz").status_code == 503
    assert api.client.get("/healthz").status_code == 200
    folder.with_name("gone").rename(folder)
    assert api.client.get("/readyz").status_code == 200


def test_every_replica_publishes_the_same_notices_once(api: Api) -> None:
    before = api.snapshot()
    current = api.await_(published_notices, api.services.resources.database, api.services.register)
    assert {notice.version for notice in current.values()} <= set(api.services.notice_versions.values())
    assert api.snapshot() == before
