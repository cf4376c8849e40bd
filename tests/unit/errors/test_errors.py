"""Every error has a status, a code, a sentence, and survives the way between processes."""

import pickle

import pytest

import cluster.storage.errors  # noqa: F401 - its errors are answers too
from cluster.errors import InvalidRequest, ServiceError, StateConflict


def kinds(base: type[ServiceError] = ServiceError) -> list[type[ServiceError]]:
    return [base, *(kind for child in base.__subclasses__() for kind in kinds(child))]


@pytest.mark.parametrize("kind", kinds())
def test_an_error_says_what_to_do(kind: type[ServiceError]) -> None:
    error = kind()
    body = error.body()["error"]
    assert set(body) == {"message", "type", "param", "code"}
    assert 400 <= error.status < 600
    assert body["code"].replace("_", "").isalpha()
    assert body["message"].endswith((".", "…'."))
    assert len(body["message"]) > 15
    assert str(error) == body["message"]
    assert kind.__doc__


@pytest.mark.parametrize("kind", kinds())
def test_an_error_survives_the_way_between_processes(kind: type[ServiceError]) -> None:
    error = kind("A sentence.", code="a_code", param="a", details={"limit": 3}, headers={"x-limit": "3"})
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is kind
    assert vars(again) == vars(error)


def test_retryable_statuses_say_so() -> None:
    """SDKs repeat 408, 409, 429 and 5xx unless they are told not to."""
    unsaid = [
        kind
        for kind in kinds()
        if kind.status in (409, 429, 503) and not kind.retryable and kind().headers.get("x-should-retry") != "false"
    ]
    assert unsaid == []


def test_details_stand_beside_the_four_fields() -> None:
    error = InvalidRequest("No.", code="too_large", param="size", details={"most": 3})
    assert error.body() == {
        "error": {"message": "No.", "type": "invalid_request_error", "param": "size", "code": "too_large", "most": 3}
    }


def test_a_conflict_keeps_its_own_headers() -> None:
    assert StateConflict(headers={"a": "b"}).headers == {"x-should-retry": "false", "a": "b"}
    assert StateConflict(headers={"x-should-retry": "true"}).headers == {"x-should-retry": "true"}
