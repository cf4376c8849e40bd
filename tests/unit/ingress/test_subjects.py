"""Subject tags: a platform finds and erases the videos of one of its own users, and of nobody else's."""

import base64
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import quote

import pytest

from cluster.records import subjects
from tests.api import PHOTO, Api, Person

SUBJECT = "user-zephyrina"
NOTHING = {"object": "subject.deleted", "deleted": True, "videos": 0}


def erase(person: Person, subject: str) -> Any:
    return person.delete(f"/v1/subjects/{quote(subject, safe='')}")


def listed(person: Person, **query: str) -> list[str]:
    return [video["id"] for video in person.get("/v1/videos", params=query).json()["data"]]


def as_json(person: Person, subject: str) -> str:
    url = "data:image/jpeg;base64," + base64.b64encode(PHOTO).decode()
    return str(person.post("/v1/videos", json={"subject": subject, "input_reference": {"image_url": url}}).json()["id"])


def lookups(api: Api) -> list[bytes | None]:
    return [row.subject_lookup for row in api.world.sql("SELECT subject_lookup FROM jobs ORDER BY id")]


def test_videos_are_found_by_subject_and_do_not_show_it(api: Api, person: Person) -> None:
    tagged = {person.created(subject=SUBJECT), as_json(person, SUBJECT)}
    other, untagged = person.created(subject=SUBJECT + "2"), person.created()
    assert set(listed(person, subject=SUBJECT)) == tagged
    assert listed(person, subject=SUBJECT + "2") == [other]
    assert listed(person, subject="nobody") == []
    assert set(listed(person)) == {*tagged, other, untagged}
    assert SUBJECT not in person.get("/v1/videos").text
    page = person.get("/v1/videos", params={"subject": SUBJECT, "limit": "1"}).json()
    assert (len(page["data"]), page["has_more"]) == (1, True)


def test_the_same_subject_of_another_account_is_another(api: Api, person: Person) -> None:
    other = api.person()
    mine, theirs = person.created(subject=SUBJECT), other.created(subject=SUBJECT)
    assert len(set(lookups(api))) == 2
    assert (listed(person, subject=SUBJECT), listed(other, subject=SUBJECT)) == ([mine], [theirs])
    assert erase(other, SUBJECT).json()["videos"] == 1
    assert person.get(f"/v1/videos/{mine}").status_code == 200


def test_erasing_a_subject_stops_and_erases_everything_of_it_and_nothing_else(api: Api, person: Person) -> None:
    finished, running = person.created(subject=SUBJECT), person.created(subject=SUBJECT)
    api.drive(finished)
    kept = person.created(prompt="of somebody else")
    queued = person.created(subject=SUBJECT)
    answer = erase(person, SUBJECT)
    assert (answer.status_code, answer.json()) == (200, NOTHING | {"videos": 3})
    for job_id in (finished, running, queued):
        assert person.get(f"/v1/videos/{job_id}").status_code == 404
        assert not [key for key in api.snapshot().objects if job_id in key]
    assert listed(person) == [kept]
    assert len(api.snapshot().objects) == 1
    assert lookups(api) == [None] * 4
    assert [lease.job_id for lease in api.world.claim()] == [kept]
    assert api.world.transfers(queued) == ["reserve", "release"]


def test_repeating_it_is_harmless_and_an_unknown_subject_is_like_an_erased_one(api: Api, person: Person) -> None:
    person.created(subject=SUBJECT)
    theirs = api.person()
    theirs.created(subject="theirs")
    erase(person, SUBJECT)
    before = api.snapshot()
    again, unknown, foreign = (erase(person, subject) for subject in (SUBJECT, "nobody", "theirs"))
    assert again.json() == NOTHING
    assert again.content == unknown.content == foreign.content
    assert again.status_code == unknown.status_code == foreign.status_code == 200
    assert api.snapshot() == before


@pytest.mark.parametrize("first", ["subject", "video"])
def test_what_could_not_be_erased_is_not_called_deleted_however_often_one_asks(
    api: Api, person: Person, first: str
) -> None:
    job_id = person.created(subject=SUBJECT)
    folder = api.services.resources.settings.data.folder / "objects"
    hidden = folder.with_name("elsewhere")
    folder.rename(hidden)
    if first == "video":
        assert person.delete(f"/v1/videos/{job_id}").status_code == 503
    for _ in range(2):
        refused = erase(person, SUBJECT)
        assert (refused.status_code, refused.json()["error"]["code"]) == (503, "unavailable")
    assert listed(person) == []
    hidden.rename(folder)
    assert len(api.snapshot().objects) == 1
    assert erase(person, SUBJECT).json() == NOTHING
    assert api.snapshot().objects == frozenset()
    assert lookups(api) == [None]


@pytest.mark.parametrize(
    "subject", ["a b", "tenant/user", "a//b/", "/a", "é☀", "100%", "x" * 200, "a?b#c", "...", "\x00", "../../healthz"]
)
def test_any_name_can_be_erased_by_its_url(person: Person, subject: str) -> None:
    job_id = as_json(person, subject)
    assert listed(person, subject=subject) == [job_id]
    assert erase(person, subject).json()["videos"] == 1


@pytest.mark.parametrize("path", ["/v1/subjects/" + "x" * 201, "/v1/subjects/", "/v1/subjects/%2E%2E"])
def test_what_is_no_subject_is_refused(api: Api, person: Person, path: str) -> None:
    person.created(subject=SUBJECT)
    before = api.snapshot()
    refused = person.delete(path)
    assert (refused.status_code, refused.json()["error"]["param"]) == (400, "subject")
    assert api.client.delete(path).status_code == 401
    assert api.snapshot() == before


@pytest.mark.parametrize("query", ["subject=", "subject=" + "x" * 201])
def test_what_is_no_subject_finds_nothing(person: Person, query: str) -> None:
    refused = person.get(f"/v1/videos?{query}")
    assert (refused.status_code, refused.json()["error"]["param"]) == (400, "subject")


def test_more_videos_than_one_transaction_takes_are_erased(api: Api, person: Person) -> None:
    hashed = subjects.lookup(api.world.keys, person.account_id, SUBJECT)
    for _ in range(60):
        api.world.job(person.account_id, price=0, subject_lookup=hashed)
    assert erase(person, SUBJECT).json()["videos"] == 60
    assert listed(person) == []


def test_what_is_created_while_a_subject_is_erased_is_whole_or_gone(api: Api, person: Person) -> None:
    with ThreadPoolExecutor(8) as threads:
        creating = [threads.submit(person.create, subject=SUBJECT) for _ in range(12)]
        erasing = [threads.submit(erase, person, SUBJECT) for _ in range(4)]
        assert {made.result().status_code for made in erasing} == {200}
        created = [made.result() for made in creating]
    assert {made.status_code for made in created} <= {200, 404}
    api.assert_sound()
    left = listed(person, subject=SUBJECT)
    assert len(api.snapshot().objects) == len(left)
    assert erase(person, SUBJECT).json()["videos"] == len(left)
    assert api.snapshot().objects == frozenset()
