"""A photo by the id of a file: many videos of one upload, and each with a copy of its own."""

from typing import Any

import pytest

from cluster.records import media
from serve.ingress import accept
from serve.ingress.order import looked_through
from tests.api import PHOTO, VIDEO, Api, Person, picture
from tests.fixtures_cluster import ShiftClock
from tests.unit.ingress.test_files import FOR_AN_HOUR, NOBODYS, code, keep, kept


def by_file(person: Person, file_id: object, key: str | None = None, **fields: Any) -> Any:
    headers = {"idempotency-key": key} if key else {}
    body = {"prompt": "x", "input_reference": {"file_id": file_id}} | fields
    return person.post("/v1/videos", json=body, headers=headers)


def test_many_videos_are_made_of_one_file(api: Api, person: Person) -> None:
    file_id = kept(person)
    form = {"prompt": (None, "x"), "input_reference[file_id]": (None, file_id)}
    answers = [by_file(person, file_id), by_file(person, file_id), person.post("/v1/videos", files=form)]
    ids = {answer.json()["id"] for answer in answers}
    assert len(ids) == 3
    lineage = api.world.sql("SELECT DISTINCT derived_from FROM media WHERE kind = 'upload'")
    assert [row.derived_from for row in lineage] == [file_id.replace("file", "media")]
    assert person.delete(f"/v1/files/{file_id}").status_code == 200
    for job_id in ids:
        api.drive(job_id)
        assert person.get(f"/v1/videos/{job_id}/content").content == VIDEO
        assert person.get(f"/v1/videos/{job_id}").json()["remixed_from_video_id"] is None
    api.assert_sound()


def test_a_deleted_video_takes_nothing_from_its_file(api: Api, person: Person) -> None:
    file_id = kept(person)
    job_id = by_file(person, file_id).json()["id"]
    person.delete(f"/v1/videos/{job_id}")
    assert by_file(person, file_id).status_code == 200


def test_a_file_that_is_not_there_is_refused_and_nothing_stored(
    api: Api, person: Person, shift_clock: ShiftClock
) -> None:
    theirs, ended, deleted = kept(api.person()), keep(person, PHOTO, **FOR_AN_HOUR).json()["id"], kept(person)
    person.delete(f"/v1/files/{deleted}")
    job_id = person.created()
    (upload,) = api.world.sql("SELECT id FROM media WHERE job_id = :id", id=job_id)
    shift_clock(minutes=61)
    before = api.snapshot()
    for file_id in (theirs, ended, deleted, upload.id.replace("media", "file"), NOBODYS, job_id, "", "file-abc"):
        answer = by_file(person, file_id)
        assert code(answer) == (404, "file_not_found"), file_id
        assert answer.json()["error"]["param"] == "input_reference"
    for reference in ({"file_id": 7}, {"file_id": None}, {"file_id": NOBODYS, "image_url": "https://host.example/a"}):
        answer = person.post("/v1/videos", json={"prompt": "x", "input_reference": reference})
        assert code(answer) == (400, "invalid_request")
    assert api.snapshot() == before


def test_the_same_key_is_the_same_video_of_the_same_file(person: Person) -> None:
    file_id = kept(person)
    first = by_file(person, file_id, "k")
    assert by_file(person, file_id, "k").json()["id"] == first.json()["id"]
    other = str(keep(person, picture(size=(400, 300))).json()["id"])
    assert code(by_file(person, other, "k")) == (422, "idempotency_key_reused")
    assert code(person.create(PHOTO, idempotency_key="k", prompt="x")) == (422, "idempotency_key_reused")
    person.delete(f"/v1/files/{file_id}")
    assert by_file(person, file_id, "k").json()["id"] == first.json()["id"]


def test_a_file_that_ends_on_the_way_becomes_no_video(
    api: Api, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    file_id = kept(person)

    async def lost(services: Any, data: bytes) -> Any:
        await services.resources.database.run(media.doom_one, file_id.replace("file", "media"))
        return await looked_through(services, data)

    monkeypatch.setattr(accept, "looked_through", lost)
    before = api.snapshot().rows["jobs"]
    assert code(by_file(person, file_id)) == (404, "file_not_found")
    assert api.snapshot().rows["jobs"] == before
    api.clean()
    assert api.snapshot().objects == frozenset()


def test_a_remix_of_such_a_video_is_of_its_photo(api: Api, person: Person) -> None:
    file_id = kept(person)
    job_id = by_file(person, file_id).json()["id"]
    api.drive(job_id)
    person.delete(f"/v1/files/{file_id}")
    made = person.post(f"/v1/videos/{job_id}/remix", json={"prompt": "y"}).json()
    assert made["remixed_from_video_id"] == job_id
