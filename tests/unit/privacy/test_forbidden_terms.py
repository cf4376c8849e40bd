"""Forbidden words are found whole, in any spelling, and never inside another word."""

import pytest

from cluster.privacy.forbidden_terms import PROTECTED, SALE, mentions, words
from cluster.privacy.purposes import OperatingPurpose, Purpose, UnknownPurpose, checked


@pytest.mark.parametrize("name", ["date_of_birth", "dateOfBirth", "DateOfBirth", "Date-of-birth", "DATE_OF_BIRTH"])
def test_a_name_has_the_same_words_in_every_convention(name: str) -> None:
    assert words(name) == ("date", "of", "birth")
    assert mentions(name, PROTECTED) == ["date of birth"]


@pytest.mark.parametrize("name", ["races", "religions", "disabilities", "birthday", "sexes", "user.age", "hivStatus"])
def test_plurals_and_words_written_together_are_found(name: str) -> None:
    assert mentions(name, PROTECTED)


@pytest.mark.parametrize(
    "name",
    ["image", "message", "storage", "page", "essex", "trace", "brace", "interfaith_free", "known_minor", "stage"],
)
def test_a_word_inside_another_is_none(name: str) -> None:
    assert mentions(name, PROTECTED - {"faith"}) == []


@pytest.mark.parametrize(
    "purpose", ["sale", "advertising", "profiling", "share:ad_network", "share:data_seller", "", "share:"]
)
def test_no_purpose_is_a_sale(purpose: str) -> None:
    with pytest.raises(UnknownPurpose):
        checked(purpose)


def test_every_purpose_is_one() -> None:
    for purpose in (*Purpose, *OperatingPurpose, "share:wan"):
        assert checked(purpose) == purpose
        assert mentions(purpose, SALE) == []
