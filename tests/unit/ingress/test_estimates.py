"""An estimate is the price that creating the same video reserves, and leaves nothing behind."""

from typing import Any

import pytest

from tests.api import Api, Person


@pytest.mark.parametrize(
    "fields",
    [{}, {"seconds": "7"}, {"seconds": "3", "size": "1280x720"}, {"size": "480x832", "model": "default"}],
)
def test_an_estimate_is_what_creating_reserves(api: Api, person: Person, fields: dict[str, Any]) -> None:
    before = api.snapshot()
    estimate = person.post("/v1/videos/estimate", json=fields)
    assert estimate.status_code == 200
    assert api.snapshot() == before
    video = person.create(**fields).json()
    assert estimate.json() == {"object": "video.estimate", "model": video["model"], "credits": video["price"]}
    assert person.get("/v1/credits").json()["reserved"] == estimate.json()["credits"]


@pytest.mark.parametrize(("field", "value"), [("model", "nowhere"), ("seconds", "99"), ("size", "1x1")])
def test_what_cannot_be_created_has_no_estimate(person: Person, field: str, value: str) -> None:
    refused = person.post("/v1/videos/estimate", json={field: value})
    assert refused.status_code == 400
    assert refused.json()["error"]["param"] == field


def test_an_estimate_is_for_accounts(api: Api) -> None:
    assert api.client.post("/v1/videos/estimate", json={}).status_code == 401
