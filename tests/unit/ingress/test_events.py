"""Events: the present state at once, each change after it, the end at the end, and one statement for everybody."""

import asyncio
import json
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, cast

import pytest
from fastapi import FastAPI
from sqlalchemy import Connection, event

from cluster.records import api_keys, leases, lifecycle, standings
from cluster.records.job_states import Actor, JobState, Stage
from cluster.records.standings import Standing
from serve.ingress import events, watch
from serve.ingress.hub import Hub
from serve.ingress.prefer import wait_seconds
from serve.ingress.stage_eta import StageEta
from serve.ingress.unexpected import Aborted
from tests.api import PHOTO, Api, Person

PROMPT = "what nobody else may read"
Ask = Callable[[Connection, Collection[str]], dict[str, Standing]]


def parsed(text: str) -> list[dict[str, Any]]:
    """The events of a stream; each one's name is its type."""
    found = []
    for block in text.strip().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines())
        if "data" in fields:
            found.append(json.loads(fields["data"]))
            assert set(fields) == {"event", "data"}
            assert fields["event"] == found[-1]["type"]
    return found


class Poll:
    """What the hub asks. ``script`` is what happens to the jobs just before each question."""

    def __init__(self, script: Iterator[object]) -> None:
        self.asked: list[frozenset[str]] = []
        self.statements = 0
        self._script = script

    def __call__(self, connection: Connection, job_ids: Collection[str]) -> dict[str, Standing]:
        if isinstance(job_ids, set):
            self.asked.append(frozenset(job_ids))
            next(self._script, None)

        def count(*_: object) -> None:
            self.statements += 1

        event.listen(connection, "before_cursor_execute", count)
        return ORIGINAL(connection, job_ids)


ORIGINAL: Ask = standings.of_jobs


def hub_of(api: Api) -> Hub:
    """The hub that the application uses now."""
    assert isinstance(api.client.app, FastAPI)
    hub: Hub = api.client.app.state.services.hub
    return hub


def create(person: Person, prefer: str) -> Any:
    """POST /v1/videos with a preference."""
    headers = {"prefer": prefer.encode()}
    return person.post("/v1/videos", files={"input_reference": ("upload", PHOTO)}, headers=headers)


@pytest.fixture
def follow(api: Api, monkeypatch: pytest.MonkeyPatch) -> Callable[[Iterator[object]], Poll]:
    """Let a script move the jobs while streams run; the hub asks without a pause."""
    api.use(hub=Hub(api.services.resources.database, 0))
    monkeypatch.setattr(watch, "_LOOK_SECONDS", 0)

    def begin(script: Iterator[object]) -> Poll:
        poll = Poll(script)
        monkeypatch.setattr(standings, "of_jobs", poll)
        return poll

    return begin


Follow = Callable[[Iterator[object]], Poll]


def test_a_stream_tells_each_change_in_order_and_ends_with_the_end(api: Api, person: Person, follow: Follow) -> None:
    job_id = person.created(prompt=PROMPT)

    def script() -> Iterator[None]:
        yield
        (lease,) = api.world.claim()
        yield
        lease = api.world.advance(lease, Stage.GENERATION)
        for step in (10, 20):
            assert api.world.run(leases.beat, job_id, lease.fence, step, 40)
            yield
        api.world.run(lifecycle.fail, lease, "internal")
        yield

    follow(script())
    answer = person.get(f"/v1/videos/{job_id}/events", headers={"last-event-id": "7"})
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.headers["cache-control"] == "no-store"
    told = parsed(answer.text)
    assert [(each["type"], each["stage"], each["step"], each["queue_position"]) for each in told] == [
        ("video.queued", None, None, 1),
        ("video.in_progress", "ingestion", None, None),
        ("video.in_progress", "generation", 10, None),
        ("video.in_progress", "generation", 20, None),
        ("video.failed", None, None, None),
    ]
    percents = [each["progress"] for each in told[:-1]]
    assert percents == sorted(set(percents))
    assert told[3]["eta_seconds"] is not None
    assert told[4]["error"]["code"] == "internal"
    assert all((each["id"], each["type"]) == (job_id, f"video.{each['status']}") for each in told)


def test_a_finished_video_has_one_event_and_nothing_personal_is_in_any(api: Api, person: Person) -> None:
    job_id = person.created(prompt=PROMPT)
    api.drive(job_id)
    answer = person.get(f"/v1/videos/{job_id}/events")
    (told,) = parsed(answer.text)
    assert (told["type"], told["progress"], told["error"]) == ("video.completed", 100, None)
    assert set(told) == set(events.VideoEvent.model_fields)
    assert not any(text in answer.text for text in (PROMPT, person.account_id, person.key, "prompt", "subject"))
    assert not hub_of(api).asking


def test_many_streams_are_one_statement_and_nobody_asks_without_them(api: Api, person: Person, follow: Follow) -> None:
    others = [api.person() for _ in range(4)]
    owners = [person, *others] * 3
    wanted, hub = [(owner, owner.created()) for owner in owners], hub_of(api)
    everything = {job_id for _, job_id in wanted}

    def script() -> Iterator[None]:
        while poll.asked[-1] != everything:
            yield
        for job_id in everything:
            assert api.world.run(lifecycle.cancel, job_id, Actor.OWNER, "cancelled_by_user")
        yield

    poll = follow(script())
    with ThreadPoolExecutor(len(wanted)) as pool:
        answers = list(pool.map(lambda each: each[0].get(f"/v1/videos/{each[1]}/events").text, wanted))
    assert [parsed(text)[-1]["type"] for text in answers] == ["video.cancelled"] * len(wanted)
    assert everything in poll.asked
    assert poll.statements == len(poll.asked) + len(wanted)
    while hub.asking:
        api.await_(asyncio.sleep, 0.01)
    assert all(poll.asked)


def test_nobody_asks_for_who_has_hung_up(api: Api, person: Person) -> None:
    path = f"/v1/videos/{person.created()}/events"
    hub = hub_of(api)

    async def listen_once() -> bool:
        told, arrived = asyncio.Event(), [{"type": "http.request", "body": b"", "more_body": False}]

        async def receive() -> dict[str, Any]:
            if not arrived:
                await told.wait()
            return arrived.pop() if arrived else {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            if message["type"] == "http.response.body":
                told.set()

        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "method": "GET",
            "scheme": "http",
            "path": path,
            "query_string": b"",
            "headers": [(b"authorization", f"Bearer {person.key}".encode())],
            "client": ("192.0.2.7", 50_000),
        }
        await api.client.app(cast("Any", scope), receive, send)
        return told.is_set()

    assert api.await_(listen_once)
    while hub.asking:
        api.await_(asyncio.sleep, 0.01)


def test_a_deleted_video_ends_its_stream(api: Api, person: Person, follow: Follow) -> None:
    job_id = person.created()

    def script() -> Iterator[None]:
        assert api.world.run(lifecycle.delete, person.account_id, job_id)
        yield

    follow(script())
    told = parsed(person.get(f"/v1/videos/{job_id}/events").text)
    assert [(each["type"], each["status"]) for each in told] == [("video.queued", "queued"), ("video.deleted", None)]


@pytest.mark.parametrize("ending", ["key", "account"])
def test_a_stream_ends_with_its_credential_or_account(api: Api, person: Person, follow: Follow, ending: str) -> None:
    job_id = person.created()

    def script() -> Iterator[None]:
        (key,) = api.world.run(api_keys.listing, person.account_id)
        if ending == "key":
            assert api.world.run(api_keys.revoke, person.account_id, key.id)
        else:
            api.world.sql("UPDATE accounts SET frozen_at = created_at WHERE id = :id", id=person.account_id)
        yield

    follow(script())
    with pytest.raises(Aborted):
        person.get(f"/v1/videos/{job_id}/events")
    assert api.world.read(job_id).state is JobState.QUEUED


def test_while_nothing_happens_the_line_is_kept_alive(
    api: Api, person: Person, follow: Follow, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = person.created()
    monkeypatch.setattr(events, "_KEEPALIVE_SECONDS", 0)

    def script() -> Iterator[None]:
        yield
        assert api.world.run(lifecycle.cancel, job_id, Actor.OWNER, "cancelled_by_user")
        yield

    follow(script())
    text = person.get(f"/v1/videos/{job_id}/events").text
    assert "\n\n: ping\n\n" in text
    assert [each["type"] for each in parsed(text)] == ["video.queued", "video.cancelled"]


def test_a_poll_that_fails_is_made_again(api: Api, person: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    job_id, asked = person.created(), []
    api.use(hub=Hub(api.services.resources.database, 0))

    def fail_once(connection: Connection, job_ids: Collection[str]) -> dict[str, Standing]:
        asked.append(job_ids)
        if len(asked) == 2:
            raise RuntimeError(PROMPT)
        if len(asked) == 3:
            assert api.world.run(lifecycle.cancel, job_id, Actor.OWNER, "cancelled_by_user")
        return ORIGINAL(connection, job_ids)

    monkeypatch.setattr(standings, "of_jobs", fail_once)
    told = parsed(person.get(f"/v1/videos/{job_id}/events").text)
    assert [each["type"] for each in told] == ["video.queued", "video.cancelled"]


def test_another_account_s_events_are_like_none(api: Api, person: Person) -> None:
    job_id, other = person.created(), api.person()
    answers = [other.get(f"/v1/videos/{name}/events") for name in (job_id, "video_" + "0" * 26, "x")]
    assert [answer.status_code for answer in answers] == [404] * 3
    assert answers[0].json() == answers[1].json() == answers[2].json()
    assert api.client.get(f"/v1/videos/{job_id}/events").status_code == 401


def test_create_waits_for_the_end_if_that_is_preferred(api: Api, person: Person, follow: Follow) -> None:
    def script() -> Iterator[None]:
        yield
        (lease,) = api.world.claim()
        yield
        api.world.run(lifecycle.fail, lease, "internal")
        yield

    follow(script())
    answer = create(person, "respond-async, wait=900")
    assert (answer.status_code, answer.json()["status"]) == (200, "failed")
    assert answer.headers["preference-applied"] == "wait=60"


def test_create_answers_in_time_even_if_nothing_happens(person: Person) -> None:
    answer = create(person, "wait=1")
    assert (answer.json()["status"], answer.headers["preference-applied"]) == ("queued", "wait=1")


def test_who_is_thrown_out_while_waiting_is_told_nothing(api: Api, person: Person, follow: Follow) -> None:
    def script() -> Iterator[None]:
        (key,) = api.world.run(api_keys.listing, person.account_id)
        assert api.world.run(api_keys.revoke, person.account_id, key.id)
        yield

    follow(script())
    answer = create(person, "wait=60")
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "invalid_api_key")


@pytest.mark.parametrize(
    "header", ["", "wait", "wait=", "wait=-1", "wait=1.5", "wait=²", "wait=soon", "return=minimal"]
)
def test_a_preference_without_sense_is_ignored(person: Person, header: str) -> None:
    answer = create(person, header)
    assert (answer.status_code, answer.json()["status"]) == (200, "queued")
    assert "preference-applied" not in answer.headers


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        (["wait=5"], 5),
        (["WAIT = 5"], 5),
        (['wait="5"'], 5),
        (["return=minimal, wait=5; x=y"], 5),
        (["respond-async", "wait=5"], 5),
        (["wait=5, wait=9"], 5),
        (["wait=x, wait=9"], 0),
        (['foo="a, wait=5"'], 0),
        (["waiting=5"], 0),
        (["wait=61"], 60),
        (["wait=" + "9" * 10], 0),
        ([], 0),
    ],
)
def test_preferences_are_read_as_the_standard_has_it(headers: list[str], seconds: int) -> None:
    assert wait_seconds(headers) == seconds


def test_who_is_far_back_in_the_queue_is_told_to_ask_less_often(api: Api, person: Person) -> None:
    jobs = [person.created() for _ in range(25)]
    pauses = [int(person.get(f"/v1/videos/{job_id}").headers["openai-poll-after-ms"]) for job_id in jobs]
    usual = api.services.resources.settings.http.poll_after_ms
    assert pauses == [usual * min(place, 20) for place in range(1, 26)]
    api.drive(jobs[-1])
    assert int(person.get(f"/v1/videos/{jobs[-1]}").headers["openai-poll-after-ms"]) == usual


def test_the_end_of_a_stage_is_known_after_two_different_steps() -> None:
    def at(step: int, stage: Stage = Stage.GENERATION) -> Standing:
        return Standing("video", JobState.IN_PROGRESS, stage, None, step, 40, None)

    eta = StageEta()
    assert [eta.seconds_left(at(10), 100.0), eta.seconds_left(at(10), 101.0)] == [None, None]
    assert eta.seconds_left(at(20), 105.0) == 10
    assert eta.seconds_left(at(40), 115.0) == 0
    assert eta.seconds_left(at(0), 120.0) is None
    assert eta.seconds_left(at(10, Stage.OUTPUT_SCREENING), 125.0) is None
