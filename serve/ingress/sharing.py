"""What has to be said before anything is shared with a third party, beyond consent: about others, and about oneself.

Whoever shares a photo attests that the people in it agree. A prompt that names its own author, whose name the third
party must never learn, is refused until they say that they mean it.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError
from sqlalchemy import Connection

from cluster.errors import AttestationRequired, InvalidRequest, NotForMinors, PersonalText
from cluster.records import accounts
from cluster.records.accounts import Details
from cluster.storage.keys import KeyStore
from cluster.storage.openings import Opening

__all__ = ["Sharing", "check", "read_sharing", "sharing_schema"]

_AGREE, _CONFIRM = "people_agree", "confirm_personal_text"
_SHORTEST_PART: Final = 3
_PHONE: Final = re.compile(r"(?<![\w.])\+?\(?\d[\d\s()./-]{5,18}\d(?![\w.])")
_PHONE_DIGITS: Final = range(7, 16)
_BOOLEAN: Final = TypeAdapter(bool)


@dataclass(frozen=True, slots=True)
class Sharing:
    """``people_agree``: whoever is in the photo agrees to its being shared; ``personal_text``: so does the prompt's
    author to their own name in it."""

    people_agree: bool = False
    personal_text: bool = False


def read_sharing(fields: dict[str, Any]) -> Sharing:
    """Take both answers out of a create request's fields.

    Raises:
        InvalidRequest: one is no boolean.
    """
    return Sharing(_boolean(fields, _AGREE), _boolean(fields, _CONFIRM))


def sharing_schema() -> dict[str, Any]:
    """Both fields, for the documentation."""
    texts = {
        _AGREE: "For models of third parties: everybody who can be recognised in the photo agrees to its being shared.",
        _CONFIRM: "For models of third parties: the prompt may hold your own name, e-mail address or a phone number.",
    }
    return {name: {"type": "boolean", "default": False, "description": text} for name, text in texts.items()}


def check(connection: Connection, keys: KeyStore, opening: Opening, words: Iterable[str], sharing: Sharing) -> None:
    """Let an order for a third party's model pass, as far as these go.

    Raises:
        NotForMinors: the account is known to be a minor's.
        AttestationRequired: nobody said that the people in the photo agree.
        PersonalText: the ``words`` hold what names the account's owner, and they have not said that they mean it.
    """
    if accounts.known_minor(connection, opening.account_id):
        raise NotForMinors
    if not sharing.people_agree:
        raise AttestationRequired(param=_AGREE)
    if not sharing.personal_text and _names(" / ".join(words), accounts.details(connection, keys, opening)):
        raise PersonalText(param="prompt")


def _names(prompt: str, details: Details) -> bool:
    """Whether the prompt names the account's owner. No phone number is ever asked for, so any might be theirs."""
    text = _plain(prompt)
    if any(sum(map(str.isdigit, found)) in _PHONE_DIGITS for found in _PHONE.findall(text)):
        return True
    return any(re.search(rf"(?<!\w){re.escape(part)}(?!\w)", text) for part in _parts(details))


def _parts(details: Details) -> Iterator[str]:
    if details.email:
        yield _plain(details.email)
    if details.name:
        name = _plain(details.name)
        yield name
        yield from (part for part in re.split(r"[\s,.-]+", name) if len(part) >= _SHORTEST_PART)


def _plain(text: str) -> str:
    """One spelling of what reads alike, without what cannot be seen."""
    normal = unicodedata.normalize("NFKC", text).casefold()
    return "".join(character for character in normal if unicodedata.category(character) != "Cf").strip()


def _boolean(fields: dict[str, Any], name: str) -> bool:
    try:
        return _BOOLEAN.validate_python(fields.pop(name, False))
    except ValidationError:
        raise InvalidRequest(f"{name}: this must be true or false.", param=name) from None
