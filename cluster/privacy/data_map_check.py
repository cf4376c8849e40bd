"""Holds the data map against what there is: nothing undeclared, nothing declared that is not there. Pure."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby

from cluster import settings
from cluster.privacy.data_map import Category, DataMap, Place, PlaceKind
from cluster.privacy.forbidden_terms import NAMING, PROTECTED, mentions
from cluster.privacy.media_kinds import KINDS
from cluster.privacy.purposes import OperatingPurpose

__all__ = ["Inventory", "problems"]

_UNREADABLE = ("_sealed", "_lookup")
_SETTING = "setting:"
_ACCOUNTS = "accounts"
_OBJECTS_TABLE = "media"
_FOR_NAMES = frozenset({OperatingPurpose.ACCOUNT, OperatingPurpose.BILLING, OperatingPurpose.ESSENTIAL_UPDATES})


@dataclass(frozen=True, slots=True)
class Inventory:
    """What there is.

    ``text`` are the columns that could hold words or bytes of any kind; ``lax`` are the request models that would
    take a field which they do not know; ``opaque`` are the routes whose bodies or answers have no declared fields, and
    the fields of requests that would take anything.
    """

    places: frozenset[Place]
    text: frozenset[Place] = frozenset()
    lax: frozenset[str] = frozenset()
    opaque: frozenset[str] = frozenset()


def problems(data_map: DataMap, inventory: Inventory) -> list[str]:
    """Everything that is wrong, a sentence each; empty if the map tells the truth."""
    return [
        *_coverage(data_map, inventory),
        *_protected(inventory),
        *_identity(data_map),
        *(f"{model}: a request must refuse fields that it does not know (extra='forbid')" for model in inventory.lax),
        *(f"{name}: say with pydantic models, field by field, what is taken and answered" for name in inventory.opaque),
        *(
            f"{place}: a sealed column or a keyed digest is personal and belongs into a category"
            for place in data_map.technical.places
            if place.name.endswith(_UNREADABLE)
        ),
        *(
            f"{name}: {problem}"
            for name, category in data_map.categories.items()
            for check in (_open_text, _ownerless, _lifetimes, _settings)
            for problem in check(category, inventory)
        ),
    ]


def _coverage(data_map: DataMap, inventory: Inventory) -> Iterator[str]:
    declared = Counter(data_map.declared())
    for places in _grouped(inventory.places - declared.keys()):
        yield f"{places} is not declared: add it to a category of configs/data_map.yaml, or to 'technical'"
    for places in _grouped(declared.keys() - inventory.places):
        yield f"{places} is declared and does not exist: remove it from configs/data_map.yaml"
    for places in _grouped(place for place, times in declared.items() if times > 1):
        yield f"{places} is declared twice: one category must own it"


def _grouped(places: Iterable[Place]) -> Iterator[str]:
    """Each container once, with the names in it as the file writes them."""
    for (kind, container), members in groupby(sorted(places), key=lambda place: (place.kind, place.container)):
        names = ", ".join(place.name for place in members)
        yield f"{kind.value}: {container}: [{names}]" if names else f"{kind.value}: {container}"


def _protected(inventory: Inventory) -> Iterator[str]:
    for place in sorted(inventory.places):
        name = place.name if place.kind is PlaceKind.MESSAGES else f"{place.container} {place.name}"
        if found := mentions(name, PROTECTED):
            yield f"{place} names a protected characteristic ({', '.join(found)}), which is never collected"


def _identity(data_map: DataMap) -> Iterator[str]:
    """Who somebody is serves the account, invoices and essential updates; nothing else has a place for it."""
    allowed = [one for one in data_map.categories.values() if _FOR_NAMES.issuperset(one.purposes)]
    serving = {place for category in allowed for place in category.places}
    for place in sorted(set(data_map.declared()) - serving):
        if found := mentions(place.name, NAMING if place.container != _ACCOUNTS else NAMING | {"name"}):
            yield f"{place} tells who somebody is ({', '.join(found)}), which serves the account and nothing else"


def _open_text(category: Category, inventory: Inventory) -> Iterator[str]:
    """Words that a person wrote lie in the database only sealed, or as a keyed digest."""
    columns = {f"{place.container}.{place.name}": place for place in category.places}
    for named in category.vocabulary:
        if columns.get(named) not in inventory.text:
            yield f"{named} is no text column of this category: remove it from its vocabulary"
    for named, place in sorted(columns.items()):
        if place in inventory.text and not place.name.endswith(_UNREADABLE) and named not in category.vocabulary:
            yield f"{place} is personal text in clear: seal it, or name it in 'vocabulary' if its words are our own"


def _ownerless(category: Category, inventory: Inventory) -> Iterator[str]:
    """Each table leads to the account whose data it holds; the rows of objects are those of ``media``."""
    paths = [[Place(PlaceKind.DATABASE, *step.split(".")) for step in path.split(" > ")] for path in category.whose]
    for path in paths:
        last = path[-1]
        leads_home = last.name == "account_id" or (last.container, last.name) == (_ACCOUNTS, "id")
        if not (leads_home and inventory.places.issuperset(path)):
            yield f"the path from {path[0]} does not lead to an account"
    for table in category.unlinked:
        if Place(PlaceKind.DATABASE, table, "account_id") in inventory.places:
            yield f"the rows of {table} lead to an account: say so in 'whose', not in 'unlinked'"
    led = {path[0].container for path in paths} | set(category.unlinked)
    tables = {*category.places.database, *({_OBJECTS_TABLE} if category.places.objects else ())}
    for table in sorted(tables - led):
        yield f"'whose' does not say whose the rows of {table} are"


def _lifetimes(category: Category, _: Inventory) -> Iterator[str]:
    """A kind of media lives as long as its rule says."""
    for kind, rule in KINDS.items():
        if kind in category.places.objects and category.retention != rule.lifetime:
            yield f"objects of the kind {kind.value} live for {rule.lifetime.value!r}, not {category.retention!r}"


def _settings(category: Category, _: Inventory) -> Iterator[str]:
    if isinstance(category.retention, str) and category.retention.startswith(_SETTING):
        named = category.retention.removeprefix(_SETTING)
        if named not in {".".join(path) for path, _ in settings.leaves()}:
            yield f"there is no setting {named}"
