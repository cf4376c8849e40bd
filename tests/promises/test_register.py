"""Third parties: assessed, bound, on record, listed for everybody, and asked about with all that is to be known."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from cluster import clock
from cluster.privacy import infrastructure
from cluster.privacy.obstacles import obstacle
from cluster.privacy.purposes import share_purpose
from cluster.privacy.share_notices import share_notice
from cluster.settings import Recipients, SettingsError
from serve.catalogue import read
from serve.ingress.services import Services, published_notices
from tests.api import Api, Person
from tests.recipients import agreement, in_use, recipient, register
from tests.unit.ingress.test_policy import without_tags

DAY = timedelta(days=1)
EXCEPTION = {"reason": "The owner has asked for it in writing.", "shown": "Kling AI keeps what you send for 30 days."}


def papers(until: date) -> dict[str, Any]:
    return agreement(until) | {"exception": EXCEPTION}


@pytest.fixture
def services(services: Services) -> Services:
    """An ingress of an installation that uses Kling; the papers end today."""
    used = register(in_use("kling", agreement=papers(clock.now().date())))
    return replace(services, register=used, catalogue=read(used))


def refused(person: Person, model: str = "kling-v3") -> dict[str, Any]:
    answer = person.create(b"no photo: it is not looked at", model=model)
    assert answer.status_code in (400, 403), answer.text
    return dict(answer.json()["error"])


def after(api: Api, paper: str) -> Services:
    """The same installation, one paper of which ended yesterday."""
    old = papers(clock.now().date())
    old[paper] |= {"expires": clock.now().date() - DAY}
    return replace(api.services, catalogue=read(register(in_use("kling", agreement=old))))


@pytest.mark.promise("P60", "P61")
@pytest.mark.parametrize("paper", ["assessment", "contract"])
def test_who_is_not_assessed_or_not_bound_any_more_gets_nothing(api: Api, person: Person, paper: str) -> None:
    assert refused(person)["code"] != "recipient_unavailable"
    api.client.app.state.services = after(api, paper)  # type: ignore[attr-defined]  # the client is typed for any ASGI application
    before = api.snapshot()
    error = refused(person)
    assert (error["code"], error.get("reason")) == ("recipient_unavailable", f"{paper}_expired")
    assert api.snapshot() == before
    assert person.create().status_code == 200


@pytest.mark.promise("P33")
def test_data_lie_with_nobody_who_is_not_listed(api: Api) -> None:
    laptop = api.services.resources.settings
    objects = laptop.objects.model_copy(update={"url": "s3://bucket", "s3_region": "eu-west-1"})
    production = laptop.model_copy(update={"profile": "production", "objects": objects})
    aws = Recipients(in_use=in_use("aws", region="eu-west-1"))
    infrastructure.check(production.model_copy(update={"recipients": aws}))
    listed = {one["id"] for one in api.client.get("/v1/subprocessors").json()["data"] if one["in_use"]}
    assert "aws" not in listed
    with pytest.raises(SettingsError, match=r"objects\.url"):
        infrastructure.check(production)


@pytest.mark.promise("P76")
@pytest.mark.parametrize("missing", ["contract", "assessment", "mechanism"])
def test_whatever_is_not_on_record_keeps_a_recipient_from_being_used(missing: str) -> None:
    today = clock.now().date()
    whole = papers(today)
    for profile in ("laptop", "production"):
        used = recipient("kling", agreement=whole)
        assert obstacle(used, "kling-v3", today=today, profile=profile) is None
        used = recipient("kling", agreement={name: paper for name, paper in whole.items() if name != missing})
        assert obstacle(used, "kling-v3", today=today, profile=profile) is not None


@pytest.mark.promise("P71")
def test_who_keeps_copies_is_off_in_production_unless_that_is_recorded_and_told() -> None:
    today = clock.now().date()
    silent, told = recipient("kling", agreement=agreement(today)), recipient("kling", agreement=papers(today))
    assert obstacle(silent, "kling-v3", today=today, profile="production") is not None
    assert obstacle(told, "kling-v3", today=today, profile="production") is None


@pytest.mark.promise("P81")
def test_everybody_finds_the_whole_list_of_subprocessors(api: Api) -> None:
    listed = {one["id"]: one for one in api.client.get("/v1/subprocessors").json()["data"]}
    page = without_tags(api.client.get("/v1/subprocessors", headers={"accept": "text/html"}).text)
    assert listed.keys() == register().recipients.keys()
    assert listed["kling"]["in_use"] is True
    for one in listed.values():
        assert all(one[name] for name in ("legal_name", "role", "when", "purpose", "country", "data", "copies"))
        assert all(one[name] in page for name in ("legal_name", "country", "when"))


@pytest.mark.promise("P114")
def test_every_purpose_of_a_model_that_can_be_had_has_its_text(api: Api) -> None:
    notices = api.await_(published_notices, api.services.resources.database, api.services.register)
    models = api.client.get("/v1/models").json()["data"]
    asked = {purpose for model in models if model["available"] for purpose in model["purposes"]}
    assert asked == {"ai_processing", share_purpose("kling")}
    assert {purpose for purpose in asked if purpose not in notices} == set()


@pytest.mark.promise("P106")
def test_the_notice_says_what_who_where_how_long_and_how_to_take_it_back(api: Api) -> None:
    kling = api.services.register.recipients["kling"]
    notice = share_notice(kling)
    assert (notice.recipient, notice.country) == (kling.company, kling.country)
    wanted = [*notice.data, kling.company, kling.country, kling.purpose, "30 days", EXCEPTION["shown"]]
    wanted += [*kling.copies.cannot_be_deleted, "POST /v1/consents", "not to train", "`default`"]
    assert [words for words in wanted if words not in notice.text] == []
