"""Names that no column, field, output or purpose may have, found word by word in any spelling.

``image`` contains ``age`` and ``message`` does too: whole words are compared, never letters.
"""

import re
from collections.abc import Iterable
from typing import Final

__all__ = ["NAMING", "PROTECTED", "SALE", "mentions", "words"]

PROTECTED: Final = frozenset({
    "age", "aged", "ancestry", "belief", "birth date", "birth day", "birth place", "birth year", "born", "caste",
    "citizenship", "creed", "criminal record", "date of birth", "disability", "dob", "ethnic",
    "ethnicity", "faith", "female", "gay", "gender", "genders", "genetic", "handicap", "handicapped", "health",
    "heterosexual", "hiv",
    "homosexual", "immigration", "lesbian", "male", "marital", "married", "medical", "military status",
    "national origin", "nationality", "party membership", "place of birth", "political", "politics", "pregnancy",
    "pregnant", "pronoun", "race", "racial", "religion", "religious", "sex", "sexual", "sexuality", "skin color",
    "skin colour", "skin tone", "trade union", "transgender", "union membership", "veteran", "year of birth",
})  # fmt: skip
"""Protected characteristics. The boolean ``known_minor`` is actual knowledge and no estimate, and is not among them."""

NAMING: Final = frozenset({
    "company", "e mail", "email", "first name", "full name", "last name", "nick name", "phone", "surname", "telephone",
})  # fmt: skip
"""What tells who somebody is."""

SALE: Final = frozenset({
    "ad", "advertise", "advertiser", "advertising", "broker", "commercialise", "commercialize", "monetise",
    "monetisation", "monetization", "monetize", "profiling", "rent", "rental", "resale", "resell", "sale", "sell",
    "seller", "selling", "sold", "trade", "trading",
})  # fmt: skip
"""What data are never used for."""

_PIECES = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")


def words(name: str) -> tuple[str, ...]:
    """The words of a name in any convention: ``dateOfBirth``, ``date_of_birth`` and ``Date-of-birth`` are the same."""
    return tuple(piece.lower() for piece in _PIECES.findall(name))


def mentions(name: str, terms: Iterable[str]) -> list[str]:
    """The terms that a name contains as whole words, in the singular or the plural, joined or apart."""
    own = words(name)
    return sorted(term for term in terms if _contains(own, tuple(term.split())))


def _contains(own: tuple[str, ...], term: tuple[str, ...]) -> bool:
    length = len(term)
    joined = "".join(term)
    apart = (own[start : start + length] for start in range(len(own) - length + 1))
    return any(map(_same, own, [joined] * len(own))) or any(all(map(_same, some, term)) for some in apart)


def _same(word: str, term: str) -> bool:
    return word in (term, f"{term}s", f"{term}es", f"{term[:-1]}ies" if term.endswith("y") else term)
