"""Polling, finding, cancelling, deleting and checking, as far as each vendor has it; and answers that are none."""

import asyncio
from collections.abc import Coroutine
from datetime import timedelta
from typing import Any, TypeVar

import pytest
from starlette.requests import Request
from starlette.responses import Response

from cluster import clock
from serve.recipients.adapter import Deletion, Finding, Pending, Ready, Search
from serve.recipients.failures import ProviderFailed, ProviderFailure
from serve.recipients.wire import LostOnTheWay, NotSent
from tests.emulators.server import serving
from tests.emulators.videos import make_video
from tests.handing_over import secrets_of
from tests.providers.adapters.vendors import ONE, PHOTO, TWO, VENDORS, Vendor, adapter_at, payload, vendor
from tests.providers.adapters.wire import TestWire

MINUTE = timedelta(minutes=1)
FINDS = {"kling": True, "wan": False, "veo": False, "openai_videos": False}
"""Who can say which task is a submission's."""
CERTAIN_OF_ABSENCE = {"kling", "wan"}
LEFT = {"kling": Deletion.IMPOSSIBLE, "wan": Deletion.IMPOSSIBLE, "veo": Deletion.ABSENT}
"""What whoever has no call for deleting says of its copy: Veo hands the video out and keeps none."""
OURS = (ProviderFailed, LostOnTheWay, NotSent)

HOSTILE: dict[str, tuple[int, bytes]] = {
    "nothing": (200, b""),
    "no json": (200, b"<html>"),
    "a list": (200, b"[]"),
    "another shape": (200, b'{"code": "0", "data": 7, "output": [], "response": "x", "status": 7, "id": {}}'),
    "deeply nested": (200, b"[" * 100_000),
    "huge numbers": (200, b'{"code": 1e999, "progress": 1e999, "total": -1, "data": [[]], "id": 7}'),
    "a name that is none": (200, b'{"code": 0, "id": "a b", "name": "a\\nb", "data": {"task_id": "a?b"}}'),
    "not utf-8": (200, b"\xff\xfe{"),
    "no content": (204, b""),
    "moved": (302, b""),
    "a teapot": (418, b'{"error": null, "code": []}'),
    "down": (503, b"<html>"),
}

Answer = TypeVar("Answer")


def run(work: Coroutine[Any, Any, Answer]) -> Answer:
    return asyncio.run(work)


def search(of: Vendor, submission_id: str = ONE) -> Search:
    return Search(submission_id, of.model, clock.now() - MINUTE, clock.now() + MINUTE)


def test_a_submission_becomes_a_video(vendor: Vendor, wire: TestWire) -> None:
    order = payload(vendor)
    task = run(vendor.adapter.submit(wire, order))
    seen: list[Pending | Ready] = []
    while not seen or isinstance(seen[-1], Pending):
        seen.append(run(vendor.adapter.poll(wire, task)))
        assert len(seen) < 6
    video = run(vendor.adapter.result(wire, task, seen[-1]))
    assert video == make_video(PHOTO, order.asked.seconds)


def test_a_lost_answer_is_looked_for_and_never_guessed_at(vendor: Vendor, wire: TestWire) -> None:
    nothing = run(vendor.adapter.find(wire, search(vendor)))
    assert nothing == Finding(None, certain=vendor.name in CERTAIN_OF_ABSENCE)
    task = run(vendor.adapter.submit(wire, payload(vendor)))
    run(vendor.adapter.submit(wire, payload(vendor, TWO)))
    found = run(vendor.adapter.find(wire, search(vendor)))
    assert found == (Finding(task, certain=True) if FINDS[vendor.name] else Finding(None, certain=False))


def test_what_can_be_deleted_is_deleted(vendor: Vendor, wire: TestWire) -> None:
    task = run(vendor.adapter.submit(wire, payload(vendor)))
    if vendor.name not in LEFT:
        assert run(vendor.adapter.delete(wire, task)) is Deletion.DELETED
        assert run(vendor.adapter.delete(wire, task)) is Deletion.ABSENT
        assert vendor.emulator.tasks.get(task) is None
    else:
        assert run(vendor.adapter.delete(wire, task)) is LEFT[vendor.name]


def test_a_task_that_there_is_not_has_expired(vendor: Vendor, wire: TestWire) -> None:
    task = run(vendor.adapter.submit(wire, payload(vendor)))
    vendor.emulator.tasks.clear()
    with pytest.raises(ProviderFailed) as caught:
        run(vendor.adapter.poll(wire, task))
    assert caught.value.code is ProviderFailure.EXPIRED


def test_a_check_needs_the_key_and_sends_no_content(vendor: Vendor, wire: TestWire) -> None:
    run(vendor.adapter.check(wire))
    assert (wire.sends, vendor.emulator.tasks.paid) == (0, 0)
    if vendor.name == "veo":
        key_file = {"service_account": "{}"}
        bad = adapter_at(vendor.name, vendor.server.url, key_file)
    else:
        secrets = secrets_of(vendor.emulator, vendor.server.url)
        bad = adapter_at(vendor.name, vendor.server.url, {name: f"{value}x" for name, value in secrets.items()})
    with pytest.raises(ProviderFailed) as caught:
        run(bad.check(wire))
    assert caught.value.code is ProviderFailure.AUTH


@pytest.fixture(scope="module", params=VENDORS)
def known(request: pytest.FixtureRequest) -> Any:
    """A vendor whose keys are good, for its token server too."""
    with vendor(request.param) as made:
        yield made


@pytest.mark.parametrize("reply", HOSTILE)
def test_an_answer_that_is_none_is_a_failure_with_a_name(known: Vendor, wire: TestWire, reply: str) -> None:
    status, body = HOSTILE[reply]

    async def answer(scope: Any, receive: Any, send: Any) -> None:
        await Request(scope, receive).body()
        await Response(body, status, {"location": "http://127.0.0.1:1/"}, "application/json")(scope, receive, send)

    with serving(answer) as server:
        adapter = adapter_at(known.name, server.url, secrets_of(known.emulator, known.server.url))
        calls: list[Coroutine[Any, Any, Any]] = [
            adapter.submit(wire, payload(known)),
            adapter.poll(wire, "task-1"),
            adapter.find(wire, search(known)),
            adapter.cancel(wire, "task-1"),
            adapter.delete(wire, "task-1"),
            adapter.check(wire),
        ]
        outcomes = []
        for call in calls:
            try:
                outcomes.append(run(call))
            except OURS as failure:
                outcomes.append(failure)
    assert isinstance(outcomes[0], OURS)
    assert not isinstance(outcomes[1], Ready)
    assert not (isinstance(outcomes[2], Finding) and outcomes[2].task)
