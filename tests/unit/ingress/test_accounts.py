"""Accounts and keys: nothing is required, and no secret is shown twice."""

import json

import pytest

from tests.api import Api, Person

DETAILS = {"name": "Zephyrina Quux", "email": "z@quux.example", "company": "Quux & Sons"}


@pytest.mark.parametrize("body", [None, {}, {"name": DETAILS["name"]}, DETAILS, dict.fromkeys(DETAILS)])
def test_every_detail_is_optional(api: Api, body: dict[str, str] | None) -> None:
    answer = api.client.post("/v1/accounts", json=body) if body is not None else api.client.post("/v1/accounts")
    assert answer.status_code == 201
    made = answer.json()
    assert set(made) == {"account_id", "api_key", "credits", "terms"}
    me = api.client.get("/v1/me", headers={"authorization": f"Bearer {made['api_key']}"}).json()
    assert me["account_id"] == made["account_id"]
    assert (me["available_credits"], me["reserved_credits"]) == (made["credits"], 0)
    assert {name: me[name] for name in DETAILS} == dict.fromkeys(DETAILS) | (body or {})


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"role": "operator"}, None),
        ({"name": 3}, "name"),
        ({"email": "x" * 321}, "email"),
        ({"email": "x" * 309 + "@example.org"}, "email"),
        ({"email": "nobody"}, "email"),
        ({"email": "a@example.org\r\nBcc: b@example.org"}, "email"),
        ({"email": "a@example.org\x00"}, "email"),
        ({"email": "a@b@example.org"}, "email"),
        ({"email": "a@example.org", "password": "1"}, "password"),
        ({"email": "a@example.org", "password": ""}, "password"),
        ({"email": "a@example.org", "password": "x" * 1_000_000}, "password"),
        ({"email": "a@example.org", "password": "\ud800" * 8}, "password"),
        ({"password": "long enough"}, None),
        ({"name": "a\r\nb"}, "name"),
        ({"company": "a\x00b"}, "company"),
        ({"name": ["a"]}, "name"),
        ([], None),
        ("text", None),
    ],
)
def test_a_wrong_body_makes_no_account(api: Api, body: object, param: str | None) -> None:
    before = api.snapshot()
    answer = api.client.post("/v1/accounts", content=json.dumps(body), headers={"content-type": "application/json"})
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == param
    assert api.snapshot() == before
    assert list(api.stages.keys.accounts()) == []


def test_a_key_is_shown_once_and_ends_at_once(person: Person) -> None:
    made = person.post("/v1/api-keys").json()
    assert made["api_key"].startswith("i2v_")
    other = Person(person.client, person.account_id, made["api_key"])
    assert other.get("/v1/me").json()["account_id"] == person.account_id

    listing = person.get("/v1/api-keys")
    assert made["api_key"] not in listing.text
    assert person.key not in listing.text
    assert [key["hint"] for key in listing.json()["data"]] == [person.key[-4:], made["api_key"][-4:]]

    assert person.delete(f"/v1/api-keys/{made['id']}").json()["deleted"] is True
    refused = other.get("/v1/me")
    assert (refused.status_code, refused.json()["error"]["code"]) == (401, "invalid_api_key")
    assert person.delete(f"/v1/api-keys/{made['id']}").status_code == 404
    assert len(person.get("/v1/api-keys").json()["data"]) == 1


def test_nobody_ends_the_keys_of_others(api: Api, person: Person) -> None:
    other = api.person()
    (key,) = other.get("/v1/api-keys").json()["data"]
    for name in (key["id"], "key_0", "%00", "key_" + "i" * 26):
        answer = person.delete(f"/v1/api-keys/{name}")
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")
    assert other.get("/v1/me").status_code == 200


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        "Bearer nonsense",
        "Basic aTJ2Og==",
        "{key}",
        "bearer{key}",
        "Bearer {key}x",
        "Bearer é",
    ],
)
def test_without_a_good_key_there_is_no_answer(person: Person, header: str | None) -> None:
    headers = [] if header is None else [(b"authorization", header.format(key=person.key).encode("latin-1"))]
    for path in ("/v1/me", "/v1/videos", "/v1/consents", "/v1/videos/video_0/content"):
        answer = person.client.get(path, headers=headers)
        assert (answer.status_code, answer.json()["error"]["type"]) == (401, "authentication_error")


def test_credits_are_shown(person: Person) -> None:
    before = person.get("/v1/credits").json()
    price = person.create(seconds="2").json()["price"]
    after = person.get("/v1/credits").json()
    assert after["reserved"] == before["available"] - after["available"] == price > 0
