"""The service without an account, without details, without cookies; and what everybody is told before."""

from typing import Any

import pytest

from cluster.privacy import terms
from cluster.privacy.notices import NoticeError
from cluster.settings import configs_folder
from tests.api import Api, Person

DETAILS = {"name": "Zephyrina Quux", "email": "z@quux.example", "company": "Quux & Sons"}


def whole_way(api: Api, person: Person) -> dict[str, Any]:
    """Make, watch, list, download and delete a video; what was seen of it that does not depend on who asks."""
    job_id = person.created(seconds="2")
    api.drive(job_id)
    shown = person.get(f"/v1/videos/{job_id}").json()
    content = person.get(f"/v1/videos/{job_id}/content").content
    listed = len(person.get("/v1/videos").json()["data"])
    deleted = person.delete(f"/v1/videos/{job_id}").json()["deleted"]
    kept = {name: shown[name] for name in ("status", "price", "size", "seconds", "disclosure")}
    return kept | {"bytes": len(content), "listed": listed, "deleted": deleted}


def guest_of(api: Api) -> Person:
    """A new guest."""
    begun = api.client.post("/v1/guests")
    assert begun.status_code == 201, begun.text
    api.client.cookies.clear()
    return Person(api.client, begun.json()["account_id"], begun.json()["token"])


@pytest.mark.promise("P115")
def test_a_guest_has_every_feature_of_the_default_model(api: Api) -> None:
    assert whole_way(api, guest_of(api)) == whole_way(api, api.person())


@pytest.mark.promise("P117", "P118", "P125")
def test_leaving_every_detail_out_costs_no_feature(api: Api) -> None:
    person, detailed = api.person(), api.person(**DETAILS, password="a heron over the lake")
    assert whole_way(api, person) == whole_way(api, detailed)
    for asked in ("/v1/credits", "/v1/models", "/v1/consents", "/v1/api-keys"):
        assert person.get(asked).status_code == detailed.get(asked).status_code == 200
    assert person.get("/v1/credits").json()["available"] == detailed.get("/v1/credits").json()["available"]


@pytest.mark.promise("P17")
def test_a_client_that_refuses_cookies_logs_in_and_does_everything(api: Api) -> None:
    login = {"email": "z@quux.example", "password": "a heron over the lake"}
    made = api.client.post("/v1/accounts", json=login).json()
    client = api.at("192.0.2.7")
    begun = client.post("/v1/sessions", json=login)
    client.cookies.clear()
    person = Person(client, made["account_id"], begun.json()["token"])
    whole_way(api, person)
    for path in ("/v1/me", "/v1/consents", "/v1/access-history", "/v1/api-keys"):
        answer = person.get(path)
        assert answer.status_code == 200
        assert not answer.cookies
    notice = next(n for n in client.get("/v1/notices").json()["data"] if n["purpose"] == "analytics")
    body = {"purpose": "analytics", "notice_version": notice["version"], "granted": True}
    assert person.post("/v1/consents", json=body).status_code == 201
    assert person.delete("/v1/sessions").json()["deleted"] is True


@pytest.mark.promise("P146")
def test_everybody_is_told_that_uploads_are_scanned(api: Api) -> None:
    told = api.client.get("/v1/terms").json()
    texts = [told["sign_up"], told["guest"]]
    texts += [api.client.post(path).json()["terms"] for path in ("/v1/accounts", "/v1/guests")]
    assert len({text["version"] for text in texts}) == 2
    assert all(terms.SCANNING in " ".join(text["text"].split()) for text in texts)
    rows = api.world.sql("SELECT terms_version FROM accounts ORDER BY created_at")
    assert [row.terms_version for row in rows] == [told["sign_up"]["version"], told["guest"]["version"]]


@pytest.mark.promise("P146")
@pytest.mark.parametrize("audience", terms.Audience)
def test_a_text_that_does_not_say_so_is_not_published(audience: terms.Audience) -> None:
    published = (configs_folder() / "terms" / f"{audience}.md").read_text()
    assert terms.read(published).version
    with pytest.raises(NoticeError):
        terms.read(published.replace("scanned", "stored"))
