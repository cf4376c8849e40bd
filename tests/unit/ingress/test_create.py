"""Creating videos: one job for one key, paid from the account's own credits, only with consent."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from cluster.records import credits, idempotency, jobs
from cluster.records.idempotency import Ticket
from cluster.storage.database import AsyncDatabase
from cluster.storage.errors import CommitUnknown
from serve.ingress import accept as accepting
from tests.api import PHOTO, Api, Person, picture
from tests.fixtures_cluster import ShiftClock
from tests.world import AI, SHARE

PROMPT = "a heron in the morning mist ☀"


def version_of(person: Person, purpose: str) -> str:
    notices = person.get("/v1/notices").json()["data"]
    return str(next(notice["version"] for notice in notices if notice["purpose"] == purpose))


def answer(person: Person, purpose: str, granted: bool) -> Any:
    body = {"purpose": purpose, "notice_version": version_of(person, purpose), "granted": granted}
    return person.login().post("/v1/consents", json=body)


def test_a_new_video_is_queued_and_paid_for_in_advance(api: Api, person: Person) -> None:
    made = person.create(prompt=PROMPT, seconds="4", size="832x480")
    assert int(made.headers["openai-poll-after-ms"]) > 0
    video = made.json()
    expected = {"object": "video", "status": "queued", "progress": 0, "seconds": "4", "size": "832x480"}
    assert {name: video[name] for name in expected} == expected
    assert (video["prompt"], video["queue_position"], video["error"]) == (PROMPT, 1, None)
    assert [kept["kind"] for kept in video["stored"]] == ["upload"]
    assert person.get("/v1/credits").json()["reserved"] == video["price"]
    assert person.get(f"/v1/videos/{video['id']}").json() == video
    (upload,) = api.snapshot().objects
    assert PHOTO not in api.stages.store.objects.read(upload, 0, 10**9)


def test_the_photo_decides_the_shape_where_no_size_is_asked(person: Person) -> None:
    video = person.create(picture(size=(300, 400))).json()
    width, height = map(int, video["size"].split("x"))
    assert abs(width / height - 0.75) < 0.01


def test_the_same_key_and_body_is_the_same_job(api: Api, person: Person) -> None:
    first, again = (person.create(prompt=PROMPT, idempotency_key="k") for _ in range(2))
    assert (first.status_code, again.status_code) == (200, 200)
    assert first.json()["id"] == again.json()["id"]
    assert api.snapshot().rows["jobs"] == 1
    assert len(api.snapshot().objects) == 1


@pytest.mark.parametrize(
    "other", [{"prompt": "other"}, {"photo": picture("PNG")}, {"seconds": "5"}, {"subject": "x"}, {"priority": "low"}]
)
def test_the_same_key_with_another_body_is_refused(api: Api, person: Person, other: dict[str, Any]) -> None:
    person.create(prompt=PROMPT, idempotency_key="k")
    before = api.snapshot()
    refused = person.create(**{"prompt": PROMPT, "idempotency_key": "k"} | other)
    assert (refused.status_code, refused.json()["error"]["code"]) == (422, "idempotency_key_reused")
    assert api.snapshot() == before


def test_a_key_is_the_account_s_own_and_is_forgotten(api: Api, person: Person, shift_clock: ShiftClock) -> None:
    first = person.create(idempotency_key="k").json()["id"]
    other = api.person()
    assert other.create(idempotency_key="k").json()["id"] != first
    shift_clock(hours=25)
    assert person.create(prompt="another body", idempotency_key="k").json()["id"] != first


def test_twenty_identical_creates_at_once_are_one_job(api: Api, person: Person) -> None:
    with ThreadPoolExecutor(20) as threads:
        answers = list(threads.map(lambda _: person.create(prompt=PROMPT, idempotency_key="k"), range(20)))
    assert [made.status_code for made in answers] == [200] * 20
    (job_id,) = {made.json()["id"] for made in answers}
    api.clean()
    after = api.snapshot()
    assert (after.rows["jobs"], after.rows["media"], len(after.objects)) == (1, 1, 1)
    assert api.world.transfers(job_id) == ["reserve"]


def test_a_twin_that_does_not_end_is_to_be_asked_again(api: Api, person: Person) -> None:
    key = api.world.keys.lookup("idempotency_keys.key", f"{person.account_id}|k")
    with api.world.database.transaction() as unfinished:
        unfinished.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
        idempotency.claim(unfinished, Ticket(person.account_id, key, b"the same"), timedelta(hours=1))
        refused = person.create(idempotency_key="k")
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "request_in_progress")
    assert refused.headers["x-should-retry"] == "true"
    api.clean()
    assert not api.snapshot().objects
    assert person.create(idempotency_key="another").status_code == 200


def test_too_few_credits_leave_nothing(api: Api, person: Person) -> None:
    api.world.sql("UPDATE credit_balances SET available = 1")
    api.world.sql(
        "INSERT INTO credit_transfers (account_id, kind, source, target, amount, moved_at) "
        "VALUES (:a, 'grant', 'available', 'issued', 999, now())",
        a=person.account_id,
    )
    before = api.snapshot()
    refused = person.create(idempotency_key="k")
    assert (refused.status_code, refused.json()["error"]["code"]) == (402, "insufficient_credits")
    assert api.snapshot() == before


def test_too_many_waiting_jobs_are_refused(api: Api, person: Person) -> None:
    most = api.services.resources.settings.jobs.max_queued_per_account
    for _ in range(most):
        api.world.job(person.account_id, price=0)
    before = api.snapshot()
    refused = person.create()
    assert (refused.status_code, refused.headers["retry-after-ms"], refused.headers["retry-after"]) == (
        429,
        "10000",
        "10",
    )
    error = refused.json()["error"]
    assert (error["code"], error["limit"], error["active"]) == ("too_many_queued", most, most)
    assert api.snapshot() == before


def test_creates_at_once_do_not_exceed_what_may_wait(api: Api, person: Person) -> None:
    most = api.services.resources.settings.jobs.max_queued_per_account
    for _ in range(most - 5):
        api.world.job(person.account_id, price=0)
    with ThreadPoolExecutor(50) as threads:
        answers = list(threads.map(lambda _: person.create(seconds="1"), range(50)))
    assert {made.status_code for made in answers} <= {200, 429, 503}
    assert sum(made.status_code == 200 for made in answers) <= 5
    while person.create(seconds="1").status_code == 200:
        pass
    assert api.world.run(jobs.active_count, person.account_id) == most


def test_a_job_of_low_priority_says_so_and_lets_others_go_first(api: Api, person: Person) -> None:
    other = api.person()
    low = person.create(priority="low").json()
    normal = other.create(priority="normal").json()
    assert (low["priority"], normal["priority"], other.create().json()["priority"]) == ("low", "normal", "normal")
    assert normal["queue_position"] == 1
    assert person.get(f"/v1/videos/{low['id']}").json()["queue_position"] == 3


def test_no_other_priority_is_known(api: Api, person: Person) -> None:
    before = api.snapshot()
    for priority in ("high", "", "LOW", "0"):
        refused = person.create(priority=priority)
        assert (refused.status_code, refused.json()["error"]["param"]) == (400, "priority")
    assert api.snapshot() == before


def test_a_full_queue_refuses_everybody_and_leaves_nothing(api: Api, person: Person) -> None:
    settings = api.services.resources.settings
    few = settings.model_copy(update={"jobs": settings.jobs.model_copy(update={"max_queued": 2})})
    api.use(resources=replace(api.services.resources, settings=few))
    for _ in range(2):
        api.world.job(api.person().account_id)
    before = api.snapshot()
    refused = person.create(idempotency_key="k")
    assert (refused.status_code, refused.json()["error"]["code"]) == (503, "queue_full")
    assert (refused.headers["retry-after-ms"], refused.headers["x-should-retry"]) == ("10000", "true")
    assert api.snapshot() == before


def test_a_failure_between_storing_and_committing_leaves_nothing(
    api: Api, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("a heron")

    for module, name in ((jobs, "create"), (credits, "reserve"), (accepting, "_commit")):
        before = api.snapshot()
        with monkeypatch.context() as patch:
            patch.setattr(module, name, fail)
            failed = person.create(idempotency_key="k")
        assert (failed.status_code, failed.json()["error"]["code"]) == (500, "internal_error")
        assert api.snapshot() == before
    assert person.create(idempotency_key="another").status_code == 200


def test_a_job_whose_acceptance_got_no_answer_is_found_again(
    api: Api, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server commits, and the connection breaks before it can say so."""
    run, lost = AsyncDatabase.run, iter([True])

    async def unsure(self: AsyncDatabase, function: Any, *arguments: Any, **options: Any) -> Any:
        result = await run(self, function, *arguments, **options)
        if function is accepting._commit and next(lost, False):
            raise CommitUnknown
        return result

    monkeypatch.setattr(AsyncDatabase, "run", unsure)
    assert person.create(idempotency_key="k").status_code == 503
    job_id = person.create(idempotency_key="k").json()["id"]
    assert api.snapshot().rows["jobs"] == 1
    api.drive(job_id)
    assert person.get(f"/v1/videos/{job_id}").json()["status"] == "completed"


def test_withdrawn_consent_refuses_with_the_way_back(api: Api, person: Person) -> None:
    queued = person.created()
    assert answer(person, AI, False).json()["stopped_jobs"] == [queued]
    assert person.get(f"/v1/videos/{queued}").json()["error"]["code"] == "consent_withdrawn"
    api.clean()
    before = api.snapshot()
    refused = person.create()
    error = refused.json()["error"]
    assert (refused.status_code, error["code"]) == (403, "consent_withdrawn")
    assert error["notice"]["version"] == version_of(person, AI)
    assert {"text", "recipient", "country", "data"} <= set(error["notice"])
    assert error["alternatives"]
    assert api.snapshot() == before

    way = error["answer_with"]
    assert person.call(way["method"], way["path"], json=way["body"]).json()["error"]["code"] == "fresh_login_required"
    assert person.login().call(way["method"], way["path"], json=way["body"]).status_code == 201
    assert person.create().status_code == 200


def test_a_third_party_needs_a_grant_and_our_own_model_does_not(person: Person) -> None:
    refused = person.create(model="elsewhere").json()["error"]
    assert (refused["code"], refused["answer_with"]["body"]["purpose"]) == ("consent_required", SHARE)
    assert person.create().status_code == 200
    assert answer(person, SHARE, True).json()["state"] == "granted"
    shared = person.created(model="elsewhere")
    assert answer(person, SHARE, False).json()["stopped_jobs"] == [shared]
    assert person.create(model="elsewhere").json()["error"]["code"] == "consent_withdrawn"
    assert person.create().status_code == 200
