"""No, wrong, revoked, expired, wrongly scoped and over-cap credentials: refused, and nothing is stored."""

from collections.abc import Callable
from typing import Any

import pytest

from cluster.ids import secret_token
from tests.api import Api, Person
from tests.fixtures_cluster import ShiftClock

Spoil = Callable[[Person, ShiftClock], str | None]


def made(person: Person, **wanted: Any) -> dict[str, Any]:
    key: dict[str, Any] = person.post("/v1/api-keys", json=wanted).json()
    return key


def revoked(person: Person, _: ShiftClock) -> str:
    key = made(person)
    person.delete(f"/v1/api-keys/{key['id']}")
    return str(key["api_key"])


def expired(person: Person, shift_clock: ShiftClock) -> str:
    key = made(person, expires_in_days=1)
    shift_clock(days=1)
    return str(key["api_key"])


UNKNOWN: dict[str, Spoil] = {
    "no": lambda _, __: None,
    "empty": lambda _, __: "",
    "wrong": lambda _, __: secret_token("i2v"),
    "almost right": lambda person, _: person.key[:-1],
    "revoked": revoked,
    "expired": expired,
}


def tried(person: Person, key: str | None) -> Any:
    """Create a video with that key, or with none."""
    headers = {"authorization": f"Bearer {key}"} if key is not None else {"authorization": ""}
    photo = {"input_reference": ("upload", b"never read")}
    return person.client.post("/v1/videos", files=photo, headers=headers)


@pytest.mark.parametrize("name", UNKNOWN)
def test_a_credential_that_does_not_open_says_nothing_of_itself(
    api: Api, person: Person, shift_clock: ShiftClock, name: str
) -> None:
    """Who holds a key that has ended, or a part of one, gets the very answer that a guess gets."""
    key = UNKNOWN[name](person, shift_clock)
    before = api.snapshot()
    refused, guessed = tried(person, key), tried(person, secret_token("i2v"))
    assert (refused.status_code, refused.json()["error"]["code"]) == (401, "invalid_api_key")
    assert refused.content == guessed.content
    assert refused.headers.keys() == guessed.headers.keys()
    assert api.snapshot() == before


def test_a_wrongly_scoped_credential_learns_which_scope_is_needed(api: Api, person: Person) -> None:
    reading = Person(person.client, person.account_id, made(person, scopes=["videos:read"])["api_key"])
    video = person.created()
    before = api.snapshot()
    for refused in (
        reading.create(),
        reading.post(f"/v1/videos/{video}/cancel"),
        reading.delete(f"/v1/videos/{video}"),
        reading.delete("/v1/subjects/somebody"),
    ):
        error = refused.json()["error"]
        assert (refused.status_code, error["code"], error["needed_scope"]) == (
            403,
            "insufficient_scope",
            "videos:write",
        )
    assert api.snapshot() == before
    assert reading.get(f"/v1/videos/{video}").status_code == 200


def test_an_over_cap_credential_is_told_so(api: Api, person: Person) -> None:
    price = person.create().json()["price"]
    capped = Person(person.client, person.account_id, made(person, spending_cap=price - 1)["api_key"])
    before = api.snapshot()
    refused = capped.create(idempotency_key="k")
    error = refused.json()["error"]
    assert (refused.status_code, error["type"], error["code"]) == (402, "insufficient_quota", "spending_cap_reached")
    assert api.snapshot() == before
    assert capped.get("/v1/videos").status_code == 200
    assert person.create(idempotency_key="k").status_code == 200
