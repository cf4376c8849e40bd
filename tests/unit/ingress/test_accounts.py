"""Accounts: nothing is required, and without a good key there is no answer."""

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
