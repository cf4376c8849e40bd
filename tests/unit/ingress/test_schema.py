"""Whatever comes to a route of the OpenAPI document, the answer is one that the document foresees, and no fault."""

from typing import Any, Final

import hypothesis
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.api import PHOTO, Api

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance]
CREATE, STREAM = "POST /v1/videos", "text/event-stream"
OUR_OWN: Final = frozenset({"authorization", "cookie", "content-length", "prefer"})
"""Headers that are not left to chance: `Prefer` would have the test wait."""
BEYOND_CHANCE: Final = frozenset({"GET /v1/staff/record-of-processing", "GET /v1/videos/{video_id}/linked/content"})
"""What is not for customers, and what is read by a signature that nobody guesses."""

every_route = hypothesis.settings(
    max_examples=8,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


def send(api: Api, case: Any, token: str) -> Any:
    """Send the case as `requests` would, but to the application in this process."""
    options = case.as_transport_kwargs(base_url="http://testserver")
    sent = requests.Request(**{name: value for name, value in options.items() if name != "timeout"}).prepare()
    headers: Any = {name: value for name, value in sent.headers.items() if name.lower() not in OUR_OWN}
    body: Any = sent.body
    headers["authorization"] = f"Bearer {token}"
    answer = api.client.request(str(sent.method), str(sent.url), headers=headers, content=body)
    api.client.cookies.clear()
    return answer


def prepared(case: Any, video: str) -> Any:
    """Without a photo nothing is accepted, without a video of one's own nothing is found: neither comes by chance."""
    if case.operation.label == CREATE and isinstance(case.body, dict) and case.media_type == "multipart/form-data":
        case.body["input_reference"] = PHOTO
    if "video_id" in (case.path_parameters or {}):
        case.path_parameters["video_id"] = video
    return case


def statuses(api: Api, operation: Any, token: str, video: str) -> set[int]:
    """Send a dozen requests to a route, hold each answer against the document, and say which statuses came."""
    seen = set[int]()

    @every_route
    @hypothesis.given(case=operation.as_strategy())
    def is_answered_as_described(case: Any) -> None:
        answer = send(api, prepared(case, video), token)
        seen.add(answer.status_code)
        # Of a stream the document describes what each event carries, and not the stream.
        is_stream = answer.headers.get("content-type", "").startswith(STREAM)
        case.validate_response(answer, checks=CHECKS if is_stream else [*CHECKS, response_schema_conformance])

    is_answered_as_described()
    return seen


def test_every_answer_is_one_that_the_document_foresees(api: Api) -> None:
    seen = dict[str, set[int]]()
    described: Any = schemathesis.openapi.from_dict(api.client.get("/openapi.json").json())
    for operation in (found.ok() for found in described.get_all_operations()):
        somebody = api.person().login()  # for one route alone: some end every login
        video = somebody.created()
        api.drive(video)
        seen[operation.label] = statuses(api, operation, somebody.key, video)
    assert seen[CREATE] >= {200, 400}
    assert {200, 404} <= seen["DELETE /v1/videos/{video_id}"]
    assert {label for label, came in seen.items() if came <= {401, 403, 429}} == BEYOND_CHANCE


def test_an_answer_that_is_not_as_described_is_found(api: Api) -> None:
    described: Any = api.client.get("/openapi.json").json()
    answers = described["paths"]["/v1/me"]["get"]["responses"]
    answers["200"]["content"]["application/json"]["schema"] = {"type": "object", "required": ["nowhere"]}
    operation = schemathesis.openapi.from_dict(described)["/v1/me"]["GET"]
    with pytest.raises(FailureGroup, match="nowhere"):
        statuses(api, operation, api.person().key, "")
