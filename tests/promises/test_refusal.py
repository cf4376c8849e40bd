"""Whoever refuses or withdraws loses nothing else, is treated like everybody, and is shown another way."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.api import VIDEO, Api, Person
from tests.promises._people import answer, version_of
from tests.promises.test_gate import EVERY_EXAMPLE_ANEW
from tests.world import SHARE

PURPOSES = ("face_processing", "model_improvement", "analytics", "marketing_reference", SHARE)
HISTORIES = st.lists(st.tuples(st.sampled_from(PURPOSES), st.booleans()), max_size=4)


def downloads(person: Person, video: str) -> bool:
    """Whether a finished video is there in full."""
    content = person.get(f"/v1/videos/{video}/content")
    return bool(content.status_code == 200 and content.content == VIDEO)


@pytest.mark.promise("P68")
def test_withdrawing_a_share_leaves_everything_else_as_it_was(api: Api, person: Person) -> None:
    finished = person.created()
    api.drive(finished)
    answer(person, SHARE, True)
    waiting = person.created()
    assert answer(person, SHARE, False).json()["stopped_jobs"] == []
    assert person.login().get("/v1/me").status_code == 200
    assert [video["id"] for video in person.get("/v1/videos").json()["data"]] == [waiting, finished]
    assert downloads(person, finished)
    api.drive(waiting)
    assert person.get(f"/v1/videos/{waiting}").json()["status"] == "completed"
    assert person.create().status_code == 200
    assert person.delete(f"/v1/videos/{finished}").status_code == 200


@pytest.mark.promise("P107")
def test_the_default_model_asks_for_no_consent(api: Api, person: Person) -> None:
    assert {one["state"] for one in person.get("/v1/consents").json()["data"]} == {"unset"}
    made = person.create()
    assert made.status_code == 200, made.text
    api.drive(made.json()["id"])
    assert downloads(person, made.json()["id"])
    assert person.get("/v1/credits").json()["available"] == 1000 - made.json()["price"] < 1000
    assert not person.get("/v1/consents").json()["history"]


@pytest.mark.promise("P113")
def test_a_refusal_names_a_model_that_works_at_once(person: Person) -> None:
    refused = person.create(model="elsewhere").json()["error"]
    offered = [alternative["model"] for alternative in refused["alternatives"]]
    assert "default" in offered
    for model in offered:
        assert person.create(model=model).status_code == 200


@pytest.mark.promise("P112")
def test_a_no_takes_no_more_than_a_yes_and_nothing_at_all_is_a_no_too(person: Person) -> None:
    refused = person.create(model="elsewhere")
    assert refused.status_code == 403
    assert [alternative["model"] for alternative in refused.json()["error"]["alternatives"]] == ["default"]
    assert person.create(model="default").status_code == 200
    asked = refused.json()["error"]["answer_with"]
    login = person.login()
    for granted in (False, True, False):
        assert login.post(asked["path"], json=asked["body"] | {"granted": granted}).status_code == 201
    assert person.create(model="default").status_code == 200


@pytest.mark.promise("P112")
def test_nothing_is_agreed_to_until_somebody_says_so(person: Person) -> None:
    silent = {"purpose": SHARE, "notice_version": version_of(person, SHARE)}
    assert person.login().post("/v1/consents", json=silent).status_code == 400
    standing = person.get("/v1/consents").json()
    assert ({one["state"] for one in standing["data"]}, standing["history"]) == ({"unset"}, [])


@pytest.mark.promise("P98")
@EVERY_EXAMPLE_ANEW
@given(history=HISTORIES)
def test_price_limit_and_rank_do_not_depend_on_consents(api: Api, history: list[tuple[str, bool]]) -> None:
    somebody, neutral = api.person(), api.person()
    for purpose, granted in [("ai_processing", True), *history, (SHARE, False)]:
        assert answer(somebody, purpose, granted).status_code == 201
    before = neutral.create()
    of_somebody = somebody.create()
    assert (before.status_code, of_somebody.status_code) == (200, 200), of_somebody.text
    after = neutral.create()
    assert {made.json()["price"] for made in (before, of_somebody, after)} == {before.json()["price"]}
    in_order = [made.json()["id"] for made in (before, of_somebody, after)]
    assert [lease.job_id for lease in api.world.claim() if lease.job_id in in_order] == in_order
