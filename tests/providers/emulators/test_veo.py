"""The emulated Veo sells tokens for signed assertions, takes what Veo takes, and fails as its script says."""

import base64
from collections.abc import Iterator
from typing import Any

import httpx
import jwt
import pytest

from cluster import clock
from tests.emulators.script import REFUSALS, Endpoint, Fault
from tests.emulators.veo import Veo
from tests.emulators.veo_keys import GRANT
from tests.emulators.videos import NOT_A_VIDEO, make_video
from tests.providers.emulators.provider import PHOTO, PHOTO_BASE64, client_of

MODEL = "/v1/projects/p/locations/l/publishers/google/models/veo-3.1-generate-001"
IMAGE = {"bytesBase64Encoded": PHOTO_BASE64, "mimeType": "image/jpeg"}
INSTANCE: dict[str, Any] = {"prompt": "the sun rises", "image": IMAGE}
BODY: dict[str, Any] = {"instances": [INSTANCE], "parameters": {"durationSeconds": 4, "seed": 7}}


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[Veo, httpx.Client]]:
    veo = Veo(oversized_bytes=2_000_000)
    with client_of(veo) as client:
        yield veo, client


@pytest.fixture
def veo(served: tuple[Veo, httpx.Client]) -> Veo:
    served[0].script.clear()
    served[0].tasks.clear()
    return served[0]


@pytest.fixture
def client(served: tuple[Veo, httpx.Client]) -> httpx.Client:
    return served[1]


def _create(client: httpx.Client) -> str:
    name: str = client.post(f"{MODEL}:predictLongRunning", json=BODY).json()["name"]
    return name


def _fetch(client: httpx.Client, name: str) -> httpx.Response:
    return client.post(f"{MODEL}:fetchPredictOperation", json={"operationName": name})


def _done(client: httpx.Client, fault: Fault) -> Any:
    name = _create(client)
    polls = [_fetch(client, name).json() for _ in range(3)]
    assert [poll.get("done", False) for poll in polls] == [False, False, True], fault
    return polls[-1]


def _buy(client: httpx.Client, veo: Veo, **other: object) -> httpx.Response:
    uri = str(client.base_url.join("/token"))
    key, now = veo.account.key_file(uri), clock.unix(clock.now())
    scope = "https://www.googleapis.com/auth/cloud-platform"
    claims = {"iss": key["client_email"], "aud": uri, "scope": scope, "iat": now, "exp": now + 3600} | other
    assertion = jwt.encode(claims, key["private_key"], "RS256")
    return client.post("/token", data={"grant_type": GRANT, "assertion": assertion})


def test_a_signed_assertion_buys_a_token(veo: Veo, client: httpx.Client) -> None:
    token = _buy(client, veo).json()["access_token"]
    for bearer, status in ((token, 200), ("wrong", 401)):
        headers = {"authorization": f"Bearer {bearer}"}
        assert client.post(f"{MODEL}:predictLongRunning", json=BODY, headers=headers).status_code == status
    for wrong in ({"aud": "https://other.example"}, {"iss": "other"}, {"exp": 1}, {"scope": "other"}):
        assert _buy(client, veo, **wrong).json()["error"] == "invalid_grant"


@pytest.mark.parametrize(
    "body",
    [
        BODY | {"labels": {"user": "u-1"}},
        BODY | {"parameters": {"storageUri": "gs://bucket"}},
        BODY | {"parameters": {"durationSeconds": 5}},
        BODY | {"parameters": {"durationSeconds": "4"}},
        BODY | {"parameters": {"aspectRatio": "1:1"}},
        BODY | {"parameters": {"personGeneration": "all"}},
        BODY | {"instances": []},
        BODY | {"instances": [INSTANCE | {"image": IMAGE | {"mimeType": "image/png"}}]},
        BODY | {"instances": [INSTANCE | {"image": {"gcsUri": "gs://bucket/photo"}}]},
    ],
)
def test_what_is_not_in_the_documentation_is_refused(veo: Veo, client: httpx.Client, body: Any) -> None:
    answer = client.post(f"{MODEL}:predictLongRunning", json=body)
    assert (answer.status_code, answer.json()["error"]["status"]) == (400, "INVALID_ARGUMENT")
    assert veo.tasks.paid == 0


STATUSES = {
    Fault.AUTH: (401, "UNAUTHENTICATED"),
    Fault.QUOTA_EXHAUSTED: (403, "PERMISSION_DENIED"),
    Fault.INVALID_INPUT: (400, "INVALID_ARGUMENT"),
    Fault.MODEL_GONE: (404, "NOT_FOUND"),
    Fault.RATE_LIMITED: (429, "RESOURCE_EXHAUSTED"),
    Fault.PARALLEL_LIMIT: (429, "RESOURCE_EXHAUSTED"),
    Fault.SERVER_ERROR: (500, "INTERNAL"),
}


@pytest.mark.parametrize("fault", sorted(REFUSALS - Veo.told_by_the_task))
def test_it_refuses_as_the_script_says_once(veo: Veo, client: httpx.Client, fault: Fault) -> None:
    veo.script.add(Endpoint.CREATE, fault)
    answer = client.post(f"{MODEL}:predictLongRunning", json=BODY)
    error = answer.json()["error"]
    assert (answer.status_code, error["status"]) == STATUSES[fault]
    assert error["code"] == answer.status_code
    _create(client)
    assert veo.tasks.paid == 1


def test_operations_end_as_the_script_says(veo: Veo, client: httpx.Client) -> None:
    ends = {}
    for fault in sorted({Fault.MODERATED_INPUT, Fault.MODERATED_OUTPUT, Fault.EXPIRED_RESULT, Fault.DUPLICATE}):
        veo.script.add(Endpoint.CREATE, fault)
        ends[fault] = _done(client, fault)
    assert ends[Fault.MODERATED_INPUT]["error"]["code"] == 3
    assert ends[Fault.EXPIRED_RESULT]["error"]["code"] == 5
    assert "videos" not in ends[Fault.MODERATED_OUTPUT]["response"]
    assert ends[Fault.MODERATED_OUTPUT]["response"]["raiMediaFilteredCount"] == 1
    first, second = ends[Fault.DUPLICATE]["response"]["videos"]
    assert base64.b64decode(first["bytesBase64Encoded"]) == make_video(PHOTO, 4)
    assert first == second


def test_videos_are_no_videos_and_operations_are_lost(veo: Veo, client: httpx.Client) -> None:
    veo.script.add(Endpoint.CREATE, Fault.NOT_A_VIDEO)
    (video,) = _done(client, Fault.NOT_A_VIDEO)["response"]["videos"]
    assert base64.b64decode(video["bytesBase64Encoded"]) == NOT_A_VIDEO
    veo.script.add(Endpoint.CREATE, Fault.LOST_TASK)
    assert _fetch(client, _create(client)).status_code == 404
    veo.script.add(Endpoint.CREATE, Fault.DROP_AFTER_ACCEPT)
    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        _create(client)
    assert veo.tasks.paid == 3
