"""An ordinary person with nothing but a key can do everything, whatever they told of themselves."""

import itertools
from typing import Any

import pytest
from fastapi import FastAPI

from tests.api import Api, Person
from tests.promises._people import answer
from tests.world import SHARE

DETAILS = {"name": "Ada", "email": "ada@example.org", "company": "Engines"}
OWN_RIGHTS = {"Consent", "Account"}
OPERATORS_ONLY = {"forbidden", "insufficient_scope"}


def routes_of_rights(application: FastAPI) -> list[tuple[str, str]]:
    """Method and path of every route by which people see to their own account and consents."""
    paths = application.openapi()["paths"]
    return [
        (method.upper(), path)
        for path, operations in paths.items()
        for method, operation in operations.items()
        if OWN_RIGHTS & set(operation.get("tags", ()))
    ]


@pytest.mark.promise("P99")
def test_rights_are_used_without_anybody_s_help(api: Api, person: Person, applications: list[FastAPI]) -> None:
    routes = routes_of_rights(applications[0])
    assert {("POST", "/v1/consents"), ("GET", "/v1/consents"), ("GET", "/v1/me")} <= set(routes)
    for method, path in routes:
        called = person.call(method, path.replace("{key_id}", "key_none"), json={})
        assert called.json().get("error", {}).get("code") not in OPERATORS_ONLY, path
    assert answer(person, SHARE, True).status_code == 201
    assert answer(person, SHARE, False).status_code == 201
    assert person.delete(f"/v1/videos/{person.created()}").status_code == 200


@pytest.mark.promise("P117")
def test_an_account_is_opened_without_a_word(api: Api) -> None:
    for body in ({}, None, *({name: value} for name, value in DETAILS.items())):
        opened = api.client.post("/v1/accounts", json=body)
        assert opened.status_code == 201, opened.text
        assert opened.json()["api_key"]


def standing(api: Api, details: dict[str, str]) -> dict[str, Any]:
    """All that an account with these details has, apart from what makes it this one."""
    person = api.person(**details)
    me = person.get("/v1/me").json()
    return {
        "account": {name: me[name] for name in ("kind", "role", "expires_at", "available_credits")},
        "models": person.get("/v1/models").json(),
        "consents": person.get("/v1/consents").json(),
        "price": person.create().json()["price"],
        "scopes": person.get("/v1/api-keys").json()["data"][0]["scopes"],
    }


@pytest.mark.promise("P118")
def test_who_leaves_details_out_has_the_same(api: Api) -> None:
    everything = standing(api, DETAILS)
    for number in range(len(DETAILS)):
        for chosen in itertools.combinations(DETAILS, number):
            assert standing(api, {name: DETAILS[name] for name in chosen}) == everything
