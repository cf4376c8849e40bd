"""Whoever and whatever comes to an account is written down first; where somebody signed up from is kept for one use.

The tests that read the source are marked with no promise: nothing that breaks in the running program can fail them.
"""

import ast
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from cluster import clock
from cluster.errors import AccessLogUnavailable
from cluster.privacy.media_kinds import MediaKind
from cluster.records import access_log, lifecycle
from cluster.settings import Settings
from serve.stage import StageRun, perform
from tests.api import PHOTO, Api, Person

ADDRESS = "2001:db8::77"
ROOT = Path(__file__).parents[2]
SOURCES = [file for folder in ("serve", "pipelines", "cluster") for file in sorted((ROOT / folder).rglob("*.py"))]


def at(api: Api, address: str) -> TestClient:
    """Somebody at an address."""
    return api.at(address)


def entries(api: Api, account_id: str) -> list[Any]:
    """The account's lines in the log."""
    return api.world.sql("SELECT * FROM access_log WHERE account_id = :id ORDER BY id", id=account_id)


@pytest.mark.promise("P8")
def test_key_session_and_guest_are_logged_with_the_full_address(api: Api) -> None:
    client = at(api, ADDRESS)
    made = client.post("/v1/accounts").json()
    owner = Person(client, made["account_id"], made["api_key"])
    login = owner.login()
    assert owner.get("/v1/me").status_code == login.get("/v1/me").status_code == 200
    guest = client.post("/v1/guests").json()
    visitor = Person(client, guest["account_id"], guest["token"])
    client.cookies.clear()
    assert visitor.get("/v1/me").status_code == 200

    mine = login.get("/v1/access-history").json()["data"]
    assert {entry["actor"] for entry in mine} == {"key", "session"}
    theirs = visitor.get("/v1/access-history").json()["data"]
    assert {entry["actor"] for entry in theirs} == {"guest"}
    assert {entry["address"] for entry in [*mine, *theirs]} == {ADDRESS}


@pytest.mark.promise("P8")
def test_no_answer_comes_without_its_entry(api: Api, person: Person) -> None:
    lines = len(entries(api, person.account_id))
    for number, path in enumerate(("/v1/me", "/v1/videos", "/v1/credits", "/v1/videos/video_0"), 1):
        person.get(path)
        assert len(entries(api, person.account_id)) == lines + number
    api.world.sql("ALTER TABLE access_log RENAME TO away")
    try:
        assert person.get("/v1/me").status_code == 503
    finally:
        api.world.sql("ALTER TABLE away RENAME TO access_log")


@pytest.mark.promise("P8")
def test_a_stream_of_events_is_logged_with_the_full_address(api: Api, person: Person) -> None:
    job_id = person.created()
    api.drive(job_id)
    listener = Person(at(api, ADDRESS), person.account_id, person.key)
    assert listener.get(f"/v1/videos/{job_id}/events").status_code == 200
    logged = person.get("/v1/access-history").json()["data"]
    assert ("GET /v1/videos/{video_id}/events", ADDRESS) in {(each["action"], each["address"]) for each in logged}


@pytest.mark.promise("P36")
def test_a_service_is_written_down_before_it_opens_anything(api: Api, person: Person) -> None:
    job_id = person.created()
    api.drive(job_id)
    opened = {(line.actor_id, line.action, line.job_id) for line in entries(api, person.account_id)}
    stages = ("ingestion", "input_screening", "generation", "output_screening")
    assert {("test-stage", stage, job_id) for stage in stages} <= opened


@pytest.mark.promise("P36")
def test_without_the_log_no_service_opens_anything(api: Api, person: Person) -> None:
    person.created()
    (lease,) = api.world.claim()
    seen: list[bytes] = []

    def read(run: StageRun) -> dict[str, Any]:
        seen.append(run.read(MediaKind.UPLOAD)[1])
        return {}

    settings = api.stages.settings
    hasty = settings.model_copy(update={"jobs": settings.jobs.model_copy(update={"outage_seconds": 0})})
    api.world.sql("ALTER TABLE access_log RENAME TO away")
    try:
        with pytest.raises(AccessLogUnavailable):
            perform(replace(api.stages, settings=hasty), lease, read)
    finally:
        api.world.sql("ALTER TABLE away RENAME TO access_log")
    assert seen == []
    perform(api.stages, lease, read)
    assert seen == [PHOTO]


def test_only_the_access_log_gives_leave_to_open() -> None:
    makers = {file.relative_to(ROOT).as_posix() for file in SOURCES if calls(file.read_text(), "Opening")}
    assert makers == {access_log.__name__.replace(".", "/") + ".py"}
    assert calls("x = openings.Opening(a)", "Opening")
    assert calls("Opening('a', 'b', 'c')", "Opening")


@pytest.mark.promise("P10")
def test_the_address_of_a_sign_up_outlives_the_account_without_any_id(api: Api) -> None:
    client = at(api, ADDRESS)
    made = client.post("/v1/accounts").json()
    owner = Person(client, made["account_id"], made["api_key"])
    assert owner.get("/v1/me").json()["sign_up"] == {"address": ADDRESS, "day": clock.now().date().isoformat()}
    before, *others = api.world.sql("SELECT * FROM sign_up_addresses")
    api.world.run(lifecycle.close, owner.account_id)
    after, *more = api.world.sql("SELECT * FROM sign_up_addresses")
    assert others == more == []
    assert (after.account_id, after.address_sealed) == (None, None)
    assert after.id != before.id
    assert (after.kept_sealed, after.address_lookup, after.day) == (
        before.kept_sealed,
        before.address_lookup,
        before.day,
    )
    assert not any(owner.account_id in str(value) for value in after)


@pytest.mark.promise("P10")
def test_the_address_of_a_sign_up_is_read_against_spam(api: Api, settings: Settings) -> None:
    client = at(api, ADDRESS)
    client.post("/v1/accounts")
    rows = api.world.sql("SELECT address_lookup, kept_sealed, day FROM sign_up_addresses")
    assert len(rows) == 1
    for number in range(settings.accounts.sign_ups_per_address - len(rows)):
        api.world.sql(
            "INSERT INTO sign_up_addresses VALUES (:id, NULL, NULL, :kept, :lookup, :day)",
            id=f"signup_{number}",
            kept=rows[0].kept_sealed,
            lookup=rows[0].address_lookup,
            day=rows[0].day,
        )
    for path in ("/v1/accounts", "/v1/guests"):
        refused = client.post(path)
        assert refused.status_code == 429
        assert refused.json()["error"]["code"] == "too_many_sign_ups"
        assert at(api, "192.0.2.99").post(path).status_code == 201


def test_nothing_but_its_own_record_reads_the_store_of_sign_ups() -> None:
    naming = {
        file.name for file in SOURCES if "sign_up_addresses" in file.read_text() and "migrations" not in file.parts
    }
    assert naming - {"privileges.py"} == {"sign_ups.py"}
    asking = {file.name for file in SOURCES if "count_today" in file.read_text()}
    assert asking == {"sign_ups.py", "sign_up.py"}


def calls(source: str, name: str) -> bool:
    """Whether a source calls something of that name."""
    functions = [node.func for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    return any(name in (getattr(function, "id", None), getattr(function, "attr", None)) for function in functions)
