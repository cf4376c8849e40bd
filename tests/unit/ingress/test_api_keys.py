"""API keys over HTTP: shown once, ended at once, and never more than the credential that made them."""

import json
from typing import Any

import pytest

from cluster import clock
from cluster.records import api_keys
from tests.api import Api, Person
from tests.fixtures_cluster import ShiftClock

CANARY = "heron-quuxwater"
DAY = 86_400
LIMITS = {"name": "the batch job", "scopes": ["videos:read", "privacy"], "spending_cap": 5}
EVERY = ["videos:read", "videos:write", "account:read", "account:write", "privacy"]


def with_key(person: Person, **wanted: Any) -> Person:
    """The same person with a key made for something."""
    made = person.post("/v1/api-keys", json=wanted)
    assert made.status_code == 201, made.text
    return Person(person.client, person.account_id, made.json()["api_key"])


def listed(person: Person) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = person.get("/v1/api-keys").json()["data"]
    return found


def test_a_key_is_shown_once_and_ends_at_once(person: Person) -> None:
    made = person.post("/v1/api-keys").json()
    assert made["api_key"].startswith("i2v_")
    other = Person(person.client, person.account_id, made["api_key"])
    assert other.get("/v1/videos").status_code == 200

    listing = person.get("/v1/api-keys")
    assert made["api_key"] not in listing.text
    assert person.key not in listing.text
    assert [key["hint"] for key in listing.json()["data"]] == [person.key[-4:], made["api_key"][-4:]]

    assert person.delete(f"/v1/api-keys/{made['id']}").json()["deleted"] is True
    refused = other.get("/v1/videos")
    assert (refused.status_code, refused.json()["error"]["code"]) == (401, "invalid_api_key")
    assert person.delete(f"/v1/api-keys/{made['id']}").status_code == 404
    assert len(listed(person)) == 1


def test_nobody_ends_the_keys_of_others(api: Api, person: Person) -> None:
    other = api.person()
    (key,) = listed(other)
    for name in (key["id"], "key_0", "%00", "key_" + "i" * 26):
        answer = person.delete(f"/v1/api-keys/{name}")
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")
    assert other.get("/v1/me").status_code == 200


@pytest.mark.parametrize("body", [{}, {"json": {}}, {"json": dict.fromkeys(("name", "expires_at", "spending_cap"))}])
def test_a_key_for_nothing_in_particular_creates_videos_and_no_more(person: Person, body: dict[str, Any]) -> None:
    made = person.post("/v1/api-keys", **body)
    shown = {name: made.json()[name] for name in ("scopes", "name", "expires_at", "spending_cap", "spent")}
    assert shown == {
        "scopes": ["videos:read", "videos:write"],
        "name": None,
        "expires_at": None,
        "spending_cap": None,
        "spent": 0,
    }
    generating = Person(person.client, person.account_id, made.json()["api_key"])
    video = generating.created()
    assert generating.get(f"/v1/videos/{video}").status_code == 200
    assert generating.delete(f"/v1/videos/{video}").status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "needed"),
    [
        ("GET", "/v1/me", "account:read"),
        ("GET", "/v1/credits", "account:read"),
        ("GET", "/v1/api-keys", "account:read"),
        ("POST", "/v1/api-keys", "account:write"),
        ("DELETE", "/v1/api-keys/key_00000000000000000000000000", "account:write"),
        ("GET", "/v1/consents", "privacy"),
        ("POST", "/v1/consents", "privacy"),
    ],
)
def test_a_generating_key_is_refused_at_account_and_privacy(
    api: Api, person: Person, method: str, path: str, needed: str
) -> None:
    generating = with_key(person)
    before = api.snapshot()
    refused = generating.call(method, path)
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "insufficient_scope")
    assert refused.json()["error"]["needed_scope"] == needed
    assert api.snapshot() == before


def test_a_key_is_listed_as_it_was_made(person: Person) -> None:
    made = person.post("/v1/api-keys", json=LIMITS | {"expires_in_days": 30}).json()
    secret = made.pop("api_key")
    assert {name: made[name] for name in LIMITS} == LIMITS
    assert 29 * DAY < made["expires_at"] - clock.unix(clock.now()) <= 30 * DAY
    assert made["spent"] == 0
    assert listed(person)[-1] == made
    at = clock.unix(clock.now()) + 10 * 365 * DAY
    assert person.post("/v1/api-keys", json={"expires_at": at}).json()["expires_at"] == at
    assert secret not in person.get("/v1/api-keys").text


def test_the_name_goes_with_the_key(api: Api, person: Person) -> None:
    made = person.post("/v1/api-keys", json={"name": CANARY}).json()
    (sealed,) = api.world.sql("SELECT name_sealed FROM api_keys WHERE id = :key", key=made["id"])
    assert CANARY.encode() not in sealed.name_sealed
    person.delete(f"/v1/api-keys/{made['id']}")
    assert api.world.sql("SELECT name_sealed FROM api_keys WHERE id = :key", key=made["id"]) == [(None,)]


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"scopes": []}, "scopes"),
        ({"scopes": ["videos:read", "videos:read"]}, "scopes"),
        ({"scopes": [CANARY]}, "scopes"),
        ({"scopes": "videos:read"}, "scopes"),
        ({"scopes": [None]}, "scopes"),
        ({"scopes": None}, "scopes"),
        ({"scopes": ["VIDEOS:READ"]}, "scopes"),
        ({"name": ""}, "name"),
        ({"name": CANARY * 10}, "name"),
        ({"name": "\ud800"}, "name"),
        ({"name": 3}, "name"),
        ({"spending_cap": -1}, "spending_cap"),
        ({"spending_cap": 2**63}, "spending_cap"),
        ({"spending_cap": "5"}, "spending_cap"),
        ({"spending_cap": 1.5}, "spending_cap"),
        ({"spending_cap": True}, "spending_cap"),
        ({"expires_in_days": 0}, "expires_in_days"),
        ({"expires_in_days": 3653}, "expires_in_days"),
        ({"expires_in_days": True}, "expires_in_days"),
        ({"expires_in_days": 1, "expires_at": 4_000_000_000}, "expires_at"),
        ({"expires_at": 0}, "expires_at"),
        ({"expires_at": -1}, "expires_at"),
        ({"expires_at": 10**30}, "expires_at"),
        ({"expires_at": "2030-01-01"}, "expires_at"),
        ({CANARY: CANARY}, None),
        ([], None),
        (CANARY, None),
    ],
    ids=json.dumps,
)
def test_a_wrong_wish_makes_no_key(api: Api, person: Person, body: Any, param: str | None) -> None:
    before = api.snapshot()
    headers = {"content-type": "application/json"}
    refused = person.post("/v1/api-keys", content=json.dumps(body), headers=headers)
    assert refused.status_code == 400, refused.text
    assert (refused.json()["error"]["param"] or "").partition(".")[0] == (param or "")
    assert CANARY not in refused.text
    assert api.snapshot() == before


def test_a_number_too_long_to_read_is_refused(api: Api, person: Person) -> None:
    before = api.snapshot()
    content = '{"spending_cap": ' + "9" * 10_000 + "}"
    refused = person.post("/v1/api-keys", content=content, headers={"content-type": "application/json"})
    assert refused.status_code == 400
    assert api.snapshot() == before


@pytest.mark.parametrize("scope", EVERY)
def test_a_key_gives_no_scope_that_its_maker_lacks(api: Api, person: Person, scope: str) -> None:
    maker = with_key(person, scopes=[other for other in EVERY if other != scope])
    before = api.snapshot()
    made = maker.post("/v1/api-keys", json={"scopes": [scope]})
    assert (made.status_code, made.json()["error"]["needed_scope"]) == (403, scope)
    assert api.snapshot() == before


def test_not_even_by_default(api: Api, person: Person) -> None:
    maker = with_key(person, scopes=["account:write"])
    before = api.snapshot()
    refused = maker.post("/v1/api-keys")
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "insufficient_scope")
    assert api.snapshot() == before


def test_a_capped_key_makes_no_key_to_get_around_its_cap(api: Api, person: Person) -> None:
    maker = with_key(person, scopes=EVERY, spending_cap=10**6)
    before = api.snapshot()
    for body in ({}, {"spending_cap": 1}):
        refused = maker.post("/v1/api-keys", json=body)
        assert (refused.status_code, refused.json()["error"]["code"]) == (403, "forbidden")
    assert api.snapshot() == before


def test_no_key_outlives_its_maker(api: Api, person: Person) -> None:
    maker = with_key(person, scopes=EVERY, expires_in_days=10)
    end = listed(person)[-1]["expires_at"]
    assert maker.post("/v1/api-keys").json()["expires_at"] == end
    assert maker.post("/v1/api-keys", json={"expires_in_days": 9}).json()["expires_at"] < end
    before = api.snapshot()
    refused = maker.post("/v1/api-keys", json={"expires_in_days": 11})
    assert (refused.status_code, refused.json()["error"]["param"]) == (400, "expires_at")
    assert api.snapshot() == before


def test_a_key_revoked_while_it_makes_another_makes_none(
    api: Api, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    maker = with_key(person, scopes=EVERY)
    get, key_id = api_keys.get, listed(person)[-1]["id"]

    def late(*arguments: Any) -> Any:
        api.world.run(api_keys.revoke, person.account_id, key_id)
        return get(*arguments)

    monkeypatch.setattr(api_keys, "get", late)
    before = api.snapshot()
    assert maker.post("/v1/api-keys").status_code == 401
    assert api.snapshot() == before.plus("audit")


def test_an_expired_key_is_still_listed_and_can_be_revoked(person: Person, shift_clock: ShiftClock) -> None:
    expiring = with_key(person, expires_in_days=1)
    assert expiring.get("/v1/videos").status_code == 200
    shift_clock(days=1, seconds=1)
    assert expiring.get("/v1/videos").status_code == 401
    assert person.delete(f"/v1/api-keys/{listed(person)[-1]['id']}").status_code == 200
