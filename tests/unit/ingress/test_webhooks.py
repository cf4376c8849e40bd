"""`/v1/webhook_endpoints`: who is told how videos end, signed, retried, logged, and silent once the epoch rose."""

from collections.abc import Callable
from typing import Any

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from serve.egress.webhooks import WebhookChannel
from tests.api import Api, Person
from tests.fixtures_cluster import ShiftClock
from tests.outside import PRIVATE, PUBLIC, Names, Outside, Seen, outside
from tests.promises._people import answer
from tests.world import AI

ROUTE = "/v1/webhook_endpoints"
CANARY = "Zephyrina Quux"


@pytest.fixture
def flush(api: Api, way_out: tuple[Any, WebhookChannel]) -> Callable[[], None]:
    """Send what is due, and wait until it was sent."""
    _, events = way_out

    async def send() -> None:
        await events.send_due()
        await events.drain()

    return lambda: api.await_(send)


def made(person: Person, url: str, **body: Any) -> dict[str, Any]:
    created = person.post(ROUTE, json={"url": url} | body)
    assert created.status_code == 201, created.text
    value: dict[str, Any] = created.json()
    return value


def deliveries(person: Person, endpoint: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = person.get(f"{ROUTE}/{endpoint['id']}/deliveries").json()["data"]
    return found


def verified(seen: Seen, secret: str) -> Any:
    return Webhook(secret).verify(seen.body.decode(), dict(seen.headers))


def test_an_endpoint_is_told_how_a_video_ended_and_no_more(
    api: Api, person: Person, host: Outside, flush: Callable[[], None]
) -> None:
    host.gives("/hook", b"")
    endpoint = made(person, host.url("/hook"), name=CANARY)
    job_id = person.created(prompt=CANARY)
    api.drive(job_id)
    flush()
    (seen,) = host.seen
    event = verified(seen, endpoint["signing_secret"])
    assert event == {
        "id": seen.headers["webhook-id"],
        "object": "event",
        "type": "video.completed",
        "created_at": event["created_at"],
        "data": {"id": job_id, "status": "completed"},
    }
    assert CANARY not in str(seen)
    (log,) = deliveries(person, endpoint)
    assert (log["state"], log["attempts"], log["status_code"], log["video_id"]) == ("delivered", 1, 200, job_id)


def test_a_secret_is_shown_once_and_lies_sealed(api: Api, person: Person, host: Outside) -> None:
    endpoint = made(person, host.url("/hook"), name=CANARY)
    for answered in (person.get(ROUTE), person.get(f"{ROUTE}/{endpoint['id']}")):
        assert endpoint["signing_secret"] not in answered.text
        assert host.url("/hook") in answered.text
    (row,) = api.world.sql("SELECT * FROM webhook_endpoints")
    for text in (endpoint["signing_secret"], host.url("/hook"), CANARY):
        assert text not in str(row)
        assert text.encode().hex() not in "".join(v.hex() for v in row if isinstance(v, bytes))


def test_a_host_that_fails_is_asked_again_later_and_less_often(
    person: Person, host: Outside, flush: Callable[[], None], shift_clock: ShiftClock
) -> None:
    host.gives("/hook", b"", status=500)
    endpoint = made(person, host.url("/hook"))
    assert person.post(f"/v1/videos/{person.created()}/cancel").status_code == 200
    flush()
    flush()
    assert len(host.seen) == 1
    shift_clock(seconds=17)
    flush()
    (log,) = deliveries(person, endpoint)
    assert (log["state"], log["attempts"], log["status_code"]) == ("waiting", 2, 500)
    shift_clock(seconds=17)
    flush()
    assert len(host.seen) == 2
    host.gives("/hook", b"", status=204)
    shift_clock(minutes=1)
    flush()
    (log,) = deliveries(person, endpoint)
    assert (log["state"], log["attempts"], log["status_code"]) == ("delivered", 3, 204)
    assert len({seen.headers["webhook-id"] for seen in host.seen}) == 1


def test_in_the_end_it_is_given_up(
    api: Api, person: Person, host: Outside, flush: Callable[[], None], shift_clock: ShiftClock
) -> None:
    host.gives("/hook", b"", status=500)
    endpoint = made(person, host.url("/hook"))
    person.post(f"/v1/videos/{person.created()}/cancel")
    attempts = api.services.resources.settings.outbound.webhook_attempts
    for _ in range(attempts + 2):
        flush()
        shift_clock(days=1)
    (log,) = deliveries(person, endpoint)
    assert (log["state"], log["attempts"]) == ("failed", attempts)
    assert len(host.seen) == attempts


def test_a_host_that_is_gone_is_left_alone(
    person: Person, host: Outside, flush: Callable[[], None], shift_clock: ShiftClock
) -> None:
    host.gives("/hook", b"", status=410)
    endpoint = made(person, host.url("/hook"))
    for _ in range(2):
        person.post(f"/v1/videos/{person.created()}/cancel")
        flush()
        shift_clock(days=1)
    assert len(host.seen) == 1
    assert person.get(f"{ROUTE}/{endpoint['id']}").json()["disabled_at"]
    assert person.post(f"{ROUTE}/{endpoint['id']}/test").status_code == 409


def test_nothing_is_sent_after_the_epoch_rose(
    api: Api, person: Person, host: Outside, flush: Callable[[], None]
) -> None:
    host.gives("/hook", b"")
    endpoint = made(person, host.url("/hook"))
    api.drive(person.created())
    assert answer(person, AI, granted=False).status_code == 201
    flush()
    assert host.seen == []
    assert [log["state"] for log in deliveries(person, endpoint)] == ["dropped"]


def test_a_sample_is_sent_at_once(person: Person, host: Outside) -> None:
    host.gives("/hook", b"", status=202)
    endpoint = made(person, host.url("/hook"))
    sent = person.post(f"{ROUTE}/{endpoint['id']}/test", json={"event_type": "video.failed"}).json()
    assert (sent["status_code"], sent["event_type"]) == (202, "video.failed")
    event = verified(host.seen[0], endpoint["signing_secret"])
    assert event["data"] == {"id": endpoint["id"], "status": "failed"}


def test_samples_are_few(person: Person, host: Outside) -> None:
    host.gives("/hook", b"")
    endpoint = made(person, host.url("/hook"))
    statuses = [person.post(f"{ROUTE}/{endpoint['id']}/test").status_code for _ in range(11)]
    assert statuses == [200] * 10 + [429]


@pytest.mark.parametrize("keep", [True, False])
def test_a_new_secret_replaces_the_old(person: Person, host: Outside, keep: bool) -> None:
    host.gives("/hook", b"")
    endpoint = made(person, host.url("/hook"))
    body = {"keep_old_secret_active_for_24_hours": keep}
    fresh = person.post(f"{ROUTE}/{endpoint['id']}/rotate_secret", json=body).json()
    person.post(f"{ROUTE}/{endpoint['id']}/test")
    assert verified(host.seen[0], fresh["signing_secret"])
    if keep:
        assert verified(host.seen[0], endpoint["signing_secret"])
    else:
        with pytest.raises(WebhookVerificationError):
            verified(host.seen[0], endpoint["signing_secret"])


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1/hook",
        "https://10.1.2.3/hook",
        "https://169.254.169.254/hook",
        "https://[::1]/hook",
        "https://inside.example/hook",
        "http://public.example/hook",
        "ftp://public.example/hook",
        "https://user:secret@public.example/hook",
        "not a url",
    ],
)
def test_a_url_that_is_not_public_makes_no_endpoint(api: Api, person: Person, names: Names, url: str) -> None:
    names.stand_for("inside.example", [PRIVATE])
    names.stand_for("public.example", ["93.184.216.34"])
    before = api.snapshot()
    refused = person.post(ROUTE, json={"url": url})
    error = refused.json()["error"]
    assert (refused.status_code, error["code"], error["param"]) == (400, "url_not_allowed", "url")
    assert url not in refused.text
    assert api.snapshot() == before


def test_a_name_that_turns_inside_later_gets_nothing(
    person: Person, host: Outside, names: Names, flush: Callable[[], None]
) -> None:
    names.stand_for("hook.example", [PUBLIC], [PRIVATE])
    with outside(PRIVATE) as inside:
        endpoint = made(person, f"http://hook.example:{inside.port}/hook")
        person.post(f"/v1/videos/{person.created()}/cancel")
        flush()
        assert inside.seen == []
    assert [log["state"] for log in deliveries(person, endpoint)] == ["waiting"]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"url": ""},
        {"url": 7},
        {"url": "https://x.example/" + "a" * 2048},
        {"url": "https://x.example", "event_types": []},
        {"url": "https://x.example", "event_types": ["video.sold"]},
        {"url": "https://x.example", "name": "n" * 201},
        {"url": "https://x.example", "more": 1},
    ],
)
def test_what_is_no_endpoint_is_refused(api: Api, person: Person, body: dict[str, Any]) -> None:
    before = api.snapshot()
    assert person.post(ROUTE, json=body).status_code == 400
    assert api.snapshot() == before


def test_there_are_only_so_many(api: Api, person: Person, host: Outside) -> None:
    most = api.services.resources.settings.outbound.max_endpoints_per_account
    for _ in range(most):
        made(person, host.url("/hook"))
    assert person.post(ROUTE, json={"url": host.url("/hook")}).status_code == 409


def test_another_account_s_endpoint_is_like_none(api: Api, person: Person, host: Outside) -> None:
    endpoint, other = made(person, host.url("/hook")), api.person()
    path = f"{ROUTE}/{endpoint['id']}"
    answers = [
        other.get(path),
        other.delete(path),
        other.get(f"{path}/deliveries"),
        other.post(f"{path}/test"),
        other.post(f"{path}/rotate_secret"),
    ]
    assert {refused.status_code for refused in answers} == {404}
    assert other.get(ROUTE).json()["data"] == []
    assert person.get(path).status_code == 200


def test_a_key_that_makes_videos_names_no_endpoint(api: Api, person: Person, host: Outside) -> None:
    key = person.post("/v1/api-keys").json()["api_key"]
    limited = Person(person.client, person.account_id, key)
    before = api.snapshot()
    refused = limited.post(ROUTE, json={"url": host.url("/hook")})
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "insufficient_scope")
    assert api.snapshot() == before


def test_deleting_ends_it_with_its_log(api: Api, person: Person, host: Outside, flush: Callable[[], None]) -> None:
    endpoint = made(person, host.url("/hook"))
    person.post(f"/v1/videos/{person.created()}/cancel")
    assert person.delete(f"{ROUTE}/{endpoint['id']}").json()["deleted"] is True
    flush()
    assert host.seen == []
    rows = api.snapshot().rows
    assert (rows["webhook_endpoints"], rows["webhook_deliveries"]) == (0, 0)


def test_who_opened_url_and_secret_is_on_record(person: Person, host: Outside, flush: Callable[[], None]) -> None:
    host.gives("/hook", b"")
    made(person, host.url("/hook"))
    job_id = person.created()
    person.post(f"/v1/videos/{job_id}/cancel")
    flush()
    seen = [(e["actor_id"], e["action"], e["job_id"]) for e in person.get("/v1/access-history").json()["data"]]
    assert ("outbound", "webhook", job_id) in seen
    assert ("outbound", "check of a webhook", None) in seen
