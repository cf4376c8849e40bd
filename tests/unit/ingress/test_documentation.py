"""The documentation: complete, valid, and it loads nothing from elsewhere."""

import json
import re
from typing import Any
from urllib.parse import urlsplit

import pytest

from cluster import errors
from cluster.errors import ServiceError
from serve.engines.parameters import VideoParameters
from serve.ingress.events import VideoEvent
from serve.provider_parameters import ProviderParameters
from tests.api import Api

ANYWHERE = {errors.MethodNotAllowed, errors.ServiceError, errors.Forbidden}
TAKES_A_KEY = {"post /v1/videos", "post /v1/videos/{video_id}/remix", "post /v1/video_batches"}


@pytest.fixture
def schema(api: Api) -> dict[str, Any]:
    described: dict[str, Any] = api.client.get("/openapi.json").json()
    return described


def operations(schema: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {f"{method} {path}": what for path, methods in schema["paths"].items() for method, what in methods.items()}


def references(part: Any) -> list[str]:
    if isinstance(part, dict):
        own = [part["$ref"]] if isinstance(part.get("$ref"), str) else []
        return own + [found for value in part.values() for found in references(value)]
    return [found for value in part for found in references(value)] if isinstance(part, list) else []


def test_it_is_an_openapi_document_without_loose_ends(schema: dict[str, Any]) -> None:
    assert schema["openapi"].startswith("3.1")
    known = {f"#/components/schemas/{name}" for name in schema["components"]["schemas"]}
    assert set(references(schema)) <= known
    names = [what["operationId"] for what in operations(schema).values()]
    assert len(set(names)) == len(names) > 15
    for name, what in operations(schema).items():
        assert what["summary"], name
        assert what["description"], name
        parameters = {parameter["name"] for parameter in what.get("parameters", []) if parameter["in"] == "path"}
        assert parameters == set(re.findall(r"{(\w+)}", name)), name


def test_every_error_is_in_it_with_an_example(schema: dict[str, Any]) -> None:
    documented = json.dumps(schema)
    public = {kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, ServiceError)}
    assert len(public - ANYWHERE) > 12
    assert [kind.code for kind in public - ANYWHERE if f'"code": "{kind.code}"' not in documented] == []


def test_every_operation_names_its_errors_in_the_one_shape(schema: dict[str, Any]) -> None:
    for name, what in operations(schema).items():
        failures = {status: answer for status, answer in what["responses"].items() if status >= "400"}
        assert {"400", "503", "default"} <= set(failures), name
        assert "422" not in failures or name in TAKES_A_KEY
        assert "security" not in what or "401" in failures, name
        for answer in failures.values():
            content = answer["content"]["application/json"]
            assert content["schema"]["$ref"].endswith("/ErrorAnswer"), name
            for example in content.get("examples", {}).values():
                assert set(example["value"]["error"]) >= {"message", "type", "code"}


def test_creating_is_described_both_ways_with_every_parameter(schema: dict[str, Any]) -> None:
    body = operations(schema)["post /v1/videos"]["requestBody"]["content"]
    assert set(body) == {"multipart/form-data", "application/json"}
    for described in body.values():
        expected = {
            "prompt",
            "model",
            "subject",
            "priority",
            "input_reference",
            "store",
            "expires_after",
            "people_agree",
            "confirm_personal_text",
            *VideoParameters.model_fields,
            *(set(ProviderParameters.model_fields) - {"negative_prompt"}),
        }
        assert set(described["schema"]["properties"]) == expected


def test_the_rate_limit_is_described_where_it_counts(schema: dict[str, Any]) -> None:
    for name, what in operations(schema).items():
        for answer in what["responses"].values():
            described = {header for header in answer.get("headers", {}) if header.startswith("x-ratelimit-")}
            assert len(described) == (3 if "security" in what else 0), name


def test_the_stream_of_events_is_described_with_what_is_in_it(schema: dict[str, Any]) -> None:
    answers = operations(schema)["get /v1/videos/{video_id}/events"]["responses"]["200"]["content"]
    assert set(answers) == {"text/event-stream"}
    assert set(answers["text/event-stream"]["schema"]["properties"]) == set(VideoEvent.model_fields)
    assert "prefer" in [each["name"].lower() for each in operations(schema)["post /v1/videos"]["parameters"]]


def test_the_page_loads_nothing_from_elsewhere(api: Api) -> None:
    page = api.client.get("/docs")
    assert page.status_code == 200
    loaded = re.findall(r"""(?:src|href|url)\s*[=:]\s*["']([^"']+)["']""", page.text)
    assert loaded
    assert [link for link in loaded if urlsplit(link).netloc] == []
    for link in loaded:
        assert api.client.get(f"/{link}").status_code == 200, link
    assert not re.findall(r"""["'(]\s*(?:https?:)?//""", page.text)
    assert api.client.get("/").url.path == "/docs"
    assert api.client.get("/docs/main.py").status_code == 404
