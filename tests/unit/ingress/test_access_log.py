"""Every access is on record, with the full address and before the answer; without the record there is no access."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from cluster.records import api_keys
from tests.api import Api, Person

ADDRESS = "198.51.100.77"


def history(person: Person) -> list[dict[str, Any]]:
    """All entries, the newest first, the one for reading them left out."""
    entries: list[dict[str, Any]] = person.get("/v1/access-history?limit=100").json()["data"]
    return entries[1:]


def from_elsewhere(api: Api, person: Person) -> Person:
    """The same person at another address."""
    return Person(api.at(ADDRESS), person.account_id, person.key)


def test_each_access_names_credential_route_and_full_address(api: Api, person: Person) -> None:
    job_id = person.created()
    from_elsewhere(api, person).get(f"/v1/videos/{job_id}")
    login = person.login()
    login.get("/v1/credits")
    seen = [(entry["actor"], entry["action"], entry["address"]) for entry in history(person)]
    assert seen == [
        ("session", "GET /v1/credits", "192.0.2.7"),
        ("session", "POST /v1/sessions", "192.0.2.7"),
        ("key", "GET /v1/videos/{video_id}", ADDRESS),
        ("key", "POST /v1/videos", "192.0.2.7"),
        ("key", "POST /v1/accounts", "192.0.2.7"),
    ]


def test_a_forged_header_reaches_no_entry(api: Api, person: Person) -> None:
    forged = {"x-forwarded-for": "203.0.113.66", "forwarded": "for=203.0.113.66", "x-real-ip": "203.0.113.66"}
    person.get("/v1/me", headers=forged)
    assert history(person)[0]["address"] == "192.0.2.7"


def test_refused_credentials_leave_no_entry_and_refused_requests_do(api: Api, person: Person) -> None:
    Person(api.client, person.account_id, person.key + "x").get("/v1/me")
    person.get("/v1/videos/video_nothing")
    assert [entry["action"] for entry in history(person)] == ["GET /v1/videos/{video_id}", "POST /v1/accounts"]


def test_nobody_reads_the_history_of_others(api: Api, person: Person) -> None:
    other = api.person()
    other.get("/v1/me")
    mine = history(person)
    assert [entry["action"] for entry in mine] == ["POST /v1/accounts"]
    page = other.get(f"/v1/access-history?after={mine[0]['id']}").json()
    assert {entry["actor_id"] for entry in page["data"]} <= {
        key["id"] for key in other.get("/v1/api-keys").json()["data"]
    }


def test_the_history_comes_in_pages(person: Person) -> None:
    for _ in range(5):
        person.get("/v1/credits")
    first = person.get("/v1/access-history?limit=4").json()
    assert (len(first["data"]), first["has_more"]) == (4, True)
    rest = person.get(f"/v1/access-history?limit=100&after={first['last_id']}").json()
    assert not rest["has_more"]
    assert rest["data"][-1]["action"] == "POST /v1/accounts"
    assert person.get("/v1/access-history?after=key_1").json()["error"]["param"] == "after"


def test_addresses_lie_sealed(api: Api, person: Person) -> None:
    from_elsewhere(api, person).get("/v1/me")
    rows = api.world.sql("SELECT * FROM access_log")
    assert len(rows) == 2
    assert all(row.address_sealed and ADDRESS.encode() not in bytes(row.address_sealed) for row in rows)
    assert not any(ADDRESS in str(column) for row in rows for column in row)


def test_without_the_log_there_is_no_access_and_nothing_happens(api: Api, person: Person) -> None:
    login, before = person.login(), api.snapshot()
    api.world.sql("ALTER TABLE access_log RENAME TO access_log_away")
    try:
        refused = [
            person.get("/v1/me"),
            person.create(),
            login.get("/v1/videos"),
            api.client.post("/v1/accounts"),
            api.client.post("/v1/guests"),
            api.client.post("/v1/sessions", json={"api_key": person.key}),
        ]
    finally:
        api.world.sql("ALTER TABLE access_log_away RENAME TO access_log")
    assert [answer.status_code for answer in refused] == [503] * len(refused)
    assert {answer.json()["error"]["code"] for answer in refused} == {"access_log_unavailable"}
    assert api.snapshot() == before
    assert person.get("/v1/me").status_code == 200


def test_callers_that_come_together_are_told_apart(api: Api) -> None:
    people = [api.person() for _ in range(8)]
    wrong = Person(api.client, "", "i2v_nobody")
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda person: person.get("/v1/me"), [*people, wrong] * 4))
    expected = [*(person.account_id for person in people), None] * 4
    assert [answer.json().get("account_id") for answer in answers] == expected
    assert [len(history(person)) for person in people] == [5] * 8


def test_what_a_service_opens_is_on_record_with_job_and_purpose(api: Api, person: Person) -> None:
    job_id = person.created()
    api.drive(job_id)
    services = [entry for entry in history(person) if entry["actor"] == "service"]
    assert {(entry["actor_id"], entry["job_id"]) for entry in services} == {("test-stage", job_id)}
    assert [entry["action"] for entry in reversed(services)] == [
        "ingestion",
        "input_screening",
        "generation",
        "output_screening",
    ]
    assert {entry["address"] for entry in services} == {None}


@pytest.mark.parametrize("by", ["key", "session"])
def test_revoking_others_leaves_only_the_one_that_asks(api: Api, person: Person, by: str) -> None:
    another = Person(api.client, person.account_id, person.post("/v1/api-keys", json={}).json()["api_key"])
    first, second = person.login(), person.login()
    asking = person if by == "key" else first
    answer = asking.post("/v1/access-history/revoke-others").json()
    assert (answer["revoked_keys"], answer["revoked_sessions"]) == ((1, 2) if by == "key" else (2, 1))
    assert asking.get("/v1/me").status_code == 200
    assert {other.get("/v1/credits").status_code for other in {another, first, second, person} - {asking}} == {401}
    if by == "session":
        assert Person(api.client, person.account_id, answer["api_key"]).get("/v1/me").status_code == 200
    else:
        assert answer["api_key"] is None


def test_strangers_keep_their_keys(api: Api, person: Person) -> None:
    stranger = api.person()
    person.post("/v1/access-history/revoke-others")
    assert len(api.world.run(api_keys.listing, stranger.account_id)) == 1
    assert stranger.get("/v1/me").status_code == 200
