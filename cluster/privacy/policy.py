"""The published privacy policy: words of `configs/policy.yaml`, facts of data map and register, one hash of it all.

Whatever shows the policy (JSON, page, record of processing) shows this document, so that they cannot differ.
"""

import hashlib
import json
from collections.abc import Iterator
from datetime import date
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field

from cluster.privacy import data_map, in_words, recipients
from cluster.privacy.data_map import Category, DataMap
from cluster.privacy.recipients import Register, Role
from cluster.privacy.terms import SCANNING
from cluster.settings import Settings, configs_folder

__all__ = ["Policy", "PolicyError", "Section", "build", "published"]

Shown = Literal["categories", "survivors", "retention"]


class PolicyError(ValueError):
    """The policy cannot be published; the message says what is missing."""


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Section(_Entry):
    """One part of the policy. ``shows`` names the facts of the data map that belong to it."""

    id: str = Field(pattern=r"^[a-z-]+$")
    title: str = Field(min_length=3)
    paragraphs: tuple[str, ...] = ()
    points: tuple[str, ...] = ()
    shows: Shown | None = None


class _Source(_Entry):
    version: date
    title: str
    summary: str = Field(min_length=40)
    unnamed: dict[Literal["operator", "contact", "complaint", "remark"], str] = Field(
        description="What stands where the operator has not said who they are."
    )
    sections: tuple[Section, ...] = Field(min_length=1)


class CategoryShown(_Entry):
    """One kind of data, as everybody may read about it."""

    id: str
    title: str
    what: str
    people: tuple[str, ...]
    purposes: tuple[str, ...]
    legal_basis: str
    kept: str
    until: str
    recipients: tuple[str, ...]
    region: str
    rights: tuple[str, ...] = Field(description="What you can have done with it.")


class SurvivorShown(_Entry):
    """What is left after an erasure, and why."""

    id: str
    reason: str


class Policy(_Entry):
    """The policy as published. ``hash`` is the SHA-256 of everything else in it, as canonical JSON."""

    version: str = Field(description="The day from which it holds.")
    hash: str
    title: str
    summary: str
    operator: str
    contact: str
    scanning: str = Field(description="The sentence that everybody is told before they come in.")
    sections: tuple[Section, ...] = Field(repr=False)
    categories: tuple[CategoryShown, ...] = Field(repr=False)
    survivors: tuple[SurvivorShown, ...] = Field(repr=False)

    def section(self, section_id: str) -> Section:
        """The section of that id; a `StopIteration` if there is none."""
        return next(section for section in self.sections if section.id == section_id)


def published(settings: Settings) -> Policy:
    """The policy of this installation.

    Raises:
        PolicyError: the file is not complete.
        RegisterError: so is the register of recipients.
    """
    source = (configs_folder() / "policy.yaml").read_text(encoding="utf-8")
    return build(source, data_map.load(), settings)


def build(source: str, facts: DataMap, settings: Settings) -> Policy:
    """Put words and facts together.

    Raises:
        PolicyError: the words are not complete, name something that is not filled in, or do not say what is scanned.
        RegisterError: the register of recipients is not complete.
    """
    register = recipients.load(settings)
    try:
        words = _Source.model_validate(yaml.safe_load(source))
        filled = _values(words, settings)
        sections = tuple(_filled(section, filled) for section in words.sections)
    except (yaml.YAMLError, ValueError, KeyError) as error:
        raise PolicyError(f"The policy is not complete: {error}") from None
    if not any(SCANNING in text for section in sections for text in (*section.paragraphs, *section.points)):
        raise PolicyError("The policy does not have the sentence on scanning: write {scanning} where it belongs.")
    policy = Policy(
        version=words.version.isoformat(),
        hash="",
        title=words.title,
        summary=words.summary,
        operator=filled["operator"],
        contact=filled["contact"],
        scanning=SCANNING,
        sections=sections,
        categories=tuple(_shown(name, category, settings, register) for name, category in facts.categories.items()),
        survivors=tuple(SurvivorShown(id=one.value, reason=why) for one, why in in_words.SURVIVORS.items()),
    )
    return policy.model_copy(update={"hash": digest(policy)})


def digest(policy: Policy) -> str:
    """SHA-256, in hex, of the policy without its hash: canonical JSON with sorted keys and no spaces."""
    content = policy.model_dump(mode="json", exclude={"hash"})
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _values(words: _Source, settings: Settings) -> dict[str, str]:
    operator, unnamed = settings.operator, words.unnamed
    return {
        "operator": operator.name or unnamed["operator"],
        "contact": operator.contact or unnamed["contact"],
        "complaint": operator.complaint_authority or unnamed["complaint"],
        "remark": "" if operator.name and operator.contact else unnamed["remark"],
        "scanning": SCANNING,
        "backup_days": str(settings.retention.backup_days),
        "transient_days": str(settings.retention.transient_days),
    }


def _filled(section: Section, values: dict[str, str]) -> Section:
    def fill(texts: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(filled for text in texts if (filled := text.format_map(values)))

    return section.model_copy(update={"paragraphs": fill(section.paragraphs), "points": fill(section.points)})


def _shown(name: str, category: Category, settings: Settings, register: Register) -> CategoryShown:
    rights = category.rights
    granted = {"correct": rights.correctable, "take with you": rights.exportable, "erase": rights.erasable}
    return CategoryShown(
        id=name,
        title=category.title,
        what=category.what,
        people=tuple(in_words.PEOPLE[one] for one in category.people),
        purposes=tuple(in_words.purpose_in_words(purpose) for purpose in category.purposes),
        legal_basis=in_words.BASES[category.basis],
        kept=in_words.kept(category, settings),
        until=category.until,
        recipients=(*(in_words.RECIPIENTS[one] for one in category.recipients), *_named(name, category, register)),
        region=in_words.REGIONS[category.region],
        rights=("see", *(right for right, given in granted.items() if given)),
    )


def _named(name: str, category: Category, register: Register) -> Iterator[str]:
    """The companies that may have data of a category, as far as this installation uses them."""
    for one in register.recipients.values():
        if one.use and name in one.data:
            yield f"if you have agreed to it, {one.company} ({one.country})"
        if one.use and one.role is Role.INFRASTRUCTURE and category.places.objects:
            yield f"sealed, {one.company} ({one.country})"
