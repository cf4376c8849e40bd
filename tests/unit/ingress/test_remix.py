"""A remix: another video of the same photo, that neither lives nor ends with the first."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from cluster.records import media
from serve.ingress import accept
from serve.ingress.order import looked_through
from tests.api import PHOTO, VIDEO, Api, Person
from tests.fixtures_cluster import ShiftClock

HOUR = {"anchor": "created_at", "seconds": 3600}


def remix(person: Person, video_id: str, key: str | None = None, **fields: Any) -> Any:
    headers = {"idempotency-key": key} if key else {}
    return person.post(f"/v1/videos/{video_id}/remix", json={"prompt": "at dusk"} | fields, headers=headers)


def code(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


@pytest.fixture
def source(api: Api, person: Person) -> str:
    made = person.created(prompt="at dawn", seconds="3", fps="12", camera="orbit")
    api.drive(made)
    return made


def test_it_is_a_new_video_of_the_same_photo_with_the_words_changed(api: Api, person: Person, source: str) -> None:
    made = remix(person, source).json()
    assert (made["status"], made["prompt"], made["remixed_from_video_id"]) == ("queued", "at dusk", source)
    first = person.get(f"/v1/videos/{source}").json()
    assert (first["prompt"], first["remixed_from_video_id"]) == ("at dawn", None)
    for name in ("parameters", "model", "price", "size", "expires_at"):
        assert made[name] == first[name], name
    assert person.get("/v1/credits").json()["reserved"] == made["price"]
    (lineage,) = api.world.sql(
        "SELECT s.kind, s.job_id FROM media m JOIN media s ON s.id = m.derived_from WHERE m.job_id = :id", id=made["id"]
    )
    assert (lineage.kind, lineage.job_id) == ("input", source)
    api.drive(made["id"])
    assert person.get(f"/v1/videos/{made['id']}/content").content == VIDEO
    assert api.world.transfers(made["id"]) == ["reserve", "settle"]
    api.assert_sound()


def test_what_is_given_anew_counts(person: Person, source: str) -> None:
    made = remix(person, source, seconds="2", camera="still", priority="low", expires_after=HOUR).json()
    parameters = made["parameters"]
    assert (parameters["seconds"], parameters["camera"], parameters["fps"]) == (2, "still", 12)
    assert (made["priority"], made["expires_at"] - made["created_at"]) == ("low", 3600)


@pytest.mark.parametrize("goes", ["source", "remix"])
def test_neither_ends_with_the_other(api: Api, person: Person, source: str, goes: str) -> None:
    made = remix(person, source).json()["id"]
    gone, stays = (source, made) if goes == "source" else (made, source)
    assert person.delete(f"/v1/videos/{gone}").status_code == 200
    api.drive(made)
    assert person.get(f"/v1/videos/{stays}/content").content == VIDEO
    assert remix(person, stays).status_code == 200
    api.assert_sound()


def test_the_photo_has_to_be_there_and_nothing_is_stored_if_it_is_not(api: Api, person: Person, source: str) -> None:
    unstored, cancelled, deleted = person.created(store="false"), person.created(), person.created()
    person.post(f"/v1/videos/{cancelled}/cancel")
    person.delete(f"/v1/videos/{deleted}")
    api.drive(unstored)
    waiting, stranger = person.created(), api.person()
    api.clean()
    before = api.snapshot()
    assert code(remix(person, unstored)) == (410, "photo_erased")
    assert code(remix(person, cancelled)) == (410, "photo_erased")
    assert code(remix(person, waiting)) == (409, "video_not_ready")
    assert code(remix(person, deleted)) == (404, "not_found")
    assert code(remix(stranger, source)) == (404, "not_found")
    assert code(remix(person, "video_" + "0" * 26)) == (404, "not_found")
    assert api.snapshot() == before


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"prompt": 7}, "prompt"),
        ({"prompt": "x" * 5001}, "prompt"),
        ({"seconds": "99"}, "seconds"),
        ({"input_reference": {"image_url": "https://host.example/a.jpg"}}, "input_reference"),
        ({"nonsense": 1}, None),
    ],
)
def test_what_makes_no_sense_is_refused(
    api: Api, person: Person, source: str, fields: dict[str, Any], param: str | None
) -> None:
    before = api.snapshot()
    answer = remix(person, source, **fields)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)
    assert person.post(f"/v1/videos/{source}/remix", json={}).json()["error"]["param"] == "prompt"
    assert api.snapshot() == before


def test_the_same_key_is_the_same_remix(api: Api, person: Person, source: str) -> None:
    with ThreadPoolExecutor(5) as threads:
        answers = list(threads.map(lambda _: remix(person, source, "k"), range(5)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert code(remix(person, source, "k", prompt="another")) == (422, "idempotency_key_reused")
    other = person.created(prompt="at dawn", seconds="3", fps="12", camera="orbit")
    api.drive(other)
    assert code(remix(person, other, "k")) == (422, "idempotency_key_reused")
    assert code(person.create(PHOTO, idempotency_key="k", prompt="at dusk")) == (422, "idempotency_key_reused")
    api.assert_sound()


def test_it_is_of_the_same_subject_and_goes_with_it(api: Api, person: Person) -> None:
    source = person.created(subject="ada")
    api.drive(source)
    made = remix(person, source).json()["id"]
    assert remix(person, source, subject="bob").json()["error"]["param"] == "subject"
    assert person.delete("/v1/subjects/ada").json()["videos"] == 2
    assert person.get(f"/v1/videos/{made}").status_code == 404
    assert api.snapshot().objects == frozenset()


def test_it_lives_as_long_as_its_source_was_meant_to(
    api: Api, person: Person, shift_clock: ShiftClock, source: str
) -> None:
    short = person.post(f"/v1/videos/{source}/remix", json={"prompt": "x", "expires_after": HOUR}).json()["id"]
    api.drive(short)
    shift_clock(minutes=30)
    made = remix(person, short, "k").json()
    assert made["expires_at"] - made["created_at"] == 3600
    shift_clock(minutes=5)
    assert remix(person, short, "k").json()["id"] == made["id"]
    shift_clock(minutes=40)
    assert code(remix(person, short)) == (410, "photo_erased")


def test_a_photo_that_ends_on_the_way_becomes_no_video(
    api: Api, person: Person, source: str, monkeypatch: pytest.MonkeyPatch
) -> None:

    async def lost(services: Any, data: bytes) -> Any:
        await services.resources.database.run(media.doom, source, ["input"])
        return await looked_through(services, data)

    monkeypatch.setattr(accept, "looked_through", lost)
    before = api.snapshot().rows["jobs"]
    assert code(remix(person, source)) == (410, "photo_erased")
    assert api.snapshot().rows["jobs"] == before
    api.assert_sound()


def test_an_object_that_is_gone_is_said_to_be(
    api: Api, person: Person, source: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (row,) = api.world.sql("SELECT object_key FROM media WHERE kind = 'input' AND job_id = :id", id=source)
    api.stages.store.delete(row.object_key)
    assert code(remix(person, source)) == (410, "photo_erased")
    person.delete(f"/v1/videos/{source}")
