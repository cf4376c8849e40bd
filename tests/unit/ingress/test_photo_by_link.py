"""A photo by link: read by the way out, or refused with a code; nothing of a refused one is kept."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from cluster.errors import AccessLogUnavailable
from cluster.records import fetches
from serve.egress.client import Client, Timeouts
from serve.egress.fetching import FetchChannel
from serve.resources import WebResources
from tests.api import PHOTO, Api, Person
from tests.outside import PRIVATE, PUBLIC, Exchange, Names, Outside, outside, rules
from tests.world import AI

LIFE = timedelta(minutes=1)
TEN_GIGABYTES = str(10 * 10**9)


def by_link(person: Person, url: str, **fields: Any) -> Any:
    return person.post("/v1/videos", json={"prompt": "x", "input_reference": {"image_url": url}} | fields)


def assert_refused(api: Api, person: Person, url: str, code: str) -> None:
    before = api.snapshot()
    answer = by_link(person, url)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["param"]) == (400, code, "input_reference")
    assert url not in answer.text
    assert api.snapshot() == before


def test_it_becomes_a_video_like_any_other(api: Api, person: Person, host: Outside) -> None:
    host.gives("/a.jpg", PHOTO)
    job_id = by_link(person, host.url("/a.jpg")).json()["id"]
    api.drive(job_id)
    assert person.get(f"/v1/videos/{job_id}").json()["status"] == "completed"
    assert api.snapshot().rows["fetches"] == 0


def test_a_form_may_name_it_too(person: Person, host: Outside) -> None:
    host.gives("/a.jpg", PHOTO)
    fields = {"prompt": (None, "x"), "input_reference[image_url]": (None, host.url("/a.jpg"))}
    assert person.post("/v1/videos", files=fields).status_code == 200


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:{port}/a.jpg",
        "http://localhost.example:{port}/a.jpg",
        "http://10.0.0.1/a.jpg",
        "http://192.168.1.1/a.jpg",
        "http://169.254.10.10/a.jpg",
        "http://169.254.169.254/latest/meta-data/",
        "http://[fd00:ec2::254]/latest/meta-data/",
        "http://[::1]:{port}/a.jpg",
        "http://2130706433:{port}/a.jpg",
        "ftp://host.example/a.jpg",
        "file:///etc/passwd",
        "http://user:secret@host.example/a.jpg",
        "http://host.example:22/",
    ],
)
def test_a_host_that_is_not_public_is_not_connected_to(api: Api, person: Person, names: Names, url: str) -> None:
    names.stand_for("localhost.example", [PRIVATE])
    names.stand_for("host.example", [PUBLIC])
    with outside(PRIVATE) as inside:
        inside.gives("/a.jpg", PHOTO)
        assert_refused(api, person, url.format(port=inside.port), "url_not_allowed")
        assert inside.seen == []


def test_a_redirect_to_a_private_host_is_not_followed(api: Api, person: Person, host: Outside) -> None:
    with outside(PRIVATE) as inside:
        inside.gives("/a.jpg", PHOTO)
        host.leads("/a.jpg", inside.url("/a.jpg"))
        assert_refused(api, person, host.url("/a.jpg"), "url_not_allowed")
        assert inside.seen == []


def test_a_name_that_turns_to_a_private_host_is_held_to_its_first_answer(
    person: Person, host: Outside, names: Names
) -> None:
    names.stand_for("rebinding.example", [PUBLIC], [PRIVATE])
    host.gives("/a.jpg", PHOTO)
    assert by_link(person, host.url("/a.jpg", "rebinding.example")).status_code == 200
    assert names.asked == ["rebinding.example"]


def test_a_host_that_never_ends_is_cut_off(
    api: Api, person: Person, host: Outside, names: Names, outbound_resources: WebResources
) -> None:
    brief = FetchChannel(outbound_resources, Client(Timeouts(1, 1, 1.0)), rules(names))
    api.use(outbound=replace(api.services.outbound, fetch=brief.fetch))
    host.never_ends("/drips", b"x", 0.05, content_type="image/jpeg")
    assert_refused(api, person, host.url("/drips"), "url_too_slow")
    assert host.cut_off.wait(5)


def test_ten_gigabytes_are_refused_before_the_first(api: Api, person: Person, host: Outside) -> None:
    host.never_ends("/huge", b"x" * 65536, content_length=TEN_GIGABYTES)
    assert_refused(api, person, host.url("/huge"), "url_too_large")
    assert host.cut_off.wait(5)


@pytest.mark.parametrize("body", [b"", b"<html>", PHOTO[:20]])
def test_what_is_no_photo_is_refused_like_an_upload(api: Api, person: Person, host: Outside, body: bytes) -> None:
    host.gives("/a.jpg", body)
    before = api.snapshot()
    answer = by_link(person, host.url("/a.jpg"))
    sent = person.create(body)
    assert (answer.status_code, answer.json()["error"]) == (400, sent.json()["error"])
    assert api.snapshot() == before


def test_the_same_key_is_the_same_job_and_fetches_once(person: Person, host: Outside) -> None:
    host.gives("/a.jpg", PHOTO)
    url = host.url("/a.jpg")

    def create() -> Any:
        body = {"input_reference": {"image_url": url}}
        return person.post("/v1/videos", json=body, headers={"idempotency-key": "k"})

    first, again = create(), create()
    assert first.json()["id"] == again.json()["id"]
    assert len(host.seen) == 1


def test_twenty_identical_creates_at_once_are_one_job(api: Api, person: Person, host: Outside) -> None:
    def slowly(exchange: Exchange) -> None:
        host.ended.wait(0.5)
        exchange.say(200, PHOTO)

    host.answers["/a.jpg"] = slowly
    body = {"input_reference": {"image_url": host.url("/a.jpg")}}
    with ThreadPoolExecutor(20) as threads:
        create = partial(person.post, "/v1/videos", json=body, headers={"idempotency-key": "k"})
        answers = list(threads.map(lambda _: create(), range(20)))
    assert [answer.status_code for answer in answers] == [200] * 20
    assert len({answer.json()["id"] for answer in answers}) == 1
    api.clean()
    rows = api.snapshot().rows
    assert (rows["jobs"], rows["media"], rows["fetches"]) == (1, 1, 0)
    assert api.world.transfers(answers[0].json()["id"]) == ["reserve"]


def test_without_consent_nothing_is_fetched(api: Api, person: Person, host: Outside) -> None:
    host.gives("/a.jpg", PHOTO)
    version = next(one["version"] for one in person.get("/v1/notices").json()["data"] if one["purpose"] == AI)
    person.login().post("/v1/consents", json={"purpose": AI, "notice_version": version, "granted": False})
    before = api.snapshot()
    assert by_link(person, host.url("/a.jpg")).status_code == 403
    assert host.seen == []
    assert api.snapshot() == before


def test_an_account_waits_for_only_so_many_at_once(api: Api, person: Person, host: Outside) -> None:
    most = api.services.resources.settings.outbound.max_fetches_per_account
    for number in range(most):
        life = 60 * (number + 1)
        api.world.sql(
            "INSERT INTO fetches (id, account_id, state, created_at, expires_at)"
            " SELECT 'fetch_' || :number, id, 'running', created_at, created_at + :life * interval '1 second'"
            " FROM accounts WHERE id = :account",
            number=number,
            life=life,
            account=person.account_id,
        )
    host.gives("/a.jpg", PHOTO)
    assert by_link(person, host.url("/a.jpg")).status_code == 429
    assert host.seen == []


def test_when_the_way_out_is_down_the_answer_is_503(api: Api, person: Person, host: Outside) -> None:
    async def down(_: str) -> None:
        raise ConnectionError

    api.use(outbound=replace(api.services.outbound, fetch=down))
    before = api.snapshot()
    assert by_link(person, host.url("/a.jpg")).status_code == 503
    assert api.snapshot() == before


def test_who_opened_the_url_is_on_record(api: Api, person: Person, host: Outside) -> None:
    host.gives("/a.jpg", PHOTO)
    by_link(person, host.url("/a.jpg"))
    seen = [(entry["actor_id"], entry["action"]) for entry in person.get("/v1/access-history").json()["data"]]
    assert ("outbound", "fetch") in seen


def test_without_the_access_log_no_url_is_opened(api: Api, person: Person, host: Outside) -> None:
    fetch_id = api.world.run(fetches.announce, api.world.keys, person.account_id, host.url("/a.jpg"), LIFE)
    api.world.sql("ALTER TABLE access_log RENAME TO gone")
    with pytest.raises(AccessLogUnavailable):
        api.await_(api.services.outbound.fetch, fetch_id)
    api.world.sql("ALTER TABLE gone RENAME TO access_log")
    assert host.seen == []
    api.world.run(fetches.forget, fetch_id)
