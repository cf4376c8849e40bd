"""Admission: what an account may ask for, wherever it asks; what a replica does at once; what they are told."""

import asyncio
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from openai import OpenAI, RateLimitError
from starlette.testclient import TestClient

from cluster.records import allowances, open_streams
from cluster.records.allowances import RequestKind
from cluster.storage.database import AsyncDatabase
from serve.ingress.admission import Rooms, kind_of
from serve.ingress.api import create_api
from serve.ingress.door import Door
from serve.ingress.rate_limit_headers import _duration
from serve.ingress.stream_leases import StreamLeases
from tests.api import PHOTO, Api, Person
from tests.fixtures_cluster import ShiftClock
from tests.world import World

HEADERS = ("x-ratelimit-limit-requests", "x-ratelimit-remaining-requests", "x-ratelimit-reset-requests")
Limit = Callable[..., None]


@pytest.fixture
def limit(api: Api) -> Limit:
    """Let the application admit less from now on."""

    def change(**settings: int) -> None:
        resources = api.services.resources
        fewer = resources.settings.admission.model_copy(update=settings)
        api.use(door=Door(resources.database, resources.keys, fewer), rooms=Rooms(fewer))

    return change


def told(answer: Any) -> list[str]:
    """What an answer says of the rate limit."""
    return [answer.headers.get(name) for name in HEADERS]


def refusal(answer: Any, code: str) -> float:
    """The seconds after which a refused request may be made again."""
    assert (answer.status_code, answer.json()["error"]["code"]) == (429, code)
    assert set(answer.json()["error"]) >= {"message", "type", "param", "code"}
    assert answer.json()["error"]["type"] == "rate_limit_error"
    assert answer.headers["x-should-retry"] == "true"
    milliseconds = int(answer.headers["retry-after-ms"])
    assert 0 < milliseconds <= 1000 * int(answer.headers["retry-after"]) < milliseconds + 1000
    return milliseconds / 1000


def test_every_authenticated_answer_says_what_is_left(api: Api, person: Person, limit: Limit) -> None:
    limit(reads_per_minute=3, creates_per_minute=2, streams_per_minute=2)
    job_id = person.created()
    answers = [
        person.get("/v1/videos"),
        person.get("/v1/videos/video_unknown"),
        person.post(f"/v1/videos/{job_id}/cancel"),
        person.get(f"/v1/videos/{job_id}/content"),
        person.get(f"/v1/videos/{job_id}/events"),
        person.post("/v1/videos", json={}),
    ]
    assert [answer.status_code for answer in answers] == [200, 404, 200, 409, 200, 400]
    assert [told(answer)[0] for answer in answers] == ["3"] * 3 + ["2"] * 3
    assert [told(answer)[1] for answer in answers] == ["2", "1", "0", "1", "0", "0"]
    assert all(re.fullmatch(r"(1m)?\d+s", answer.headers[HEADERS[2]]) for answer in answers)
    assert told(api.client.get("/v1/models")) == [None] * 3


def test_who_asks_for_too_much_is_told_when_to_come_back(
    api: Api, person: Person, limit: Limit, shift_clock: ShiftClock
) -> None:
    limit(reads_per_minute=3)
    other = api.person()
    assert [told(person.get("/v1/videos"))[1] for _ in range(3)] == ["2", "1", "0"]
    refused = person.get("/v1/videos")
    wait = refusal(refused, "rate_limit_exceeded")
    assert told(refused)[:2] == ["3", "0"]
    assert wait <= 20
    assert other.get("/v1/videos").status_code == 200
    assert person.create().status_code == 200
    shift_clock(seconds=wait)
    assert person.get("/v1/videos").status_code == 200
    refusal(person.get("/v1/videos"), "rate_limit_exceeded")
    shift_clock(minutes=1)
    assert [told(person.get("/v1/videos"))[1] for _ in range(3)] == ["2", "1", "0"]


def test_whoever_is_refused_is_not_written_down_and_nothing_is_done(api: Api, person: Person, limit: Limit) -> None:
    limit(creates_per_minute=1)
    assert person.create().status_code == 200
    entries = api.world.sql("SELECT count(*) FROM access_log")
    before = api.snapshot()
    refusal(person.create(), "rate_limit_exceeded")
    assert (api.snapshot(), api.world.sql("SELECT count(*) FROM access_log")) == (before, entries)


def test_two_replicas_count_as_one(api: Api, person: Person, limit: Limit) -> None:
    limit(reads_per_minute=6)
    resources = api.services.resources
    fewer = resources.settings.admission.model_copy(update={"reads_per_minute": 6})
    own = AsyncDatabase(resources.database._engine.url.render_as_string(hide_password=False), 2, "other")
    other = create_api(
        replace(api.services, resources=replace(resources, database=own), door=Door(own, resources.keys, fewer))
    )
    with TestClient(other, client=("192.0.2.8", 50_000)) as client:
        there = replace(person, client=client)
        answers = [who.get("/v1/credits") for who in (person, there) * 4]
        assert client.portal
        client.portal.call(own.close)
    assert [told(answer)[1] for answer in answers] == ["5", "4", "3", "2", "1", "0", "0", "0"]
    assert {told(answer)[0] for answer in answers} == {"6"}
    assert [answer.status_code for answer in answers] == [200] * 6 + [429] * 2


def test_requests_at_once_take_exactly_what_there_is(api: Api, person: Person, limit: Limit) -> None:
    limit(reads_per_minute=20)
    with ThreadPoolExecutor(40) as threads:
        answers = list(threads.map(lambda _: person.get("/v1/credits"), range(40)))
    granted = [answer for answer in answers if answer.status_code == 200]
    assert 20 <= len(granted) <= 25
    assert {answer.headers[HEADERS[1]] for answer in granted} == {str(left) for left in range(20)}


def test_what_an_account_takes_at_once_is_counted_and_freed(api: Api, person: Person, limit: Limit) -> None:
    limit(streams_per_account=2)
    job_id = person.created()
    path = f"/v1/videos/{job_id}/events"
    with ThreadPoolExecutor(2) as threads:
        streams = [threads.submit(person.get, path) for _ in range(2)]
        while api.world.sql("SELECT count(*) FROM open_streams")[0][0] < 2:
            pass
        refusal(person.get(path), "too_many_streams")
        refusal(person.get(f"/v1/videos/{job_id}/content"), "too_many_streams")
        assert api.person().get(path).status_code == 404
        refusal(
            person.post("/v1/videos", files={"input_reference": PHOTO}, headers={"prefer": "wait=9"}),
            "too_many_streams",
        )
        assert person.post(f"/v1/videos/{job_id}/cancel").status_code == 200
        assert [stream.result().status_code for stream in streams] == [200] * 2
    while api.world.sql("SELECT 1 FROM open_streams"):
        pass
    assert person.get(path).status_code == 200


def test_a_killed_replica_keeps_nobody_out(world: World, shift_clock: ShiftClock) -> None:
    account, other = world.account(), world.account()
    opened = world.run(open_streams.open_each, [account, other, account, account], 2)
    assert [stream_id is not None for stream_id in opened] == [True, True, True, False]
    shift_clock(seconds=20)
    world.run(open_streams.renew, [opened[0] or ""])
    shift_clock(seconds=20)
    assert world.run(open_streams.remove_expired) == 2
    (again, refused) = world.run(open_streams.open_each, [account, account], 2)
    assert (again is not None, refused) == (True, None)


def test_streams_opened_at_once_are_no_more_than_allowed(world: World) -> None:
    account = world.account()
    with ThreadPoolExecutor(8) as threads:
        opened = list(threads.map(lambda _: world.run(open_streams.open_each, [account] * 3, 5), range(8)))
    assert sum(stream_id is not None for batch in opened for stream_id in batch) == 5


def test_open_streams_are_renewed_for_as_long_as_they_are_open(
    api: Api, world: World, shift_clock: ShiftClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("serve.ingress.stream_leases._RENEW_SECONDS", 0)
    leases = StreamLeases(api.services.resources.database)
    (held,), (lost,) = (world.run(open_streams.open_each, [world.account()], 1) for _ in range(2))
    assert held
    assert lost
    shift_clock(seconds=25)
    leave = api.await_(_hold, leases, held)
    shift_clock(seconds=25)
    assert world.run(open_streams.remove_expired) == 1
    api.await_(_call, leave)
    assert world.sql("SELECT 1 FROM open_streams") == []


async def _hold(leases: StreamLeases, stream_id: str) -> Callable[[], None]:
    leave = leases.hold(stream_id)
    await asyncio.sleep(0.2)
    return leave


async def _call(leave: Callable[[], None]) -> None:
    leave()
    await asyncio.sleep(0.2)


def test_no_account_takes_more_than_half_of_a_replica(api: Api, person: Person, limit: Limit) -> None:
    limit(creates_at_once=2)
    rooms: Rooms = api.client.app.state.services.rooms  # type: ignore[attr-defined]  # it is a FastAPI
    leave = rooms.share(person.account_id, RequestKind.CREATE)
    refusal(person.create(seconds="1"), "server_busy")
    assert person.get("/v1/videos").status_code == 200
    assert api.person().create(seconds="1").status_code == 200
    leave()
    assert [person.create(seconds="1").status_code for _ in range(3)] == [200] * 3


def test_whoever_hangs_up_while_waiting_is_waited_for_no_longer(api: Api, person: Person) -> None:
    boundary = (
        b"--x\r\nContent-Disposition: form-data; name=input_reference; filename=f\r\n\r\n" + PHOTO + b"\r\n--x--\r\n"
    )
    headers = {
        "content-type": "multipart/form-data; boundary=x",
        "prefer": "wait=60",
        "content-length": str(len(boundary)),
    }

    async def create_and_hang_up() -> None:
        arrived: list[dict[str, Any]] = [{"type": "http.request", "body": boundary, "more_body": False}]

        async def receive() -> dict[str, Any]:
            if not arrived:
                await asyncio.sleep(0.5)
            return arrived.pop() if arrived else {"type": "http.disconnect"}

        async def send(_: Any) -> None:
            pass

        scope = scope_of("POST", "/v1/videos", headers | {"authorization": f"Bearer {person.key}"})
        async with asyncio.timeout(30):
            await api.client.app(scope, receive, send)

    api.await_(create_and_hang_up)
    while api.world.sql("SELECT 1 FROM open_streams"):
        pass
    (job_id,) = (row.id for row in api.world.sql("SELECT id FROM jobs WHERE state = 'queued'"))
    assert person.get(f"/v1/videos/{job_id}").status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "headers", "kind"),
    [
        ("GET", "/v1/videos", {}, RequestKind.READ),
        ("DELETE", "/v1/videos/video_1", {"content-length": "0"}, RequestKind.READ),
        ("POST", "/v1/videos/video_1/cancel", {}, RequestKind.READ),
        ("GET", "/v1/videos", {"prefer": "wait=5"}, RequestKind.READ),
        ("POST", "/v1/videos", {"content-length": "7"}, RequestKind.CREATE),
        ("GET", "/v1/videos", {"transfer-encoding": "chunked"}, RequestKind.CREATE),
        ("POST", "/v1/videos", {"content-length": "7", "prefer": "wait=5"}, RequestKind.STREAM),
        ("GET", "/v1/videos/video_1/content", {}, RequestKind.STREAM),
        ("GET", "/v1/videos/video_1/events", {}, RequestKind.STREAM),
    ],
)
def test_requests_are_told_apart_before_anything_is_read(
    method: str, path: str, headers: dict[str, str], kind: RequestKind
) -> None:
    assert kind_of(scope_of(method, path, headers)) is kind


def scope_of(method: str, path: str, headers: dict[str, str]) -> dict[str, Any]:
    """A request as the server hands it on."""
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "method": method,
        "scheme": "http",
        "path": path,
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        "client": ("192.0.2.7", 50_000),
    }


@pytest.mark.parametrize(
    ("full", "kind"), [("creates", RequestKind.CREATE), ("reads", RequestKind.READ), ("streams", RequestKind.STREAM)]
)
def test_a_full_room_refuses_its_kind_alone_and_reads_no_body(
    api: Api, person: Person, limit: Limit, full: str, kind: RequestKind
) -> None:
    limit(**{f"{full}_at_once": 1})
    job_id = person.created()
    calls: dict[RequestKind, Callable[[], Any]] = {
        RequestKind.CREATE: lambda: person.create(seconds="1"),
        RequestKind.READ: lambda: person.get("/v1/credits"),
        RequestKind.STREAM: lambda: person.get(f"/v1/videos/{job_id}/content"),
    }
    rooms: Rooms = api.client.app.state.services.rooms  # type: ignore[attr-defined]  # it is a FastAPI
    with rooms.taken(kind):
        assert api.client.get("/healthz").status_code == 200
        codes = {each: call().status_code for each, call in calls.items()}
        assert [each for each, code in codes.items() if code == 429] == [kind]
        assert api.await_(_refused_unread, api, kind) or kind is RequestKind.READ
        refusal(calls[kind](), "server_busy")
    assert calls[kind]().status_code in (200, 409)


async def _refused_unread(api: Api, kind: RequestKind) -> bool:
    """Whether a request is answered though its body never comes."""
    statuses: list[int] = []

    async def receive() -> dict[str, Any]:
        raise AssertionError("the body is read")

    async def send(message: Any) -> None:
        statuses.append(message.get("status", 0))

    headers = {"content-length": "10000"} | ({"prefer": "wait=5"} if kind is RequestKind.STREAM else {})
    if kind is RequestKind.READ:
        return False
    await api.client.app(scope_of("POST", "/v1/videos", headers), receive, send)
    return statuses[0] == 429


@pytest.mark.parametrize(
    ("fewer", "code"),
    [
        ({"streams_per_minute": 1}, "rate_limit_exceeded"),
        ({"streams_per_account": 0}, "too_many_streams"),
        ({"streams_at_once": 0}, "server_busy"),
    ],
)
def test_the_sdk_takes_each_refusal_for_a_rate_limit(
    api: Api, person: Person, limit: Limit, fewer: dict[str, int], code: str
) -> None:
    client = OpenAI(base_url="http://testserver/v1", api_key=person.key, http_client=api.client, max_retries=0)
    job_id = person.created()
    limit(**fewer)
    person.get(f"/v1/videos/{job_id}/content")
    with pytest.raises(RateLimitError) as refused:
        client.videos.download_content(job_id)
    assert refused.value.code == code
    assert int(refused.value.response.headers["retry-after-ms"]) > 0


def test_allowances_that_are_full_are_forgotten(world: World, shift_clock: ShiftClock) -> None:
    account = world.account()
    spender = (account, RequestKind.READ)
    limits = dict.fromkeys(RequestKind, 7)
    taken = [world.run(allowances.take, {spender: 3}, limits)[spender] for _ in range(3)]
    assert [each.granted for each in taken] == [3, 3, 1]
    assert [each.left.remaining for each in taken] == [4, 1, 0]
    assert world.run(allowances.remove_full) == 0
    shift_clock(minutes=2, seconds=1)
    assert world.run(allowances.remove_full) == 1


@pytest.mark.parametrize("limit", [1, 7, 300, 6000, 7001])
def test_an_allowance_is_exact_whatever_it_is(world: World, limit: int) -> None:
    spender = (world.account(), RequestKind.READ)
    limits = dict.fromkeys(RequestKind, limit)
    first = world.run(allowances.take, {spender: 1}, limits)[spender]
    assert (first.granted, first.left.remaining) == (1, limit - 1)
    rest = world.run(allowances.take, {spender: limit + 50}, limits)[spender]
    assert limit - 1 <= rest.granted <= limit


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0s"), (0.0031, "4ms"), (0.9999, "1000ms"), (1, "1s"), (1.2, "2s"), (60, "1m0s"), (360, "6m0s")],
)
def test_durations_are_written_as_openai_does(seconds: float, text: str) -> None:
    assert _duration(seconds) == text
