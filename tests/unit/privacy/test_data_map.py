"""The data map as a file: an entry that leaves something out, or contradicts itself, is refused."""

from typing import Any

import pytest
import yaml

from cluster.privacy.data_map import DataMapError, Place, PlaceKind, Survivor, load, parse
from cluster.storage.privileges import LEDGERS

CATEGORY = {
    "title": "Letters",
    "what": "What you have written to us, and our answers.",
    "purposes": ["rights"],
    "basis": "contract",
    "places": {"database": {"letters": ["text_sealed"]}},
    "whose": ["letters.account_id"],
    "retention": "account",
    "until": "They are kept until you close your account.",
    "rights": {"erasable": True, "exportable": True, "correctable": False},
}
UNERASABLE = {"erasable": False, "exportable": True, "correctable": False}
FOR_EVER: dict[str, Any] = {"retention": "forever", "rights": UNERASABLE, "survives_erasure": "audit_trail"}
TECHNICAL = {
    "what": "Ids that say nothing about anybody.",
    "purposes": ["service"],
    "places": {"database": {"letters": ["id", "account_id"]}},
}


def source(without: str = "", **changes: Any) -> str:
    category = {key: value for key, value in (CATEGORY | changes).items() if key != without}
    return yaml.safe_dump({"categories": {"letters": category}, "technical": TECHNICAL})


def test_a_whole_map_is_read() -> None:
    read = parse(source())
    assert set(read.declared()) == {
        Place(PlaceKind.DATABASE, "letters", name) for name in ("text_sealed", "id", "account_id")
    }
    assert read.categories["letters"].survives_erasure is None
    assert parse(source(**FOR_EVER)).categories["letters"].survives_erasure is Survivor.AUDIT_TRAIL


@pytest.mark.parametrize("key", [key for key in CATEGORY if key != "whose"])
def test_an_entry_that_leaves_something_out_is_refused(key: str) -> None:
    with pytest.raises(DataMapError, match=key):
        parse(source(without=key))


@pytest.mark.parametrize(
    "change",
    [
        {"purposes": []},
        {"purposes": ["sale"]},
        {"purposes": ["share:ad_broker"], "basis": "consent"},
        {"basis": "curiosity"},
        {"recipients": ["everybody"]},
        {"recipients": []},
        {"region": "elsewhere"},
        {"people": []},
        {"people": ["passers_by"]},
        {"retention": 0},
        {"retention": "a while"},
        {"whose": ["letters"]},
        {"sold_to": "nobody"},
        {"places": {"files": ["letters"]}},
    ],
    ids=str,
)
def test_what_is_on_no_list_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(DataMapError):
        parse(source(**change))


@pytest.mark.parametrize(
    "change",
    [
        FOR_EVER | {"survives_erasure": "everything"},
        FOR_EVER | {"survives_erasure": None},
        FOR_EVER | {"rights": CATEGORY["rights"]},
        {"survives_erasure": "audit_trail"},
        {"rights": UNERASABLE},
        {"rights": {"erasable": True}},
        {"unlinked": ["letters"], "whose": [], "rights": UNERASABLE},
        {"unlinked": ["letters"], "whose": [], "retention": 3},
        {"basis": "consent"},
        {"purposes": ["analytics"]},
    ],
    ids=str,
)
def test_an_entry_that_contradicts_itself_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(DataMapError):
        parse(source(**change))


def test_what_is_no_map_is_refused() -> None:
    for text in ("", "- a", "{", "categories: {}\ntechnical: {}"):
        with pytest.raises(DataMapError):
            parse(text)


def test_what_survives_erasure_is_what_nobody_can_erase() -> None:
    """The ledgers, which refuse to be changed, and the addresses of sign-ups, which are kept for ever."""
    surviving = {
        table
        for category in load().categories.values()
        if category.survives_erasure
        for table in category.places.database
    }
    assert surviving - {"credit_balances", "sign_up_addresses"} == LEDGERS
    named = {category.survives_erasure for category in load().categories.values()} - {None}
    assert named == set(Survivor) - {Survivor.ERASURE_CERTIFICATE}
