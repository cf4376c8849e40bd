"""The data map against what there is: whatever is planted is found, and without it there is nothing to find."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from cluster.cli import inventory
from cluster.privacy.data_map import Category, DataMap, Place, PlaceKind, load
from cluster.privacy.data_map_check import Inventory, problems
from cluster.privacy.media_kinds import KINDS, MediaKind

DATABASE, OBJECTS, PARQUET, MESSAGES = PlaceKind
Change = Callable[[Category], dict[str, Any]]


@cache
def taken() -> Inventory:
    return inventory.take()


def plus(*places: Place, text: bool = False) -> Inventory:
    own = taken()
    return replace(own, places=own.places.union(places), text=own.text.union(places if text else ()))


def minus(place: Place) -> Inventory:
    assert place in taken().places
    return replace(taken(), places=taken().places - {place})


def changed(name: str, **update: Any) -> DataMap:
    """The map with one category changed."""
    return load().model_copy(
        update={"categories": {**load().categories, name: load().categories[name].model_copy(update=update)}}
    )


def declaring(place: Place, name: str = "jobs") -> DataMap:
    """The map with one database column more."""
    places = load().categories[name].places
    columns = (*places.database.get(place.container, ()), place.name)
    return changed(name, places=places.model_copy(update={"database": {**places.database, place.container: columns}}))


def test_the_map_of_this_version_tells_the_truth() -> None:
    assert problems(load(), taken()) == []
    assert {place.kind for place in taken().places} == {DATABASE, OBJECTS, MESSAGES}
    assert len(taken().places) > 400
    assert len(taken().text) > 50


@pytest.mark.parametrize(
    "place",
    [
        Place(DATABASE, "jobs", "photo_sealed"),
        Place(DATABASE, "letters", "id"),
        Place(OBJECTS, "portrait"),
        Place(PARQUET, "pipelines.curate:SAMPLES", "prompt"),
        Place(MESSAGES, "serve.ingress.accounts:NewAccount", "shoe_size"),
        Place(MESSAGES, "/v1/videos", "shoe_size"),
    ],
    ids=str,
)
def test_what_is_not_declared_is_found(place: Place) -> None:
    (problem,) = problems(load(), plus(place))
    assert "is not declared" in problem
    assert (place.container in problem, place.name in problem) == (True, True)


@pytest.mark.parametrize(
    "place",
    [
        Place(DATABASE, "usage_events", "model"),
        Place(OBJECTS, "spritesheet"),
        Place(MESSAGES, "serve.ingress.accounts:SignUp", "day"),
        Place(MESSAGES, "/v1/videos", "subject"),
    ],
    ids=str,
)
def test_what_is_declared_and_does_not_exist_is_found(place: Place) -> None:
    found = problems(load(), minus(place))
    assert any("is declared and does not exist" in one and place.container in one for one in found)


def test_a_parquet_field_that_is_declared_must_exist_too() -> None:
    place = Place(PARQUET, "pipelines.curate:SAMPLES", "seconds")
    places = load().categories["videos"].places.model_copy(update={"parquet": {place.container: (place.name,)}})
    declared = changed("videos", places=places)
    assert problems(declared, plus(place)) == []
    (problem,) = problems(declared, taken())
    assert "is declared and does not exist" in problem


def test_what_two_categories_claim_is_found() -> None:
    found = problems(declaring(Place(DATABASE, "jobs", "id")), taken())
    assert [one for one in found if "is declared twice" in one and "jobs" in one]


@pytest.mark.parametrize(
    ("name", "whose", "said"),
    [
        ("usage", (), "does not say whose the rows of usage_events are"),
        ("photos", (), "does not say whose the rows of media are"),
        ("usage", ("usage_events.kind",), "does not lead to an account"),
        ("usage", ("usage_events.owner > accounts.id",), "does not lead to an account"),
        ("usage", ("jobs.account_id",), "does not say whose the rows of usage_events are"),
    ],
)
def test_an_owner_that_cannot_be_found_is_found(name: str, whose: tuple[str, ...], said: str) -> None:
    assert any(said in one for one in problems(changed(name, whose=whose), taken()))


def test_a_longer_path_to_the_account_is_followed() -> None:
    path = "webhook_deliveries.endpoint_id > webhook_endpoints.account_id"
    assert problems(changed("deliveries", whose=(path,)), taken()) == []


def test_rows_that_lead_to_an_account_are_not_called_unlinked() -> None:
    found = problems(changed("usage", whose=(), unlinked=("usage_events",)), taken())
    assert any("lead to an account" in one for one in found)


def test_words_in_clear_are_found() -> None:
    place, sealed = Place(DATABASE, "jobs", "diary"), Place(DATABASE, "jobs", "diary_sealed")
    (problem,) = problems(declaring(place), plus(place, text=True))
    assert "personal text in clear" in problem
    assert problems(declaring(sealed), plus(sealed, text=True)) == []


def test_a_vocabulary_names_text_columns_of_its_category_only() -> None:
    for stranger in ("usage_events.recorded_at", "jobs.state", "usage_events.nothing"):
        vocabulary = (*load().categories["usage"].vocabulary, stranger)
        assert any("is no text column" in one for one in problems(changed("usage", vocabulary=vocabulary), taken()))


@pytest.mark.parametrize("name", ["note_sealed", "note_lookup"])
def test_what_is_sealed_or_looked_up_is_never_technical(name: str) -> None:
    place = Place(DATABASE, "jobs", name)
    technical = load().technical
    columns = {**technical.places.database, "jobs": (*technical.places.database["jobs"], place.name)}
    places = technical.places.model_copy(update={"database": columns})
    declared = load().model_copy(update={"technical": technical.model_copy(update={"places": places})})
    (problem,) = problems(declared, plus(place))
    assert "belongs into a category" in problem


@pytest.mark.parametrize("kind", MediaKind)
def test_a_retention_that_media_do_not_keep_is_found(kind: MediaKind) -> None:
    (name,) = [name for name, category in load().categories.items() if kind in category.places.objects]
    other = "task" if KINDS[kind].lifetime == "account" else "account"
    assert any(f"objects of the kind {kind}" in one for one in problems(changed(name, retention=other), taken()))


def test_a_retention_by_a_setting_that_does_not_exist_is_found() -> None:
    (problem,) = problems(changed("retries", retention="setting:retention.for_ever"), taken())
    assert "no setting retention.for_ever" in problem


@pytest.mark.parametrize(
    "name", ["religion", "date_of_birth", "genders", "skinTone", "ETHNICITY", "is_pregnant", "sexual_orientation"]
)
def test_a_protected_characteristic_is_found_wherever_it_stands(name: str) -> None:
    for place in (
        Place(DATABASE, "jobs", name),
        Place(PARQUET, "pipelines.curate:SAMPLES", name),
        Place(MESSAGES, "serve.ingress.accounts:NewAccount", name),
    ):
        assert any("protected characteristic" in one for one in problems(load(), plus(place)))


@pytest.mark.parametrize("name", ["customer_email", "eMail", "company", "lastName", "phone_number"])
def test_a_place_for_who_somebody_is_beside_the_account_is_found(name: str) -> None:
    place = Place(DATABASE, "jobs", name)
    found = problems(declaring(place), plus(place))
    assert any("tells who somebody is" in one for one in found)


def test_names_of_the_account_serve_nothing_else() -> None:
    purposes = (*load().categories["identity"].purposes, "service")
    found = problems(changed("identity", purposes=purposes), taken())
    assert len([one for one in found if "tells who somebody is" in one]) > 5


def test_requests_that_take_anything_and_answers_that_hide_their_fields_are_found() -> None:
    lax = replace(taken(), lax=frozenset({"serve.ingress.accounts:NewAccount"}))
    opaque = replace(taken(), opaque=frozenset({"/v1/anything"}))
    assert [one for one in problems(load(), lax) if "extra='forbid'" in one]
    assert [one for one in problems(load(), opaque) if "pydantic model" in one]
