"""The policy is one document that everybody finds, made from a map of all there is, and the map allows no sale."""

import hashlib
import json
import re
from dataclasses import replace
from itertools import product
from typing import Any

import pytest
import yaml

from cluster.cli import inventory
from cluster.privacy import data_map, notices, policy, purposes
from cluster.privacy.data_map import DataMapError, Place, PlaceKind, Recipient
from cluster.privacy.data_map_check import problems
from cluster.privacy.notices import NoticeError
from cluster.privacy.purposes import OperatingPurpose, Purpose
from cluster.privacy.terms import SCANNING
from cluster.settings import configs_folder, read
from tests.api import PHOTO, Api, Person

SALES = ("sale", "advertising", "profiling", "share:ad_broker")
STRANGERS = {"/v1/accounts": {}, "/v1/api-keys": {}, "/v1/consents": {"purpose": "analytics", "granted": True}}


def refused_everywhere(api: Api, person: Person, name: str) -> bool:
    """Whether every request that carries a field of that name is refused, and nothing stored."""
    person = person.login()
    before = api.snapshot()
    answers = [person.post(path, json=body | {name: "x"}) for path, body in STRANGERS.items()]
    answers.append(person.create(PHOTO, idempotency_key=None, **{name: "x"}))
    return {answer.status_code for answer in answers} == {400} and api.snapshot() == before


@pytest.mark.promise("P2")
@pytest.mark.parametrize("purpose", SALES)
def test_no_data_can_be_declared_for_a_sale(purpose: str) -> None:
    source = yaml.safe_load(data_map.source())
    assert data_map.parse(yaml.safe_dump(source)) == data_map.load()
    source["categories"]["usage"]["purposes"] = [purpose]
    with pytest.raises(DataMapError):
        data_map.parse(yaml.safe_dump(source))


@pytest.mark.promise("P2")
@pytest.mark.parametrize("purpose", SALES)
def test_nobody_can_be_asked_to_agree_to_a_sale(purpose: str) -> None:
    source = (configs_folder() / "notices" / "analytics.md").read_text(encoding="utf-8")
    assert notices.parse(source).purpose == Purpose.ANALYTICS
    with pytest.raises(NoticeError):
        notices.parse(source.replace("purpose: analytics", f"purpose: {purpose}", 1))


@pytest.mark.promise("P2")
def test_whatever_is_used_is_used_for_a_purpose_and_by_a_recipient_that_are_listed(api: Api) -> None:
    pairs = {pair for one in data_map.load().categories.values() for pair in product(one.purposes, one.recipients)}
    assert pairs <= set(product((*Purpose, *OperatingPurpose), Recipient))
    asked = {notice["purpose"]: notice["recipient"] for notice in api.client.get("/v1/notices").json()["data"]}
    sharing = {model.recipient for model in api.services.catalogue.models.values() if model.recipient}
    known = {*Purpose, *(purposes.share_purpose(recipient) for recipient in sharing)}
    assert set(asked) <= known
    assert not {used for used, _ in pairs} & set(SALES)
    with pytest.raises(purposes.UnknownPurpose):
        purposes.checked("sale")


@pytest.mark.promise("P4")
def test_a_request_with_a_field_that_nobody_asked_for_is_refused(api: Api, person: Person) -> None:
    assert refused_everywhere(api, person, "shoe_size")


@pytest.mark.promise("P4")
@pytest.mark.parametrize(
    "place",
    [
        Place(PlaceKind.DATABASE, "jobs", "shoe_size"),
        Place(PlaceKind.OBJECTS, "portrait"),
        Place(PlaceKind.PARQUET, "pipelines.curate:SAMPLES", "prompt"),
        Place(PlaceKind.MESSAGES, "serve.ingress.accounts:NewAccount", "shoe_size"),
    ],
    ids=str,
)
def test_nothing_is_stored_or_taken_without_a_declared_purpose(place: Place) -> None:
    declared, there = data_map.load(), inventory.take()
    assert problems(declared, there) == []
    assert problems(declared, replace(there, places=there.places | {place}))


@pytest.mark.promise("P4")
def test_a_declared_place_has_a_purpose() -> None:
    declared, there = data_map.load(), inventory.take()
    gone = Place(PlaceKind.DATABASE, "usage_events", "model")
    assert set(declared.declared()) == there.places
    assert any("does not exist" in one for one in problems(declared, replace(there, places=there.places - {gone})))


@pytest.mark.promise("P21")
@pytest.mark.parametrize("name", ["gender", "religion", "date_of_birth"])
def test_nobody_can_even_send_a_protected_characteristic(api: Api, person: Person, name: str) -> None:
    assert refused_everywhere(api, person, name)


@pytest.mark.promise("P21")
@pytest.mark.parametrize("name", ["gender", "religious", "dateOfBirth", "ethnicities", "skin_tone", "is_pregnant"])
def test_no_place_for_a_protected_characteristic_is_allowed_even_if_it_is_declared(name: str) -> None:
    place = Place(PlaceKind.DATABASE, "accounts", f"{name}_sealed")
    declared, there = data_map.load(), inventory.take()
    account = declared.categories["account"]
    columns = (*account.places.database["accounts"], place.name)
    places = account.places.model_copy(update={"database": {**account.places.database, "accounts": columns}})
    planted = declared.model_copy(
        update={"categories": {**declared.categories, "account": account.model_copy(update={"places": places})}}
    )
    found = problems(planted, replace(there, places=there.places | {place}))
    assert any("protected characteristic" in problem for problem in found)


@pytest.mark.promise("P146")
def test_the_policy_acknowledges_scanning_in_the_words_of_the_sign_up(api: Api) -> None:
    shown = api.client.get("/v1/policy").json()
    assert shown["scanning"] == SCANNING
    assert SCANNING in api.client.get("/privacy.html").text


@pytest.mark.promise("P146")
def test_a_policy_without_that_sentence_is_not_published() -> None:
    source = (configs_folder() / "policy.yaml").read_text(encoding="utf-8")
    settings = read(configs_folder(), {})
    assert policy.build(source, data_map.load(), settings).hash
    with pytest.raises(policy.PolicyError):
        policy.build(source.replace("{scanning}", "Nothing is scanned."), data_map.load(), settings)


@pytest.mark.promise("P147")
def test_everybody_finds_the_policy_at_privacy_html_with_the_hash_of_the_api(api: Api) -> None:
    page, document = api.client.get("/privacy.html"), api.client.get("/v1/policy")
    assert (page.status_code, document.status_code) == (200, 200)
    shown = document.json()
    assert re.findall(r'<meta name="policy-hash" content="(\w+)">', page.text) == [shown["hash"]]
    assert page.headers["etag"] == document.headers["etag"] == f'"{shown["hash"]}"'
    for section in shown["sections"]:
        assert f'<section id="{section["id"]}"' in page.text


@pytest.mark.promise("P147")
def test_the_hash_is_of_every_word_of_it(api: Api) -> None:
    shown: dict[str, Any] = api.client.get("/v1/policy").json()
    content = {name: value for name, value in shown.items() if name != "hash"}
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":")).encode()
    assert hashlib.sha256(canonical).hexdigest() == shown["hash"]
