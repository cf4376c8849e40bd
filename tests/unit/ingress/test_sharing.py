"""Beyond consent: who is in the photo agrees, nobody's own name goes along unnoticed, and nothing of a minor's goes."""

from typing import Any

import pytest

from cluster.records import breakers, lifecycle
from tests.api import PHOTO, Api, Person
from tests.fixtures_cluster import ShiftClock
from tests.promises._people import answer
from tests.world import SHARE

AGREED = {"model": "elsewhere", "people_agree": "true"}


@pytest.fixture
def somebody(api: Api) -> Person:
    """Somebody with a name, who has agreed to share."""
    person = api.person(name="Zoë van der Meer", email="zoe@meer.example")
    answer(person, SHARE, True)
    return person


def test_a_recipient_that_fails_gets_nobodys_photo(api: Api, somebody: Person, shift_clock: ShiftClock) -> None:
    api.world.run(breakers.failed, "elsewhere", everybody=True)
    before = api.snapshot()
    refused = create(somebody, **AGREED)
    error = refused.json()["error"]
    assert (refused.status_code, error["code"], error["param"]) == (503, "recipient_failing", "model")
    assert error["alternatives"][0]["model"] == "default"
    assert 0 < int(refused.headers["retry-after-ms"]) <= 60_000
    assert api.snapshot() == before
    shift_clock(seconds=61)
    assert create(somebody, **AGREED).status_code == 200


def create(person: Person, **fields: str) -> Any:
    return person.post("/v1/videos", data=fields, files={"input_reference": ("upload", PHOTO)})


def refused_for(api: Api, person: Person, **fields: str) -> str:
    """The code of a refusal that stored nothing."""
    before = api.snapshot()
    answered = create(person, **fields)
    assert answered.status_code == 403, answered.text
    assert "zoë" not in answered.text.lower()
    assert api.snapshot() == before
    return str(answered.json()["error"]["code"])


def test_nobody_said_that_the_people_agree(api: Api, somebody: Person) -> None:
    assert refused_for(api, somebody, model="elsewhere") == "attestation_required"
    assert refused_for(api, somebody, model="elsewhere", people_agree="false") == "attestation_required"
    made = create(somebody, **AGREED)
    assert made.status_code == 200
    (row,) = api.world.sql("SELECT consent_snapshot FROM jobs")
    assert row.consent_snapshot["people_in_the_photo"] == {"state": "agree"}


@pytest.mark.parametrize(
    "prompt",
    [
        "Zoë van der Meer waves",
        "a wave for ZOE\u0308",
        "by van\u200b der Meer, in oil",
        "write to Zoe@Meer.example",
        "call +31 (0)20 123-4567 now",
        "0201234567",
    ],
)
def test_a_prompt_that_names_its_author_is_refused_until_they_mean_it(api: Api, somebody: Person, prompt: str) -> None:
    assert refused_for(api, somebody, prompt=prompt, **AGREED) == "personal_text"
    assert create(somebody, prompt=prompt, confirm_personal_text="true", **AGREED).status_code == 200
    assert create(somebody, prompt=prompt).status_code == 200


@pytest.mark.parametrize(
    "prompt", ["a meerkat on a dune", "zoetrope, 1834", "24 frames at 1280x720, f/2.8", "in 2026, 100% slower", ""]
)
def test_other_words_pass(somebody: Person, prompt: str) -> None:
    assert create(somebody, prompt=prompt, **AGREED).status_code == 200


def test_an_answer_that_is_no_boolean_is_refused(somebody: Person) -> None:
    for name in ("people_agree", "confirm_personal_text"):
        refused = create(somebody, **{name: "perhaps"})
        assert (refused.status_code, refused.json()["error"]["param"]) == (400, name)


@pytest.mark.promise("P126")
def test_nothing_of_a_known_minor_goes_to_a_third_party(api: Api, somebody: Person) -> None:
    shared, own = somebody.created(model="elsewhere"), somebody.created()
    assert api.world.run(lifecycle.set_known_minor, somebody.account_id, True)
    assert somebody.get(f"/v1/videos/{shared}").json()["error"]["code"] == "not_for_minors"
    assert refused_for(api, somebody, **AGREED) == "not_for_minors"
    api.drive(own)
    assert somebody.get(f"/v1/videos/{own}").json()["status"] == "completed"
    assert api.world.run(lifecycle.set_known_minor, somebody.account_id, False)
    assert create(somebody, **AGREED).status_code == 200
