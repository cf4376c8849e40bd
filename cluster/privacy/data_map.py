"""The data map: every place where personal data may live, and what holds for them there. Nothing says so twice.

`configs/data_map.yaml` is the map. What the service tells people (policy, record of processing) is made from it, and
`cluster.privacy.data_map_check` holds it against what the code stores and sends.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Annotated, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from cluster.privacy.purposes import OperatingPurpose, Purpose, UsedFor
from cluster.settings import configs_folder

__all__ = [
    "Category",
    "DataMap",
    "DataMapError",
    "LegalBasis",
    "People",
    "Place",
    "PlaceKind",
    "Places",
    "Recipient",
    "Region",
    "Rights",
    "Survivor",
    "Technical",
    "load",
    "parse",
    "source",
]


class DataMapError(ValueError):
    """The map is not complete; the message names the entry and what is wrong with it."""


class LegalBasis(StrEnum):
    """Article 6(1) of the GDPR, as far as the service uses it."""

    CONTRACT = "contract"
    CONSENT = "consent"
    LEGITIMATE_INTERESTS = "legitimate_interests"
    LEGAL_OBLIGATION = "legal_obligation"


class Recipient(StrEnum):
    """Who else may hold data. Third parties get theirs through a consent that names them, never through the map."""

    NOBODY = "nobody"
    INFRASTRUCTURE = "infrastructure"
    CHOSEN_BY_OWNER = "chosen_by_owner"
    """A server whose address the account holder gave: that of a webhook, or of a link to a photo."""


class Region(StrEnum):
    """Where data lie."""

    INSTALLATION = "installation"


class People(StrEnum):
    """Whom data are about."""

    ACCOUNT_HOLDERS = "account_holders"
    PEOPLE_SHOWN = "people_shown"


class Survivor(StrEnum):
    """What is left when somebody's data are erased. The list is closed; each has its reason in `in_words`."""

    SIGN_UP_ADDRESS = "sign_up_address"
    CREDIT_LEDGER = "credit_ledger"
    CONSENT_LEDGER = "consent_ledger"
    DISCLOSURE_RECORD = "disclosure_record"
    AUDIT_TRAIL = "audit_trail"
    ERASURE_CERTIFICATE = "erasure_certificate"


class PlaceKind(StrEnum):
    """The kinds of places that there are."""

    DATABASE = "database"
    OBJECTS = "objects"
    PARQUET = "parquet"
    MESSAGES = "messages"


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A column of a table, a prefix of objects, a field of a Parquet schema, or a field of a request or an answer."""

    kind: PlaceKind
    container: str
    name: str = ""

    def __str__(self) -> str:
        """As an error names it."""
        return f"{self.kind.value}: {self.container}{'.' if self.name else ''}{self.name}"


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


Names = Mapping[str, tuple[str, ...]]
_PATH = r"^[a-z_]+\.[a-z_]+( > [a-z_]+\.[a-z_]+)*$"


class Places(_Entry):
    """Places as the file writes them: containers with the names of what is in them."""

    database: Names = Field(default={}, description="Table: columns.")
    objects: tuple[str, ...] = Field(default=(), description="Kinds of media, which are prefixes of object keys.")
    parquet: Names = Field(default={}, description="`module:SCHEMA`: fields.")
    messages: Names = Field(default={}, description="`module:Model` or route path: fields or parameters.")

    def __iter__(self) -> Iterator[Place]:  # type: ignore[override]  # places are what it is a collection of
        """Every place, as often as it is written."""
        yield from (Place(PlaceKind.OBJECTS, prefix) for prefix in self.objects)
        for kind in (PlaceKind.DATABASE, PlaceKind.PARQUET, PlaceKind.MESSAGES):
            named: Names = getattr(self, kind.value)
            yield from (Place(kind, container, name) for container, names in named.items() for name in names)


Retention = (
    Annotated[int, Field(ge=1, description="Days.")]
    | Annotated[str, Field(pattern=r"^(account|task|forever|setting:[a-z_]+\.[a-z_]+)$")]
)


class Rights(_Entry):
    """What the person whose data they are can have done with them; everything can be seen."""

    erasable: bool
    exportable: bool
    correctable: bool


class Category(_Entry):
    """One kind of personal data, with everything that is promised about it."""

    title: str = Field(min_length=3)
    what: str = Field(min_length=20, description="What it is, in a whole sentence for the person whose it is.")
    people: tuple[People, ...] = Field(default=(People.ACCOUNT_HOLDERS,), min_length=1)
    purposes: tuple[UsedFor, ...] = Field(min_length=1)
    basis: LegalBasis
    places: Places
    vocabulary: tuple[str, ...] = Field(
        default=(), description="`table.column` of unsealed text whose words are the service's own, never a person's."
    )
    whose: tuple[Annotated[str, Field(pattern=_PATH)], ...] = Field(
        default=(), description="For each table the path to the account: `jobs.account_id`, or steps joined by ' > '."
    )
    unlinked: tuple[str, ...] = Field(
        default=(), description="Tables whose rows lead to no account, so that they end by time alone."
    )
    retention: Retention
    until: str = Field(min_length=10, description="What ends its life, in a whole sentence.")
    rights: Rights
    recipients: tuple[Recipient, ...] = Field(default=(Recipient.INFRASTRUCTURE,), min_length=1)
    region: Region = Region.INSTALLATION
    survives_erasure: Survivor | None = None

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        if (self.retention == "forever") != (self.survives_erasure is not None):
            raise ValueError("what is kept for ever names what it survives erasure as, and nothing else does")
        if self.rights.erasable == (self.survives_erasure is not None or bool(self.unlinked)):
            raise ValueError("what survives erasure or leads to no account is not erasable, and everything else is")
        if self.unlinked and self.retention in ("account", "forever"):
            raise ValueError("what leads to no account ends by time")
        asked = [purpose for purpose in self.purposes if purpose not in set(OperatingPurpose)]
        unasked_ones_only = set(asked) <= {Purpose.AI_PROCESSING}
        if not asked and self.basis is LegalBasis.CONSENT:
            raise ValueError("the basis 'consent' needs a purpose that is asked about")
        if not unasked_ones_only and self.basis is not LegalBasis.CONSENT:
            raise ValueError("a purpose that is asked about rests on consent")
        return self


class Technical(_Entry):
    """What the records need to hold together and what says nothing about anybody by itself."""

    what: str = Field(min_length=20)
    purposes: tuple[UsedFor, ...] = Field(min_length=1)
    places: Places


class DataMap(_Entry):
    """The file as a whole."""

    categories: Mapping[str, Category] = Field(min_length=1)
    technical: Technical

    def declared(self) -> Iterator[Place]:
        """Every declared place, as often as it is declared."""
        for category in self.categories.values():
            yield from category.places
        yield from self.technical.places


def parse(source: str) -> DataMap:
    """Read a map.

    Raises:
        DataMapError: it is not YAML, or an entry lacks what must be said of it.
    """
    try:
        return DataMap.model_validate(yaml.safe_load(source))
    except (yaml.YAMLError, ValidationError) as error:
        raise DataMapError(f"The data map is not complete: {error}") from None


_FILES = ("data_map.yaml", "data_map_technical.yaml")


@cache
def load() -> DataMap:
    """The map of this installation, read once."""
    return parse(source())


def source() -> str:
    """The text of the map: `data_map.yaml`, and in a file of its own what is personal of nobody."""
    return "\n".join((configs_folder() / name).read_text(encoding="utf-8") for name in _FILES)
