"""The emulated Bedrock serves Amazon's own clients, verifies signatures, and fails as its script says."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import botocore.exceptions
import botocore.session
import pytest
from botocore.config import Config

from cluster import clock
from tests.emulators.bedrock import Bedrock
from tests.emulators.script import REFUSALS, Endpoint, Fault
from tests.emulators.server import serving
from tests.emulators.videos import make_video
from tests.photos import building, jpeg, person
from tests.providers.emulators.provider import as_base64

PHOTO = jpeg(person())
SOURCE = {"type": "base64", "media_type": "image/jpeg", "data": as_base64(PHOTO)}
INPUT: dict[str, Any] = {
    "prompt": "the sun rises",
    "duration": "5s",
    "keyframes": {"frame0": {"type": "image", "source": SOURCE}},
}
BODY: dict[str, Any] = {
    "modelId": "luma.ray-v2:0",
    "modelInput": INPUT,
    "outputDataConfig": {"s3OutputDataConfig": {"s3Uri": "s3://test-bucket/i2v/one"}},
    "clientRequestToken": "one",
}
PREFIX: dict[str, Any] = {"Bucket": "test-bucket", "Prefix": "i2v/one/"}


class Clients:
    """Amazon's clients of an emulator."""

    def __init__(self, emulator: Bedrock, url: str, secret: str | None = None) -> None:
        common = {
            "region_name": emulator.region,
            "endpoint_url": url,
            "aws_access_key_id": emulator.access_key,
            "aws_secret_access_key": secret or emulator.api_key,
            "config": Config(retries={"total_max_attempts": 1}),
        }
        session = botocore.session.Session()
        self.bedrock = session.create_client("bedrock-runtime", **common)
        self.s3 = session.create_client("s3", **common)

    def start(self, **other: Any) -> str:
        arn: str = self.bedrock.start_async_invoke(**(BODY | other))["invocationArn"]
        return arn

    def done(self, arn: str) -> Any:
        polls = [self.bedrock.get_async_invoke(invocationArn=arn) for _ in range(3)]
        assert [poll["status"] for poll in polls[:2]] == ["InProgress"] * 2
        return polls[-1]


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[Bedrock, str]]:
    bedrock = Bedrock(oversized_bytes=2_000_000)
    with serving(bedrock.app) as server:
        yield bedrock, server.url


@pytest.fixture(scope="module")
def amazons(served: tuple[Bedrock, str]) -> Clients:
    return Clients(*served)


@pytest.fixture
def bedrock(served: tuple[Bedrock, str]) -> Bedrock:
    served[0].script.clear()
    served[0].tasks.clear()
    served[0].bucket.clear()
    return served[0]


def _refused(call: Any, **arguments: Any) -> tuple[int, str]:
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        call(**arguments)
    response = caught.value.response
    return response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]["Code"]


def test_amazons_own_clients_are_served(bedrock: Bedrock, amazons: Clients) -> None:
    since = clock.now() - timedelta(minutes=1)
    arn = amazons.start()
    assert amazons.s3.list_objects_v2(**PREFIX)["KeyCount"] == 0
    assert amazons.done(arn)["clientRequestToken"] == "one"
    (listed,) = amazons.bedrock.list_async_invokes(submitTimeAfter=since, maxResults=1)["asyncInvokeSummaries"]
    assert (listed["invocationArn"], listed["status"]) == (arn, "Completed")
    assert amazons.bedrock.list_async_invokes(submitTimeBefore=since)["asyncInvokeSummaries"] == []
    keys = [one["Key"] for one in amazons.s3.list_objects_v2(**PREFIX)["Contents"]]
    name = arn.rpartition("/")[2]
    assert keys == [f"i2v/one/{name}/manifest.json", f"i2v/one/{name}/output.mp4"]
    video = amazons.s3.get_object(Bucket="test-bucket", Key=keys[1])["Body"].read()
    assert video == make_video(PHOTO, 5)
    for key in keys:
        amazons.s3.delete_object(Bucket="test-bucket", Key=key)
    assert amazons.s3.list_objects_v2(**PREFIX)["KeyCount"] == 0
    assert amazons.s3.list_object_versions(**PREFIX).get("Versions") is None
    assert _refused(amazons.s3.get_object, Bucket="test-bucket", Key=keys[1]) == (404, "NoSuchKey")


def test_a_bucket_with_versions_keeps_what_is_deleted(bedrock: Bedrock, amazons: Clients) -> None:
    bedrock.bucket.versioned = True
    bedrock.bucket.put("i2v/one/a", b"a")
    amazons.s3.delete_object(Bucket="test-bucket", Key="i2v/one/a")
    assert amazons.s3.list_objects_v2(**PREFIX)["KeyCount"] == 0
    listed = amazons.s3.list_object_versions(**PREFIX)
    kept = listed["Versions"] + listed["DeleteMarkers"]
    assert len(kept) == 2
    for one in kept:
        amazons.s3.delete_object(Bucket="test-bucket", Key=one["Key"], VersionId=one["VersionId"])
    listed = amazons.s3.list_object_versions(**PREFIX)
    assert "Versions" not in listed
    assert "DeleteMarkers" not in listed


def test_a_token_makes_one_task(bedrock: Bedrock, amazons: Clients) -> None:
    arn = amazons.start()
    assert amazons.start() == arn
    other = INPUT | {"prompt": "another"}
    assert _refused(amazons.start, modelInput=other) == (400, "ConflictException")
    assert amazons.start(clientRequestToken="two") != arn
    assert bedrock.tasks.paid == 2


def test_a_wrong_signature_is_refused(bedrock: Bedrock, served: tuple[Bedrock, str]) -> None:
    wrong = Clients(*served, secret="wrong")
    assert _refused(wrong.start) == (403, "InvalidSignatureException")
    assert _refused(wrong.s3.list_objects_v2, **PREFIX) == (403, "SignatureDoesNotMatch")
    right = Clients(*served)
    right.bedrock.meta.events.register("before-send", _with_another_body)
    assert _refused(right.start) == (403, "InvalidSignatureException")
    assert bedrock.tasks.paid == 0


def _with_another_body(request: Any, **_: Any) -> None:
    request.body = json.dumps(BODY | {"clientRequestToken": "another"}).encode()
    request.headers["Content-Length"] = str(len(request.body))


@pytest.mark.parametrize(
    "other",
    [
        {"tags": [{"key": "user", "value": "u-1"}]},
        {"modelInput": INPUT | {"seed": 7}},
        {"modelInput": INPUT | {"duration": "6s"}},
        {"modelInput": INPUT | {"prompt": ""}},
        {
            "modelInput": INPUT
            | {"keyframes": {"frame0": {"type": "image", "source": SOURCE | {"media_type": "image/png"}}}}
        },
        {
            "modelInput": INPUT
            | {"keyframes": {"frame0": {"type": "image", "source": SOURCE | {"data": as_base64(jpeg(building()))}}}}
        },
        {"outputDataConfig": {"s3OutputDataConfig": {"s3Uri": "s3://other-bucket/i2v/one"}}},
    ],
)
def test_what_is_not_in_the_documentation_is_refused(bedrock: Bedrock, amazons: Clients, other: Any) -> None:
    assert _refused(amazons.start, **other) == (400, "ValidationException")
    assert bedrock.tasks.paid == 0


NAMES = {
    Fault.AUTH: (403, "AccessDeniedException"),
    Fault.QUOTA_EXHAUSTED: (403, "AccessDeniedException"),
    Fault.INVALID_INPUT: (400, "ValidationException"),
    Fault.MODEL_GONE: (404, "ResourceNotFoundException"),
    Fault.RATE_LIMITED: (429, "ThrottlingException"),
    Fault.PARALLEL_LIMIT: (400, "ServiceQuotaExceededException"),
    Fault.SERVER_ERROR: (500, "InternalServerException"),
}


@pytest.mark.parametrize("fault", sorted(REFUSALS - Bedrock.told_by_the_task))
def test_it_refuses_as_the_script_says_once(bedrock: Bedrock, amazons: Clients, fault: Fault) -> None:
    bedrock.script.add(Endpoint.CREATE, fault)
    assert _refused(amazons.start) == NAMES[fault]
    amazons.start()
    assert bedrock.tasks.paid == 1


def test_tasks_end_as_the_script_says(bedrock: Bedrock, amazons: Clients) -> None:
    for fault, what in ((Fault.MODERATED_INPUT, "The prompt"), (Fault.MODERATED_OUTPUT, "The generated video")):
        bedrock.script.add(Endpoint.CREATE, fault)
        end = amazons.done(amazons.start(clientRequestToken=fault.value))
        assert (end["status"], end["failureMessage"].startswith(what)) == ("Failed", True)
    assert amazons.s3.list_objects_v2(**PREFIX)["KeyCount"] == 0
    bedrock.script.add(Endpoint.CREATE, Fault.LOST_TASK)
    arn = amazons.start()
    assert _refused(amazons.bedrock.get_async_invoke, invocationArn=arn) == (404, "ResourceNotFoundException")


def test_the_bucket_fails_as_the_script_says(bedrock: Bedrock, amazons: Clients) -> None:
    for endpoint, call in ((Endpoint.LIST, amazons.s3.list_objects_v2), (Endpoint.DELETE, amazons.s3.delete_object)):
        arguments = PREFIX if endpoint is Endpoint.LIST else {"Bucket": "test-bucket", "Key": "i2v/one/a"}
        bedrock.script.add(endpoint, Fault.SERVER_ERROR)
        assert _refused(call, **arguments) == (500, "InternalError")
        bedrock.script.add(endpoint, Fault.AUTH)
        assert _refused(call, **arguments) == (403, "AccessDenied")
