"""Batches: every item has an outcome, becomes one video at most, and nothing of a wrong batch is stored."""

import asyncio
import base64
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from cluster.privacy.purposes import Purpose
from cluster.records import lifecycle
from cluster.settings import Settings
from serve.ingress import batch_driver
from serve.ingress.accept import accept
from serve.ingress.batch_driver import drive
from tests.api import PHOTO, Api, Person
from tests.fixtures_cluster import ShiftClock
from tests.outside import Outside
from tests.unit.ingress.test_files import NOBODYS, code, kept, nothing_stored
from tests.unit.ingress.video_batches import accept_all, ask, asked, counts, failures, outcomes, send, sent


def job_count(api: Api) -> int:
    return int(api.world.sql("SELECT count(*) AS number FROM jobs")[0].number)


def test_each_item_becomes_a_video_like_any_other(api: Api, person: Person, host: Outside) -> None:
    host.gives("/a.jpg", PHOTO)
    items = [*asked(person, 8), ask("", input_reference={"image_url": host.url("/a.jpg")}, prompt="by link")]
    answer = send(person, items).json()
    assert (answer["object"], answer["status"], answer["completed_at"]) == ("video_batch", "in_progress", None)
    assert answer["counts"] == {"total": 9, "waiting": 9, "created": 0, "failed": 0, "cancelled": 0}
    accept_all(api)
    assert counts(person, answer["id"]) == {"total": 9, "created": 9, "completed": 1}
    made = outcomes(person, answer["id"])
    assert [item["custom_id"] for item in made] == [*(f"n-{place}" for place in range(8)), None]
    assert [item["index"] for item in made] == list(range(9))
    assert len({item["video_id"] for item in made}) == 9
    video = person.get(f"/v1/videos/{made[-1]['video_id']}").json()
    assert (video["prompt"], video["seconds"], video["status"]) == ("by link", "1", "queued")
    api.drive(made[0]["video_id"])
    assert {person.get(f"/v1/videos/{item['video_id']}").json()["status"] for item in made} == {"completed"}
    assert [batch["id"] for batch in person.get("/v1/video_batches").json()["data"]] == [answer["id"]]


def test_a_thousand_wait_while_there_is_no_room(
    api: Api, settings: Settings, person: Person, shift_clock: ShiftClock
) -> None:
    few = settings.model_copy(update={"jobs": settings.jobs.model_copy(update={"max_queued_per_account": 4})})
    small = replace(api.services, resources=replace(api.services.resources, settings=few))
    batch_id = sent(person, asked(person, 1000))
    api.await_(drive, small)
    assert counts(person, batch_id) == {"total": 1000, "waiting": 997, "created": 3, "in_progress": 1}
    assert api.world.sql("SELECT 1 FROM video_batch_items WHERE state = 'waiting' AND request_sealed IS NULL") == []
    for item in outcomes(person, batch_id)[:2]:
        person.delete(f"/v1/videos/{item['video_id']}")
    shift_clock(seconds=3)
    api.await_(drive, small)
    assert counts(person, batch_id)["created"] == 5
    assert len(person.get(f"/v1/video_batches/{batch_id}/items", params={"limit": 1000}).json()["data"]) == 1000


def test_who_was_refused_is_told_why_and_the_others_go_on(
    api: Api, person: Person, host: Outside, shift_clock: ShiftClock
) -> None:
    file_id, gone = kept(person), kept(person)
    items = [
        ask(gone, custom_id="gone"),
        ask(NOBODYS, custom_id="nobodys"),
        ask(kept(api.person()), custom_id="theirs"),
        ask("", custom_id="no-photo", input_reference={"image_url": host.url("/nothing")}),
        ask(file_id, custom_id="unasked", model="elsewhere"),
        ask(file_id, custom_id="good"),
    ]
    batch_id = sent(person, items)
    person.delete(f"/v1/files/{gone}")
    accept_all(api)
    assert failures(person, batch_id) == dict.fromkeys(("gone", "nobodys", "theirs"), "file_not_found") | {
        "no-photo": "url_not_found",
        "unasked": "consent_required",
    }
    assert counts(person, batch_id) == {"total": 6, "created": 1, "failed": 5, "completed": 1}


def test_credits_caps_and_consent_are_asked_for_item_by_item(api: Api, person: Person) -> None:
    cap = person.post("/v1/api-keys", json={"spending_cap": 12}).json()
    capped = Person(person.client, person.account_id, cap["api_key"])
    batch_id = sent(capped, asked(person, 3))
    accept_all(api)
    assert failures(person, batch_id) == {"n-2": "spending_cap_reached"}
    dear = sent(person, [ask(kept(person), custom_id="dear", seconds="20")] * 1 + asked(person, 1))
    available = person.get("/v1/credits").json()["available"]
    api.world.sql("UPDATE credit_balances SET available = 20 WHERE account_id = :a", a=person.account_id)
    accept_all(api)
    assert failures(person, dear) == {"dear": "insufficient_credits"}
    api.world.sql(
        "UPDATE credit_balances SET available = :v WHERE account_id = :a", a=person.account_id, v=available - 5
    )
    withdrawn = sent(person, asked(person, 2))
    notice = api.services.notices[Purpose.AI_PROCESSING]
    answer = {"purpose": Purpose.AI_PROCESSING, "notice_version": notice.version, "granted": False}
    person.login().post("/v1/consents", json=answer)
    accept_all(api)
    assert set(failures(person, withdrawn).values()) == {"consent_withdrawn"}


def test_what_is_broken_fails_alone_and_what_is_down_is_waited_for(
    api: Api, person: Person, shift_clock: ShiftClock
) -> None:
    broken, good = kept(person), kept(person)
    (row,) = api.world.sql("SELECT object_key FROM media WHERE id = :id", id=broken.replace("file", "media"))
    api.stages.store.delete(row.object_key)
    api.stages.store.objects.put(row.object_key, [b"no seal"])
    link = ask("", input_reference={"image_url": "https://nowhere.example/a.jpg"})
    batch_id = sent(person, [ask(broken, custom_id="broken"), ask(good), link])

    async def down(_: str) -> None:
        raise ConnectionError

    cut_off = replace(api.services, outbound=replace(api.services.outbound, fetch=down))
    for _ in range(2):
        api.await_(drive, cut_off)
        assert failures(person, batch_id) == {"broken": "internal_error"}
        assert counts(person, batch_id) == {"total": 3, "failed": 1, "created": 1, "waiting": 1, "in_progress": 1}
        shift_clock(seconds=3)
    accept_all(api)
    assert counts(person, batch_id) == {"total": 3, "failed": 2, "created": 1, "completed": 1}


def test_a_revoked_key_makes_nothing_more(api: Api, person: Person) -> None:
    made = person.post("/v1/api-keys", json={}).json()
    batch_id = sent(Person(person.client, person.account_id, made["api_key"]), asked(person, 3))
    person.delete(f"/v1/api-keys/{made['id']}")
    accept_all(api)
    assert set(failures(person, batch_id).values()) == {"invalid_api_key"}
    assert counts(person, batch_id) == {"total": 3, "failed": 3, "completed": 1}
    assert job_count(api) == 0


def test_a_replica_that_ends_midway_neither_loses_nor_doubles_an_item(
    api: Api, person: Person, shift_clock: ShiftClock
) -> None:
    batch_id = sent(person, asked(person, 30))

    async def cut_short() -> None:
        made: list[None] = []

        def wake() -> None:
            made.append(None)
            if len(made) == 5:
                asyncio.get_running_loop().call_later(0.02, replica.cancel)

        replica = asyncio.create_task(drive(replace(api.services, wake=wake)))
        await asyncio.wait([replica])

    async def by_two() -> None:
        await asyncio.gather(drive(api.services), drive(api.services))

    api.await_(cut_short)
    assert 5 <= job_count(api) == counts(person, batch_id)["created"] < 30
    shift_clock(minutes=3)
    api.await_(by_two)
    assert counts(person, batch_id) == {"total": 30, "created": 30, "completed": 1}
    assert job_count(api) == len({item["video_id"] for item in outcomes(person, batch_id)}) == 30
    assert person.get("/v1/credits").json()["reserved"] == 30 * 5
    api.assert_sound()


def test_who_is_slow_makes_no_second_video_of_an_item(
    api: Api, person: Person, shift_clock: ShiftClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch_id = sent(person, asked(person, 1))
    overtaken: list[Any] = []

    async def slowly(services: Any, caller: Any, order: Any) -> str:
        if not overtaken:
            overtaken.append(order)
            shift_clock(minutes=3)
            await drive(services)
        return str(await accept(services, caller, order))

    monkeypatch.setattr(batch_driver, "accept", slowly)
    accept_all(api)
    assert counts(person, batch_id) == {"total": 1, "created": 1, "completed": 1}
    assert job_count(api) == 1
    api.clean()
    assert len(api.snapshot().objects) == 2


def test_cancelling_stops_what_waits_and_what_runs(api: Api, person: Person, shift_clock: ShiftClock) -> None:
    batch_id = sent(person, asked(person, 4))
    assert code(api.person().post(f"/v1/video_batches/{batch_id}/cancel")) == (404, "not_found")
    api.world.sql("UPDATE video_batches SET due_at = due_at + interval '1 hour'")
    answer = person.post(f"/v1/video_batches/{batch_id}/cancel").json()
    assert (answer["status"], answer["counts"]["cancelled"]) == ("cancelled", 4)
    assert code(person.post(f"/v1/video_batches/{batch_id}/cancel")) == (409, "state_conflict")
    shift_clock(hours=2)
    accept_all(api)
    assert job_count(api) == 0

    batch_id = sent(person, asked(person, 3))
    accept_all(api)
    (first, second, third) = [item["video_id"] for item in outcomes(person, batch_id)]
    person.delete(f"/v1/videos/{first}")
    assert person.post(f"/v1/video_batches/{batch_id}/cancel").json()["status"] == "cancelled"
    assert {person.get(f"/v1/videos/{each}").json()["status"] for each in (second, third)} == {"cancelled"}
    assert person.get("/v1/credits").json()["reserved"] == 0
    assert api.world.sql("SELECT 1 FROM video_batch_items WHERE request_sealed IS NOT NULL") == []


DATA = "data:image/jpeg;base64," + base64.b64encode(PHOTO).decode()


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"seconds": "99"}, "items[1].seconds"),
        ({"prompt": 7}, "items[1].prompt"),
        ({"model": "bygone"}, "items[1]"),
        ({"nonsense": 1}, "items[1]"),
        ({"custom_id": "n-0"}, "items[1].custom_id"),
        ({"custom_id": "a b"}, "items[1].custom_id"),
        ({"custom_id": 7}, "items[1].custom_id"),
        ({"input_reference": {"image_url": DATA}}, "items[1].input_reference"),
        ({"input_reference": {"file_id": "nonsense"}}, "items[1].input_reference"),
        ({"input_reference": None}, "items[1].input_reference"),
        ({"subject": ""}, "items[1].subject"),
    ],
)
def test_one_wrong_item_refuses_all(api: Api, person: Person, change: dict[str, Any], param: str) -> None:
    good = asked(person, 3)
    with nothing_stored(api):
        answer = send(person, [good[0], good[1] | change, good[2]], key="k")
        assert answer.status_code in (400, 404)
        assert answer.json()["error"]["param"] == param


@pytest.mark.parametrize("items", [[], [{}] * 1001, {}, "x", None, [7], [[]]])
def test_what_is_no_list_of_items_is_refused(api: Api, person: Person, items: Any) -> None:
    with nothing_stored(api):
        answer = send(person, items)
        assert answer.status_code == 400
        assert answer.json()["error"]["param"].startswith("items")
        assert person.post("/v1/video_batches", json={"items": [{}], "more": 1}).status_code == 400


def test_what_is_nested_too_deeply_is_refused(api: Api, person: Person) -> None:
    codes = set()
    with nothing_stored(api):
        for depth in range(900, 1000, 2):
            nested = "[" * depth + "]" * depth
            item = '{"input_reference": {"image_url": "https://host.example/a.jpg", "more": ' + nested + "}}"
            body = '{"items": [' + item + ", {}]}"
            answer = person.post("/v1/video_batches", content=body, headers={"content-type": "application/json"})
            codes.add((answer.status_code, answer.json()["error"]["param"]))
    assert (
        {(400, None), (400, "items[1].input_reference")}
        <= codes
        <= {
            (400, None),
            (400, "items[0]"),
            (400, "items[1].input_reference"),
        }
    )


def test_the_same_key_is_the_same_batch(api: Api, person: Person) -> None:
    items = asked(person, 3)
    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(lambda _: send(person, items, "k"), range(4)))
    assert [answer.status_code for answer in answers] == [200] * 4
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert code(send(person, items[:2], "k")) == (422, "idempotency_key_reused")
    assert code(person.create(PHOTO, idempotency_key="k")) == (422, "idempotency_key_reused")
    accept_all(api)
    assert job_count(api) == 3


def test_nobody_else_finds_it(api: Api, person: Person) -> None:
    batch_id, stranger = sent(person, asked(person, 1)), api.person()
    for path in (f"/v1/video_batches/{batch_id}", f"/v1/video_batches/{batch_id}/items"):
        assert code(stranger.get(path)) == (404, "not_found")
        assert code(person.get(path.replace(batch_id, "batch_nonsense"))) == (404, "not_found")
    assert stranger.get("/v1/video_batches").json()["data"] == []
    reading = person.post("/v1/api-keys", json={"scopes": ["videos:read"]}).json()["api_key"]
    reader = Person(person.client, person.account_id, reading)
    assert reader.get(f"/v1/video_batches/{batch_id}").status_code == 200
    assert code(send(reader, [])) == (403, "insufficient_scope")
    assert code(reader.post(f"/v1/video_batches/{batch_id}/cancel")) == (403, "insufficient_scope")


def test_more_at_once_than_an_account_may_have_are_refused(api: Api, person: Person) -> None:
    items = asked(person, 1)
    most = api.services.resources.settings.admission.batches_per_account
    kept_ids = [sent(person, items) for _ in range(most)]
    with nothing_stored(api):
        refused = send(person, items, "k")
        assert code(refused) == (429, "too_many_queued")
        assert refused.json()["error"]["limit"] == most
    accept_all(api)
    assert send(person, items, "k").status_code == 200
    page = person.get("/v1/video_batches", params={"order": "asc", "limit": 2, "after": kept_ids[0]}).json()
    assert ([batch["id"] for batch in page["data"]], page["has_more"]) == (kept_ids[1:3], True)


@pytest.mark.parametrize("end", ["subject", "account"])
def test_who_is_erased_leaves_nothing_in_a_batch(api: Api, person: Person, end: str) -> None:
    items = asked(person, 3)
    items[0]["subject"] = items[1]["subject"] = "ada"
    waiting, done = sent(person, items), sent(person, items)
    api.world.sql("UPDATE video_batches SET due_at = due_at + interval '1 hour' WHERE id = :id", id=waiting)
    accept_all(api)
    if end == "subject":
        assert person.delete("/v1/subjects/ada").json()["videos"] == 2
        assert [item["status"] for item in outcomes(person, waiting)] == ["cancelled", "cancelled", "waiting"]
        assert [item["custom_id"] for item in outcomes(person, done)] == [None, None, "n-2"]
        assert api.world.sql("SELECT 1 FROM video_batch_items WHERE subject_lookup IS NOT NULL") == []
    else:
        api.world.run(lifecycle.close, person.account_id)
        assert api.snapshot().rows["video_batches"] == api.snapshot().rows["video_batch_items"] == 0


def test_words_and_names_lie_sealed(api: Api, person: Person, world_text: Callable[[], bytes]) -> None:
    sent(person, [ask(kept(person), prompt="quuxwater", custom_id="zephyrina", subject="borogove")])
    assert b"video_batch" in world_text()
    for word in (b"quuxwater", b"zephyrina", b"borogove"):
        assert word not in world_text()


@pytest.fixture
def world_text(api: Api) -> Callable[[], bytes]:
    """All that the batches' tables hold, as one text."""

    def read() -> bytes:
        rows = api.world.sql(
            "SELECT to_jsonb(b)::text, to_jsonb(i)::text, 'video_batch', i.request_sealed,"
            " i.custom_id_sealed FROM video_batches b JOIN video_batch_items i ON i.batch_id = b.id"
        )
        return b"|".join(value if isinstance(value, bytes) else str(value).encode() for row in rows for value in row)

    return read
