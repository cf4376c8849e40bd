"""Consent over HTTP: only an explicit `true` that names today's notice counts."""

import json

import pytest

from tests.api import Api, Person
from tests.world import AI, SHARE, notice_for

OLD = notice_for(SHARE, "These were the words before.")
NOW = notice_for(SHARE)
GOOD = {"purpose": SHARE, "notice_version": NOW.version, "granted": True}


@pytest.fixture(autouse=True)
def _older_notice(api: Api) -> None:
    api.world.publish(OLD)


@pytest.fixture
def person(api: Api) -> Person:
    """Somebody who has just logged in: only they may answer."""
    return api.person().login()


def state(person: Person, purpose: str = SHARE) -> str:
    standing = person.get("/v1/consents").json()["data"]
    return str(next(one["state"] for one in standing if one["purpose"] == purpose))


def test_notices_say_what_who_where_and_how(api: Api) -> None:
    notices = api.client.get("/v1/notices").json()["data"]
    assert {SHARE, AI, "face_processing"} <= {notice["purpose"] for notice in notices}
    for notice in notices:
        assert all(notice[name] for name in ("version", "title", "text", "data", "recipient", "country", "how"))


@pytest.mark.parametrize(
    "wrong",
    [
        {"granted": "true"},
        {"granted": 1},
        {"granted": None},
        {"granted": "yes"},
        {"notice_version": None},
        {"notice_version": ""},
        {"notice_version": OLD.version},
        {"notice_version": notice_for(AI).version},
        {"notice_version": "0" * 32},
        {"notice_version": "\x00"},
        {"notice_version": "\ud800"},
        {"purpose": "selling"},
        {"purpose": "share:\x00"},
        {"purpose": None},
        {"surprise": True},
    ],
    ids=json.dumps,
)
def test_anything_else_is_refused_and_not_recorded(api: Api, person: Person, wrong: dict[str, object]) -> None:
    before = api.snapshot()
    answer = person.post("/v1/consents", content=json.dumps(GOOD | wrong), headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()["error"]["type"]) == (400, "invalid_request_error")
    assert api.snapshot() == before
    assert state(person) == "unset"


@pytest.mark.parametrize("missing", GOOD)
def test_nothing_is_assumed(api: Api, person: Person, missing: str) -> None:
    before = api.snapshot()
    body = {name: value for name, value in GOOD.items() if name != missing}
    answer = person.post("/v1/consents", json=body)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, missing)
    assert api.snapshot() == before


def test_a_refused_version_shows_the_one_that_counts(person: Person) -> None:
    error = person.post("/v1/consents", json=GOOD | {"notice_version": OLD.version}).json()["error"]
    assert (error["code"], error["notice"]["version"]) == ("notice_version_not_current", NOW.version)


def test_granting_and_withdrawing_are_both_on_record(person: Person) -> None:
    for granted, then in ((True, "granted"), (False, "withdrawn"), (True, "granted")):
        answer = person.post("/v1/consents", json=GOOD | {"granted": granted})
        assert (answer.status_code, answer.json()["state"]) == (201, then)
        assert state(person) == then
    history = person.get("/v1/consents").json()["history"]
    assert [line["granted"] for line in history] == [True, False, True]


def test_an_old_notice_is_good_enough_to_withdraw(person: Person) -> None:
    assert person.post("/v1/consents", json=GOOD | {"notice_version": OLD.version, "granted": False}).status_code == 201
    assert state(person) == "withdrawn"


def test_what_nobody_is_asked_about_any_more_can_be_withdrawn_and_not_granted(api: Api, person: Person) -> None:
    bygone = notice_for("share:bygone")
    api.world.publish(bygone)
    answer = {"purpose": "share:bygone", "notice_version": bygone.version}
    assert person.post("/v1/consents", json=answer | {"granted": True}).status_code == 400
    assert person.post("/v1/consents", json=answer | {"granted": False}).status_code == 201
    assert state(person, "share:bygone") == "withdrawn"


def test_a_notice_of_another_purpose_withdraws_nothing(api: Api, person: Person) -> None:
    foreign = next(n["version"] for n in api.client.get("/v1/notices").json()["data"] if n["purpose"] == AI)
    answer = person.post("/v1/consents", json=GOOD | {"notice_version": foreign, "granted": False})
    assert answer.status_code == 400
    assert state(person) == "unset"


def test_everybody_answers_for_themselves(api: Api, person: Person) -> None:
    person.post("/v1/consents", json=GOOD)
    assert state(api.person()) == "unset"
    assert api.client.post("/v1/consents", json=GOOD).status_code == 401
