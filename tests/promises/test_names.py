"""Name, e-mail and company stay in the account: no job, no log and nothing that leaves knows them."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from cluster import telemetry
from cluster.cli import inventory
from cluster.privacy import data_map
from cluster.privacy.data_map import Place, PlaceKind
from cluster.privacy.data_map_check import problems
from serve.egress.webhooks import WebhookChannel
from tests.api import Api, Person
from tests.outside import Outside
from tests.promises.test_sealing import dump
from tests.scan import encodings

NAME, EMAIL, COMPANY = "Zq7 Zephyrina", "zq7-zephyrina@quux.example", "Zq7 Quux and Sons"
CANARIES = (NAME, EMAIL, COMPANY)


@pytest.fixture
def somebody(api: Api) -> Person:
    """Somebody of whom everything is known that can be known."""
    return api.person(name=NAME, email=EMAIL, company=COMPANY)


def shows(content: bytes) -> list[str]:
    """The canaries that lie in it, in whatever form."""
    return [canary for canary in CANARIES if any(form in content for form in encodings(canary).values())]


@pytest.mark.promise("P5")
def test_neither_jobs_nor_logs_know_who_somebody_is(
    api: Api, somebody: Person, capfd: pytest.CaptureFixture[str]
) -> None:
    job_id = somebody.created(prompt="a calm morning")
    api.drive(job_id)
    shown = somebody.get(f"/v1/videos/{job_id}").content
    assert shows(somebody.get("/v1/me").content) == list(CANARIES)
    somebody.create(b"no photo")
    telemetry.log("canary_planted", job_id=job_id)
    written = capfd.readouterr()
    assert "canary_planted" in written.err
    assert shows(api.world.run(dump)) == shows(shown) == shows((written.out + written.err).encode()) == []


@pytest.mark.promise("P5")
@pytest.mark.parametrize("field", ["name", "email", "company", "code"])
def test_a_log_has_no_room_for_a_name(field: str, capfd: pytest.CaptureFixture[str]) -> None:
    for canary in CANARIES:
        with pytest.raises(telemetry.FieldNotAllowed):
            telemetry.log("planted", **{field: canary})
    assert shows(capfd.readouterr().err.encode()) == []


@pytest.mark.promise("P5", "P6")
@pytest.mark.parametrize("purpose", ["service", "security", "analytics"])
def test_who_somebody_is_serves_account_invoices_and_updates_alone(purpose: str) -> None:
    declared, there = data_map.load(), inventory.take()
    identity = declared.categories["identity"]
    assert set(identity.purposes) == {"account", "billing", "essential_updates"}
    assert problems(declared, there) == []
    more = identity.model_copy(update={"purposes": (*identity.purposes, purpose)})
    found = problems(declared.model_copy(update={"categories": {**declared.categories, "identity": more}}), there)
    assert any("email_sealed tells who somebody is" in one for one in found)


@pytest.mark.promise("P5", "P6")
@pytest.mark.parametrize("table", ["jobs", "disclosures", "webhook_deliveries"])
def test_nothing_beside_the_account_has_a_place_for_it(table: str) -> None:
    place = Place(PlaceKind.DATABASE, table, "customer_email_lookup")
    declared, there = data_map.load(), inventory.take()
    jobs = declared.categories["jobs"]
    columns = {**jobs.places.database, table: (*jobs.places.database.get(table, ()), place.name)}
    places = jobs.places.model_copy(update={"database": columns})
    planted = declared.model_copy(
        update={"categories": {**declared.categories, "jobs": jobs.model_copy(update={"places": places})}}
    )
    found = problems(planted, replace(there, places=there.places | {place}))
    assert any("tells who somebody is" in one for one in found)


@pytest.mark.promise("P6")
def test_what_leaves_names_nobody(
    api: Api, somebody: Person, host: Outside, way_out: tuple[Any, WebhookChannel]
) -> None:
    host.gives("/hook", b"")
    made = somebody.post("/v1/webhook_endpoints", json={"url": host.url("/hook"), "name": NAME})
    assert made.status_code == 201
    job_id = somebody.created(prompt=COMPANY)
    api.drive(job_id)
    send: Callable[[], Any] = way_out[1].send_due
    api.await_(send)
    api.await_(way_out[1].drain)
    (seen,) = host.seen
    event = seen.json()
    assert (set(event), set(event["data"])) == ({"id", "object", "type", "created_at", "data"}, {"id", "status"})
    assert event["data"] == {"id": job_id, "status": "completed"}
    sent = repr(seen).encode()
    assert shows(sent) == []
    assert somebody.account_id.encode() not in sent
