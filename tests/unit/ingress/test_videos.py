"""Reading, listing, cancelling and deleting videos: everybody's own, and nobody else's."""

import time
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import pytest

from cluster.ids import new_id
from cluster.records.job_states import Stage
from serve.stage import Rejected, StageRun
from tests.api import WORK, Api, Person

OURS = [stage.value for stage in WORK if stage not in (Stage.DELEGATION, Stage.RECEPTION)]

GONE = ("video_0", "video_" + "0" * 26, "video_" + "i" * 26, "%00", "x%00y", "..%2f..", "%F0%9F%8E%AC", "a" * 2000)


def every_route(person: Person, video_id: str) -> dict[str, Any]:
    path = f"/v1/videos/{video_id}"
    return {
        "retrieve": person.get(path),
        "content": person.get(f"{path}/content"),
        "events": person.get(f"{path}/events"),
        "cancel": person.post(f"{path}/cancel"),
        "delete": person.delete(path),
    }


@pytest.mark.parametrize("name", GONE)
def test_an_unknown_video_is_not_found(person: Person, name: str) -> None:
    for answer in every_route(person, name).values():
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")


def test_another_account_s_video_is_like_none(api: Api, person: Person) -> None:
    job_id, other = person.created(prompt="mine"), api.person()
    api.drive(job_id)
    before = api.snapshot()
    answers, unknown = every_route(other, job_id), every_route(other, new_id("video"))
    for route, answer in answers.items():
        assert answer.status_code == 404
        assert answer.json() == unknown[route].json()
    assert other.get("/v1/videos").json()["data"] == []
    assert api.snapshot() == before
    assert person.get(f"/v1/videos/{job_id}").json()["status"] == "completed"


def test_a_finished_video_says_what_was_made_and_kept(api: Api, person: Person) -> None:
    job_id = person.created(prompt="mine")
    api.drive(job_id)
    video = person.get(f"/v1/videos/{job_id}").json()
    assert (video["status"], video["progress"], video["attempts"], video["stage"]) == ("completed", 100, 1, None)
    assert video["layers"] == ["background", "subject"]
    assert [kept["kind"] for kept in video["stored"]] == ["input", "video", "thumbnail", "spritesheet"]
    assert all(kept["promise"] and kept["until"] for kept in video["stored"])
    assert person.get("/v1/credits").json()["reserved"] == 0
    assert api.world.transfers(job_id) == ["reserve", "settle"]
    api.clean()
    assert not [key for key in api.snapshot().objects if key.startswith("upload/")]


def test_progress_rises_from_stage_to_stage(api: Api, person: Person) -> None:
    job_id = person.created()
    seen = [person.get(f"/v1/videos/{job_id}").json()]

    def looking(run: StageRun) -> Mapping[str, Any]:
        seen.append(person.get(f"/v1/videos/{job_id}").json())
        run.on_step(1, 2)
        run.beat()
        seen.append(person.get(f"/v1/videos/{job_id}").json())
        return WORK[Stage(run.lease.stage)](run)

    api.drive(job_id, dict.fromkeys(WORK, looking))
    seen.append(person.get(f"/v1/videos/{job_id}").json())
    assert [video["status"] for video in seen] == ["queued", *["in_progress"] * 8, "completed"]
    assert all(before["progress"] <= after["progress"] for before, after in pairwise(seen))
    assert len({video["progress"] for video in seen}) >= 7
    assert [video["stage"] for video in seen[1:9:2]] == OURS


@pytest.mark.parametrize("code", ["moderation_input", "invalid_input"])
def test_a_failed_video_is_an_ordinary_answer_and_costs_nothing(api: Api, person: Person, code: str) -> None:
    def reject(_: StageRun) -> Mapping[str, Any]:
        raise Rejected(code)

    job_id = person.created()
    api.drive(job_id, WORK | {Stage.INPUT_SCREENING: reject})
    answer = person.get(f"/v1/videos/{job_id}")
    assert answer.status_code == 200
    assert (answer.json()["status"], answer.json()["error"]["code"]) == ("failed", code)
    assert "Nothing was charged" in answer.json()["error"]["message"] or code == "invalid_input"
    assert answer.json()["stored"] == []
    assert api.world.transfers(job_id) == ["reserve", "release"]
    assert person.get(f"/v1/videos/{job_id}/content").json()["error"]["code"] == "video_not_ready"
    api.clean()
    assert api.snapshot().objects == frozenset()


def test_cancelling_is_final(api: Api, person: Person) -> None:
    job_id = person.created()
    answer = person.post(f"/v1/videos/{job_id}/cancel").json()
    assert (answer["status"], answer["error"]["code"]) == ("cancelled", "cancelled_by_user")
    again = person.post(f"/v1/videos/{job_id}/cancel")
    assert (again.status_code, again.headers["x-should-retry"]) == (409, "false")
    assert api.world.claim() == []
    assert api.world.transfers(job_id) == ["reserve", "release"]


def test_deleting_answers_when_the_files_are_gone(api: Api, person: Person) -> None:
    kept, job_id = person.created(), person.created(prompt="gone")
    api.drive(job_id)
    assert person.delete(f"/v1/videos/{job_id}").json() == {"id": job_id, "object": "video.deleted", "deleted": True}
    assert not [key for key in api.snapshot().objects if job_id in key]
    assert all(answer.status_code == 404 for answer in every_route(person, job_id).values())
    assert [video["id"] for video in person.get("/v1/videos").json()["data"]] == [kept]


def test_what_could_not_be_erased_is_not_called_deleted(api: Api, person: Person) -> None:
    job_id = person.created()
    folder = api.services.resources.settings.data.folder / "objects"
    hidden = folder.with_name("elsewhere")
    folder.rename(hidden)
    refused = person.delete(f"/v1/videos/{job_id}")
    assert (refused.status_code, refused.json()["error"]["code"]) == (503, "unavailable")
    assert person.get(f"/v1/videos/{job_id}").status_code == 404
    hidden.rename(folder)
    assert len(api.snapshot().objects) == 1
    api.clean()
    assert api.snapshot().objects == frozenset()


def test_pages_hold_every_video_once_in_either_order(api: Api, person: Person) -> None:
    made = []
    for _ in range(5):
        made.append(person.created())
        time.sleep(0.002)
    for order, expected in (("asc", made), ("desc", made[::-1])):
        seen: list[str] = []
        after: dict[str, str] = {}
        more = True
        while more:
            page = person.get("/v1/videos", params={"limit": 2, "order": order} | after).json()
            seen += [video["id"] for video in page["data"]]
            assert (page["first_id"], page["last_id"]) == (page["data"][0]["id"], page["data"][-1]["id"])
            more, after = page["has_more"], {"after": page["last_id"]}
        assert seen == expected
    assert [video["id"] for video in person.get("/v1/videos").json()["data"]] == made[::-1]


def test_an_empty_page_is_a_page(person: Person) -> None:
    expected: dict[str, Any] = {"object": "list", "data": [], "first_id": None, "last_id": None, "has_more": False}
    assert person.get("/v1/videos").json() == expected


def test_a_cursor_of_another_account_shows_nothing_of_it(api: Api, person: Person) -> None:
    own, stranger = person.created(), api.person()
    cursor, last = stranger.created(), person.created()
    for order, expected in (("asc", [last]), ("desc", [own])):
        page = person.get("/v1/videos", params={"after": cursor, "order": order}).json()
        assert [video["id"] for video in page["data"]] == expected
        assert cursor not in str(page)


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ("after=x", "after"),
        ("after=%00", "after"),
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("limit=x", "limit"),
        ("order=random", "order"),
    ],
)
def test_a_bad_page_is_refused(person: Person, query: str, param: str) -> None:
    answer = person.get(f"/v1/videos?{query}")
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)
