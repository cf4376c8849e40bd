"""`/v1/privacy/disclosures`: empty for as long as nothing left, and otherwise the record itself."""

import pytest

from cluster.records import disclosures
from cluster.records.disclosures import Sending
from tests.api import Api, Person
from tests.world import SHARE, subject_of


def test_the_default_model_discloses_nothing(api: Api, person: Person) -> None:
    api.drive(person.created())
    assert person.get("/v1/privacy/disclosures").json() == {"object": "list", "data": [], "has_more": False}


def test_what_left_is_shown_to_its_owner_alone(api: Api, person: Person) -> None:
    owner = person.login()
    version = next(one["version"] for one in person.get("/v1/notices").json()["data"] if one["purpose"] == SHARE)
    owner.post("/v1/consents", json={"purpose": SHARE, "notice_version": version, "granted": True})
    job = api.world.read(person.created(model="elsewhere"))
    sending = Sending("elsewhere", "Atlantis", ["photos"], b"four")
    api.world.run(disclosures.record, api.world.keys, subject_of(job), sending, {SHARE: version})
    (shown,) = person.get("/v1/privacy/disclosures").json()["data"]
    assert (shown["video_id"], shown["recipient"], shown["country"], shown["bytes"]) == (
        job.id,
        "elsewhere",
        "Atlantis",
        4,
    )
    assert (shown["categories"], shown["notice_version"]) == (["photos"], version)
    assert api.person().get("/v1/privacy/disclosures").json()["data"] == []


@pytest.mark.parametrize("query", ["after=0", "after=x", "after=99999999999999999999", "limit=0", "limit=101"])
def test_wrong_pages_are_refused(person: Person, query: str) -> None:
    assert person.get(f"/v1/privacy/disclosures?{query}").status_code == 400
