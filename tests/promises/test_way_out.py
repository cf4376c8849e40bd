"""What leaves for a third party, when it may, and what becomes of it there: a real submission to an emulated one."""

import asyncio
import io
import json
import re
import time
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pydantic import BaseModel

from cluster import clock
from cluster.records import accounts, credits, lifecycle
from cluster.records.accounts import Details
from cluster.records.job_states import Stage
from serve.egress.client import Client, Timeouts
from serve.egress.pinning import Rules
from serve.egress.recipients import RecipientChannel
from serve.egress.wire import RecipientLine
from serve.recipients.openai_videos import OpenAIVideos
from serve.recipients.payload import Asked, Payload, Picture
from serve.recipients.wire import ControlRequest, NotSent, Wire
from tests.api import Api, Person
from tests.handing_over import HandingOver
from tests.outside import Names
from tests.promises._people import answer
from tests.wiretap import leaks
from tests.world import SHARE

NAME, EMAIL = "Quentin Canaryfield", "quentin@canaryfield-7431.example"
SENT = {"prompt", "model", "seconds", "size", "input_reference"}
HEADERS = {
    "host", "user-agent", "accept-encoding", "connection", "authorization", "content-type", "idempotency-key",
    "content-length",
}  # fmt: skip
NOISE = np.random.default_rng(5).integers(0, 256, (1000, 1500, 3), dtype=np.uint8)
LONGEST = 2.0
PLAIN = {"jfif", "jfif_version", "jfif_unit", "jfif_density"}
"""What every JPEG says of itself."""


@pytest.fixture
def account(upstream: HandingOver) -> str:
    """Somebody with a name, who has agreed."""

    def open_account(connection: Any) -> str:
        details = Details(name=NAME, email=EMAIL)
        account_id = accounts.create(connection, upstream.world.keys, details, terms_version="terms").id
        credits.grant(connection, account_id, 1000)
        return account_id

    account = upstream.world.database.run(open_account)
    upstream.answer(account, True)
    return account


@pytest.mark.promise("P46", "P47", "P49", "P50", "P51", "P52")
def test_the_bytes_that_leave_are_the_allowed_ones(upstream: HandingOver, account: str) -> None:
    job = upstream.job(account)
    upstream.to_the_end(job)
    assert upstream.read(job).stage is Stage.RECEPTION
    record = upstream.server.record
    head, _, _ = record.all_bytes().partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    assert lines[0] == "POST /v1/videos HTTP/1.1"
    assert {line.partition(":")[0].lower() for line in lines[1:]} == HEADERS
    body = bytes(record.bodies[0])
    assert set(re.findall(rb'name="([a-z_]+)"', body)) == {name.encode() for name in SENT}
    assert re.findall(rb'filename="([^"]*)"', body) == [b"input.jpeg"]
    known = {"name": NAME, "first": "Quentin", "email": EMAIL, "account": account, "job": job}
    assert leaks([record.all_bytes(), body], known) == set()


@pytest.mark.promise("P48")
def test_nothing_that_was_derived_from_a_face_leaves(upstream: HandingOver, account: str) -> None:
    job = upstream.job(account)
    face = {"box": [231.4375, 118.8125], "points": [246.90625, 131.28125], "embedding": [0.03125, -0.71875]}
    upstream.world.sql("UPDATE jobs SET facts = :facts WHERE id = :job", facts=json.dumps({"faces": [face]}), job=job)
    upstream.to_the_end(job)
    assert upstream.read(job).facts["faces"] == [face]
    body = bytes(upstream.server.record.bodies[0])
    found = {f"{name} {place}": value for name, values in face.items() for place, value in enumerate(values)}
    assert leaks([body], {"fact": "embedding"}, found) == set()
    with Image.open(io.BytesIO(body[body.index(b"\xff\xd8\xff") :])) as sent:
        assert (set(sent.info) - PLAIN, dict(sent.getexif())) == (set(), {})


@pytest.mark.promise("P48")
def test_a_payload_has_no_place_for_a_face() -> None:
    allowed: dict[type[BaseModel], set[str]] = {
        Payload: {"submission_id", "model", "picture", "prompt", "asked"},
        Picture: {"data", "content_type", "width", "height"},
        Asked: {"seconds", "resolution", "aspect_ratio", "size", "seed", "negative_prompt", "audio"},
    }
    for kind, names in allowed.items():
        assert (set(kind.model_fields), kind.model_config["extra"]) == (names, "forbid")


@pytest.mark.promise("P63")
@pytest.mark.parametrize("answers", [[], [False], [True, False], [True, False, True]])
def test_nothing_leaves_without_a_grant_that_is_older_than_the_job(
    upstream: HandingOver, account: str, answers: list[bool]
) -> None:
    other = upstream.world.account()
    if answers[:1] == [True]:
        upstream.answer(other, True)
    job = upstream.job(other)
    upstream.hand_over()
    for granted in answers[1:] if answers[:1] == [True] else answers:
        upstream.answer(other, granted)
    upstream.work(lambda channel: upstream.go_on(channel, lambda: upstream.submission(job).ended))
    assert (upstream.lines(), upstream.server.record.all_bytes()) == ([], b"")


@pytest.mark.promise("P66")
def test_a_withdrawal_stops_what_is_being_sent(upstream: HandingOver, account: str) -> None:
    job = upstream.job(account, NOISE)
    upstream.hand_over()
    upstream.server.throttle(200_000)

    def begun() -> None:
        give_up = clock.monotonic() + 30
        while len(upstream.server.record.all_bytes()) < 150_000:
            assert clock.monotonic() < give_up
            time.sleep(0.02)

    async def use(channel: RecipientChannel) -> None:
        await channel.step_due()
        await asyncio.to_thread(begun)
        await asyncio.to_thread(upstream.answer, account, False)
        said = clock.monotonic()
        await channel.drain()
        await asyncio.sleep(LONGEST)
        last = upstream.server.record.last_at()
        assert last is not None
        assert last - said <= LONGEST

    upstream.work(use)
    assert [line.outcome for line in upstream.left()] == ["cut"]
    assert upstream.emulator.tasks.paid == 0
    assert upstream.read(job).error_code == "consent_withdrawn"


class Twice(OpenAIVideos):
    """An adapter that sends again what it has sent."""

    async def submit(self, wire: Wire, payload: Payload) -> str:
        """Send, and send."""
        await super().submit(wire, payload)
        return await super().submit(wire, payload)


@pytest.mark.promise("P59")
def test_one_look_at_the_consent_lets_one_call_out(
    upstream: HandingOver, account: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.handing_over.create", lambda _, access: Twice(access))
    job = upstream.job(account)
    upstream.work(lambda channel: upstream.go_on(channel, lambda: upstream.submission(job).ended))
    assert (upstream.emulator.tasks.paid, len(upstream.left())) == (1, 1)


@pytest.mark.promise("P72")
def test_nothing_is_sent_in_clear(names: Names) -> None:
    names.stand_for("api.provider.example", ["93.184.215.14"])
    line = RecipientLine(Client(Timeouts(1, 1, 1)), Rules((), names), 1 << 20)
    with pytest.raises(NotSent):
        asyncio.run(line.call(ControlRequest("GET", "http://api.provider.example/v1/videos")))


@pytest.mark.promise("P77")
def test_the_providers_copy_is_deleted_once_the_video_has_come(upstream: HandingOver, account: str) -> None:
    job = upstream.job(account)
    upstream.to_the_end(job)
    assert upstream.submission(job).copy == "deleted"
    assert upstream.emulator.tasks.all() == []


@pytest.mark.promise("P126")
def test_nothing_of_a_known_minor_goes_to_a_third_party(api: Api, person: Person) -> None:
    answer(person, SHARE, True)
    api.world.run(lifecycle.set_known_minor, person.account_id, True)
    refused = person.create(model="elsewhere")
    assert refused.status_code == 403
    assert refused.json()["error"]["code"] == "not_for_minors"
    assert person.create().status_code == 200


@pytest.mark.promise("P126")
def test_what_waits_is_held_back_once_its_owner_is_known_to_be_a_minor(upstream: HandingOver, account: str) -> None:
    job = upstream.job(account)
    upstream.hand_over()
    assert upstream.world.run(accounts.set_known_minor, account, True)
    upstream.to_the_end(job)
    assert upstream.read(job).error_code == "not_for_minors"
    assert (upstream.lines(), upstream.server.record.all_bytes()) == ([], b"")
