"""Files: photos that are kept by themselves, whole or not at all, and that nobody else sees."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from io import BytesIO
from typing import Any

import pytest
from PIL import Image

from cluster.records import accounts, lifecycle
from cluster.settings import Settings
from pipelines.sweep.stores import open_stores
from pipelines.sweep.sweep import sweep
from tests.api import PHOTO, Api, Person, picture
from tests.fixtures_cluster import ShiftClock
from tests.unit.media.test_clean import PLANTED, RAW

NAME = "quuxwater-passport.jpg"
FOR_AN_HOUR = {"expires_after[anchor]": "created_at", "expires_after[seconds]": "3600"}
NOBODYS = "file_" + "0" * 26


def keep(person: Person, photo: bytes = PHOTO, **fields: str) -> Any:
    return person.post("/v1/files", data={"purpose": "vision"} | fields, files={"file": (NAME, photo)})


def kept(person: Person, **fields: str) -> str:
    answer = keep(person, PHOTO, **fields)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["id"])


def listed(person: Person, **query: str | int) -> list[str]:
    return [file["id"] for file in person.get("/v1/files", params=query).json()["data"]]


def code(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


@contextmanager
def nothing_stored(api: Api) -> Iterator[None]:
    before = api.snapshot()
    yield
    assert api.snapshot() == before


def test_it_is_shown_and_read_as_it_is_kept(api: Api, person: Person) -> None:
    answer = keep(person)
    file = answer.json()
    assert set(file) == {"id", "object", "bytes", "created_at", "expires_at", "filename", "purpose", "status"}
    assert (file["object"], file["purpose"], file["status"], file["expires_at"]) == (
        "file",
        "vision",
        "processed",
        None,
    )
    assert person.get(f"/v1/files/{file['id']}").json() == file
    content = person.get(f"/v1/files/{file['id']}/content")
    assert (content.headers["content-type"], len(content.content)) == ("image/jpeg", file["bytes"])
    assert Image.open(BytesIO(content.content)).size == (320, 240)
    part = person.get(f"/v1/files/{file['id']}/content", headers={"range": "bytes=2-5"})
    assert (part.status_code, part.content) == (206, content.content[2:6])
    (key,) = api.snapshot().objects
    assert key.startswith("file/")


def test_neither_its_name_nor_what_the_camera_wrote_is_kept(api: Api, person: Person) -> None:
    place = next(place for place in PLANTED if place.startswith("JPEG"))
    photo = PLANTED[place](Image.linear_gradient("L").resize((320, 240)).convert("RGB"))
    assert RAW in photo
    answer = keep(person, photo)
    assert NAME not in answer.text
    assert RAW not in person.get(f"/v1/files/{answer.json()['id']}/content").content
    (row,) = api.world.sql("SELECT CAST(media.* AS text) AS words FROM media")
    assert "vision" in row.words
    assert NAME not in row.words


def test_pages_of_them(person: Person) -> None:
    first, second, third = kept(person), kept(person, purpose="user_data"), kept(person)
    assert listed(person) == [third, second, first]
    assert listed(person, order="asc", limit=2) == [first, second]
    assert listed(person, after=third, limit=1) == [second]
    assert listed(person, purpose="user_data") == [second]
    page = person.get("/v1/files", params={"limit": 2}).json()
    assert (page["first_id"], page["last_id"], page["has_more"]) == (third, second, True)
    assert code(person.get("/v1/files", params={"after": "video_" + "0" * 26})) == (400, "invalid_request")


def test_of_somebody_else_there_is_none(api: Api, person: Person) -> None:
    file_id, stranger = kept(person), api.person()
    assert listed(stranger) == []
    for path in (f"/v1/files/{file_id}", f"/v1/files/{file_id}/content", f"/v1/files/{NOBODYS}", "/v1/files/%00"):
        assert code(stranger.get(path)) == (404, "not_found")
    assert code(stranger.delete(f"/v1/files/{file_id}")) == (404, "not_found")
    job_id = person.created()
    (upload,) = api.world.sql("SELECT id FROM media WHERE job_id = :id", id=job_id)
    assert code(person.get(f"/v1/files/{upload.id.replace('media', 'file')}")) == (404, "not_found")
    assert listed(person) == [file_id]


def test_a_deleted_one_is_gone_with_its_object(api: Api, person: Person) -> None:
    file_id = kept(person)
    answer = person.delete(f"/v1/files/{file_id}")
    assert answer.json() == {"id": file_id, "object": "file", "deleted": True}
    assert api.snapshot().objects == frozenset()
    assert code(person.get(f"/v1/files/{file_id}")) == (404, "not_found")
    assert code(person.delete(f"/v1/files/{file_id}")) == (404, "not_found")


def test_what_has_expired_is_shown_to_nobody_and_swept(
    api: Api, person: Person, settings: Settings, shift_clock: ShiftClock
) -> None:
    ending, staying = keep(person, PHOTO, **FOR_AN_HOUR).json(), kept(person)
    assert ending["expires_at"] - ending["created_at"] == 3600
    shift_clock(minutes=61)
    assert listed(person) == [staying]
    assert code(person.get(f"/v1/files/{ending['id']}/content")) == (404, "not_found")
    stores = open_stores(settings)
    try:
        report = sweep(stores, lambda erase, names: erase(stores, names))
    finally:
        stores.database.close()
    assert report.clean
    (left,) = api.snapshot().objects
    assert left.endswith(staying.removeprefix("file_"))


def test_it_goes_with_its_account(api: Api, person: Person) -> None:
    kept(person)
    api.world.run(lifecycle.close, person.account_id)
    api.clean()
    assert api.snapshot().objects == frozenset()


@pytest.mark.parametrize(
    ("photo", "fields", "problem", "param"),
    [
        (b"no picture " * 50, {}, "not_an_image", "file"),
        (b"", {}, "image_empty", "file"),
        (PHOTO[: len(PHOTO) // 2], {}, "image_truncated", "file"),
        (picture(size=(32, 32)), {}, "image_too_small", "file"),
        (PHOTO, {"purpose": "assistants"}, "invalid_request", "purpose"),
        (PHOTO, {"purpose": ""}, "invalid_request", "purpose"),
        (PHOTO, {"nonsense": "1"}, "invalid_request", None),
        (PHOTO, FOR_AN_HOUR | {"expires_after[seconds]": "1"}, "invalid_request", "expires_after"),
    ],
)
def test_what_is_wrong_is_refused_and_not_kept(
    api: Api, person: Person, photo: bytes, fields: dict[str, str], problem: str, param: str | None
) -> None:
    with nothing_stored(api):
        answer = keep(person, photo, **fields)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["param"]) == (400, problem, param)
    assert NAME not in answer.text


@pytest.mark.parametrize(
    "request_",
    [
        {"json": {"purpose": "vision"}},
        {"data": {"purpose": "vision"}, "files": {"other": (NAME, PHOTO)}},
        {"data": {"purpose": "vision"}, "files": [("file", (NAME, PHOTO)), ("file", (NAME, PHOTO))]},
        {"files": {"purpose": (None, "vision")}},
        {"files": {"purpose": (None, "vision"), "file": (None, "text")}},
        {"files": {"purpose": (None, "vision"), "file": (NAME, PHOTO), "\x00": (None, "x")}},
        {"content": b"--B\r\n", "headers": {"content-type": "multipart/form-data; boundary=B"}},
    ],
)
def test_what_is_no_upload_is_refused(api: Api, person: Person, request_: dict[str, Any]) -> None:
    with nothing_stored(api):
        answer = person.post("/v1/files", **request_)
    assert answer.status_code == 400, answer.text


def test_an_account_keeps_only_so_many(api: Api, person: Person) -> None:
    settings = api.services.resources.settings
    few = settings.model_copy(update={"admission": settings.admission.model_copy(update={"files_per_account": 1})})
    api.use(resources=replace(api.services.resources, settings=few))
    file_id = kept(person)
    with nothing_stored(api):
        refused = keep(person)
    assert code(refused) == (409, "too_many_files")
    assert refused.json()["error"]["limit"] == 1
    person.delete(f"/v1/files/{file_id}")
    kept(person)


def test_whatever_breaks_on_the_way_leaves_nothing(api: Api, person: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accounts, "lock", lambda *_: None)
    with nothing_stored(api):
        assert code(keep(person)) == (503, "unavailable")
