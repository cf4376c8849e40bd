"""Where data go is said before and after."""

import pytest

from tests.api import Api, Person
from tests.promises._people import answer
from tests.world import SHARE

SAID = ("recipient", "country", "purpose", "sentence")


@pytest.mark.promise("P69")
def test_every_model_says_who_gets_what_where_and_why(api: Api) -> None:
    models = api.client.get("/v1/models").json()["data"]
    assert {model["id"] for model in models} == set(api.services.catalogue.models)
    for model in models:
        one = api.client.get(f"/v1/models/{model['id']}").json()
        assert one == model
        assert all(model["disclosure"][name] for name in SAID), model["id"]
        assert isinstance(model["disclosure"]["data"], list)
        shares = [purpose for purpose in model["purposes"] if purpose.startswith("share:")]
        assert bool(shares) == (model["disclosure"]["recipient"] != "none") == bool(model["disclosure"]["data"])


@pytest.mark.promise("P69")
@pytest.mark.parametrize("model", ["default", "elsewhere"])
def test_every_job_says_it_too(api: Api, person: Person, model: str) -> None:
    answer(person, SHARE, True)
    made = person.create(model=model).json()
    declared = api.services.catalogue.models[model].disclosure.model_dump(mode="json")
    assert made["disclosure"] == declared
    assert all(declared[name] for name in SAID)
    assert person.get(f"/v1/videos/{made['id']}").json()["disclosure"] == declared
    assert [video["disclosure"] for video in person.get("/v1/videos").json()["data"]] == [declared]
