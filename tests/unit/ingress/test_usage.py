"""What was charged, told apart by day, model and key: always what the ledger says."""

from datetime import date, timedelta
from typing import Any

import pytest

from cluster import clock
from tests.api import Api, Person


def usage(person: Person, **query: Any) -> Any:
    answer = person.get("/v1/usage", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def spent(api: Api, person: Person) -> int:
    rows = api.world.sql("SELECT account_id, kind, amount FROM credit_transfers")
    return sum(row.amount for row in rows if row.account_id == person.account_id and row.kind == "settle")


def test_what_was_delivered_is_charged_and_equals_the_ledger(api: Api, person: Person) -> None:
    delivered = [person.created(), person.created(seconds="2")]
    for video in delivered:
        api.drive(video)
    cancelled = person.created()
    person.post(f"/v1/videos/{cancelled}/cancel").raise_for_status()

    report = usage(person)
    (line,) = report["data"]

    assert (line["day"], line["model"], line["videos"]) == (clock.now().date().isoformat(), "default", 2)
    assert line["api_key_id"].startswith("key_")
    assert report["credits"] == line["credits"] == spent(api, person) > 0
    shown = [person.get(f"/v1/videos/{video}").json() for video in (*delivered, cancelled)]
    assert [video["charged"] for video in shown] == [shown[0]["price"], shown[1]["price"], 0]
    assert sum(video["charged"] for video in shown) == report["credits"]


def test_a_video_that_has_not_ended_has_no_charge_yet(person: Person) -> None:
    assert person.get(f"/v1/videos/{person.created()}").json()["charged"] is None
    assert usage(person) | {"start_date": "", "end_date": ""} == {
        "object": "list",
        "start_date": "",
        "end_date": "",
        "data": [],
        "credits": 0,
    }


def test_keys_are_told_apart_deleted_ones_too_and_one_account_sees_nothing_of_another(api: Api, person: Person) -> None:
    other = person.login().post("/v1/api-keys", json={"name": "second"}).json()
    second = Person(person.client, person.account_id, other["api_key"])
    for maker in (person, second):
        api.drive(maker.created())
    person.login().delete(f"/v1/api-keys/{other['id']}").raise_for_status()

    by_key = usage(person, group_by="api_key")

    assert {line["api_key_id"] for line in by_key["data"]} >= {other["id"]}
    assert [(line["day"], line["model"], line["videos"]) for line in by_key["data"]] == [(None, None, 1)] * 2
    assert by_key["credits"] == usage(person, group_by="model")["credits"] == spent(api, person)
    assert usage(api.person())["data"] == []


def test_only_the_days_asked_for_count(api: Api, person: Person) -> None:
    api.drive(person.created())
    today = clock.now().date()
    yesterday = (today - timedelta(days=1)).isoformat()

    assert usage(person, start_date=today.isoformat(), end_date=today.isoformat())["credits"] > 0
    assert usage(person, end_date=yesterday)["data"] == []
    assert usage(person, start_date=yesterday)["start_date"] == yesterday


@pytest.mark.parametrize(
    "query",
    [
        {"start_date": "2026-13-01"},
        {"start_date": "yesterday"},
        {"start_date": "2026-01-02", "end_date": "2026-01-01"},
        {"start_date": "2020-01-01", "end_date": "2026-01-01"},
        {"end_date": date.min.isoformat()},
        {"end_date": date.max.isoformat()},
        {"group_by": "account"},
    ],
)
def test_days_that_are_none_and_what_charges_have_not_are_refused(person: Person, query: dict[str, str]) -> None:
    answer = person.get("/v1/usage", params=query)

    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "invalid_request"
