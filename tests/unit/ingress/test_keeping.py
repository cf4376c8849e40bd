"""How long a video is kept is said when it is asked for; at its end it is shown to nobody, and erased."""

import base64
from datetime import timedelta
from typing import Any

import pytest

from cluster.errors import InvalidRequest
from cluster.records import expiry, lifecycle
from cluster.records.job_states import Stage
from cluster.settings import configs_folder, read
from cluster.storage.errors import ConnectionLost
from serve.ingress import content
from serve.ingress.keeping import Keeping, read_keeping
from serve.ingress.unexpected import Aborted
from tests.api import PHOTO, THUMBNAIL, VIDEO, Api, Person
from tests.fixtures_cluster import ShiftClock

DAY = 86_400
RETENTION = read(configs_folder(), {}).retention
FOR_AN_HOUR = {"expires_after[anchor]": "created_at", "expires_after[seconds]": "3600"}
LINK = {"image_url": f"data:image/jpeg;base64,{base64.b64encode(PHOTO).decode()}"}


def code(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


def made(api: Api, person: Person, **fields: str) -> str:
    job_id = person.created(**fields)
    api.drive(job_id)
    return job_id


def pass_away(api: Api) -> None:
    """What the director does once a second."""
    while api.stages.database.run(expiry.expire):
        pass
    api.clean()


def test_a_form_and_a_json_object_say_it_alike(person: Person) -> None:
    form = person.create(PHOTO, idempotency_key=None, **FOR_AN_HOUR, store="false").json()
    life = {"anchor": "created_at", "seconds": 3600}
    body = {"input_reference": LINK, "expires_after": life, "store": False}
    for video in (form, person.post("/v1/videos", json=body).json()):
        assert (video["expires_at"] - video["created_at"], video["store"]) == (3600, False)
        assert [stored["until"] for stored in video["stored"]] == [video["expires_at"]]
    plain = person.create().json()
    assert (plain["expires_at"], plain["store"]) == (None, True)


@pytest.mark.parametrize(
    "life",
    [
        599,
        365 * DAY,
        "3600",
        [],
        {},
        {"seconds": 3600},
        {"anchor": "created_at"},
        {"anchor": "completed_at", "seconds": 3600},
        {"anchor": None, "seconds": 3600},
        {"anchor": "created_at", "seconds": 3600, "more": 1},
        *(
            {"anchor": "created_at", "seconds": seconds}
            for seconds in (599, 365 * DAY + 1, -3600, 3600.5, True, None, "", "³600", "9" * 5000, [3600], 10**30)
        ),
    ],
)
def test_a_time_to_live_that_makes_no_sense_is_refused(life: Any) -> None:
    with pytest.raises(InvalidRequest) as refused:
        read_keeping({"expires_after": life}, RETENTION)
    assert refused.value.param == "expires_after"


@pytest.mark.parametrize("value", [0, 1, None, "", "no", "False", [], {}])
def test_to_store_is_yes_or_no(value: Any) -> None:
    with pytest.raises(InvalidRequest) as refused:
        read_keeping({"store": value}, RETENTION)
    assert refused.value.param == "store"


@pytest.mark.parametrize("seconds", [600, "600", 365 * DAY])
def test_the_bounds_themselves_are_accepted(seconds: int | str) -> None:
    fields = {"expires_after": {"anchor": "created_at", "seconds": seconds}, "other": 1}
    assert read_keeping(fields, RETENTION) == Keeping(True, timedelta(seconds=int(seconds)))
    assert fields == {"other": 1}


def test_what_is_refused_stores_nothing(api: Api, person: Person) -> None:
    before = api.snapshot()
    for fields in ({"expires_after": 3600}, {"store": "no"}):
        assert person.post("/v1/videos", json={"input_reference": LINK} | fields).status_code == 400
    assert (
        person.create(PHOTO, idempotency_key=None, **FOR_AN_HOUR | {"expires_after[seconds]": "1"}).status_code == 400
    )
    assert api.snapshot() == before


def test_a_form_cannot_say_it_twice_or_by_halves(person: Person) -> None:
    for fields in ({"expires_after": "x", **FOR_AN_HOUR}, {"expires_after[seconds]": "3600"}):
        assert person.create(PHOTO, idempotency_key=None, **fields).json()["error"]["param"] == "expires_after"


@pytest.mark.parametrize("other", [{"store": "false"}, FOR_AN_HOUR])
def test_the_same_key_with_another_life_is_refused(person: Person, other: dict[str, str]) -> None:
    person.create(idempotency_key="k")
    assert code(person.create(PHOTO, idempotency_key="k", **other)) == (422, "idempotency_key_reused")


def test_an_expired_video_is_refused_at_once_and_erased_soon(api: Api, person: Person, shift_clock: ShiftClock) -> None:
    job_id, kept = made(api, person, prompt="a heron", **FOR_AN_HOUR), made(api, person)
    path = f"/v1/videos/{job_id}"
    shift_clock(minutes=59)
    pass_away(api)
    assert person.get(f"{path}/content").content == VIDEO
    shift_clock(minutes=2)
    for variant in ("video", "thumbnail", "spritesheet"):
        assert code(person.get(f"{path}/content?variant={variant}")) == (410, "video_expired")
    assert person.get(path).json()["stored"] == []
    pass_away(api)
    video = person.get(path).json()
    assert (video["status"], video["prompt"], video["stored"]) == ("completed", "", [])
    assert not [key for key in api.snapshot().objects if job_id in key]
    assert api.world.transfers(job_id) == ["reserve", "settle"]
    assert person.get(f"/v1/videos/{kept}/content").content == VIDEO
    assert person.delete(path).status_code == 200
    assert person.get(path).status_code == 404


@pytest.mark.parametrize("reached", [Stage.INGESTION, Stage.GENERATION, Stage.PUBLISH])
def test_a_job_that_runs_at_its_end_is_stopped_and_not_charged(
    api: Api, person: Person, shift_clock: ShiftClock, reached: Stage
) -> None:
    job_id = person.created(**FOR_AN_HOUR)
    api.drive(job_id, until=lambda stage: stage is reached)
    shift_clock(hours=2)
    pass_away(api)
    video = person.get(f"/v1/videos/{job_id}").json()
    assert (video["status"], video["error"]["code"]) == ("cancelled", "video_expired")
    assert api.world.transfers(job_id) == ["reserve", "release"]
    assert api.snapshot().objects == frozenset()


def test_nothing_is_delivered_after_its_end_though_nobody_has_looked_yet(
    api: Api, person: Person, shift_clock: ShiftClock
) -> None:
    job_id = person.created(**FOR_AN_HOUR)
    lease = api.world.advance(api.world.claim()[0])
    shift_clock(hours=2)
    assert not api.world.run(lifecycle.complete, lease)
    assert api.world.read(job_id).error_code == "video_expired"
    assert api.world.transfers(job_id) == ["reserve", "release"]


def test_of_what_is_not_to_be_stored_the_input_goes_with_the_job(api: Api, person: Person) -> None:
    job_id = made(api, person, prompt="a heron", store="false")
    api.clean()
    video = person.get(f"/v1/videos/{job_id}").json()
    assert video["prompt"] == ""
    assert video["expires_at"] - video["completed_at"] in (3600, 3601)  # two instants, each cut to its second
    assert {stored["kind"] for stored in video["stored"]} == {"video", "thumbnail", "spritesheet"}
    assert not [key for key in api.snapshot().objects if key.startswith("input/")]


def test_the_first_whole_download_is_the_last(api: Api, person: Person) -> None:
    path = f"/v1/videos/{made(api, person, store='false')}"
    assert person.get(f"{path}/content?variant=thumbnail").content == THUMBNAIL
    assert person.call("HEAD", f"{path}/content").status_code == 405
    assert person.get(f"{path}/content", headers={"range": "bytes=0-99"}).status_code == 206
    assert person.get(f"{path}/content").content == VIDEO
    for variant in ("video", "thumbnail"):
        assert code(person.get(f"{path}/content?variant={variant}")) == (410, "video_delivered")
    api.clean()
    assert api.snapshot().objects == frozenset()
    assert person.get(path).json()["status"] == "completed"


def test_parts_that_together_are_the_whole_count_as_the_whole(api: Api, person: Person) -> None:
    path, size = f"/v1/videos/{made(api, person, store='false')}/content", len(VIDEO)
    for part in (f"{size // 2}-", "0-9", "0-1000000", "1000002-2000000", "5-1500000"):
        assert person.get(path, headers={"range": f"bytes={part}"}).status_code == 206
    assert code(person.get(path)) == (410, "video_delivered")


def test_a_hole_of_one_byte_is_no_whole(api: Api, person: Person) -> None:
    path, size = f"/v1/videos/{made(api, person, store='false')}/content", len(VIDEO)
    for part in ("0-999", f"1001-{size - 1}"):
        assert person.get(path, headers={"range": f"bytes={part}"}).status_code == 206
    assert person.get(path, headers={"range": "bytes=1000-1000"}).content == VIDEO[1000:1001]
    assert code(person.get(path)) == (410, "video_delivered")


def test_a_download_that_breaks_off_does_not_count(api: Api, person: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    path = f"/v1/videos/{made(api, person, store='false')}/content"
    answers = iter([True, True, True, False])
    with monkeypatch.context() as patched:
        patched.setattr(content, "still_allowed", lambda _, sendings: next(answers) and set(sendings))
        with pytest.raises(Aborted):
            person.get(path)
    assert person.get(path).content == VIDEO


def test_a_download_that_nobody_noted_leaves_the_video_to_its_hour(
    api: Api, person: Person, shift_clock: ShiftClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = f"/v1/videos/{made(api, person, store='false')}/content"

    def lost(*_: object) -> bool:
        raise ConnectionLost(code="database_lost")

    with monkeypatch.context() as patched:
        patched.setattr(expiry, "delivered", lost)
        assert person.get(path).content == VIDEO
    assert person.get(path, headers={"range": "bytes=0-9"}).content == VIDEO[:10]
    shift_clock(minutes=61)
    assert code(person.get(path)) == (410, "video_expired")
    pass_away(api)
    assert api.snapshot().objects == frozenset()


def test_its_own_time_to_live_may_be_shorter_than_the_hour(api: Api, person: Person, shift_clock: ShiftClock) -> None:
    life = FOR_AN_HOUR | {"expires_after[seconds]": "600"}
    job_id = made(api, person, store="false", **life)
    video = person.get(f"/v1/videos/{job_id}").json()
    assert video["expires_at"] - video["created_at"] == 600
    assert {stored["until"] for stored in video["stored"]} == {video["expires_at"]}


def test_a_failed_job_that_is_not_to_be_stored_keeps_no_words(api: Api, person: Person) -> None:
    job_id = person.created(prompt="a heron", store="false")
    assert person.post(f"/v1/videos/{job_id}/cancel").json()["prompt"] == ""
    assert code(person.get(f"/v1/videos/{job_id}/content")) == (409, "video_not_ready")


def test_the_tag_of_a_subject_goes_with_the_last_file(api: Api, person: Person, shift_clock: ShiftClock) -> None:
    job_id = made(api, person, subject="ada", **FOR_AN_HOUR)
    shift_clock(hours=2)
    pass_away(api)
    (row,) = api.world.sql("SELECT subject_lookup, erased_at FROM jobs WHERE id = :id", id=job_id)
    assert row.subject_lookup is None
    assert row.erased_at is not None
