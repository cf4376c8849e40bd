"""The list of promises, and the claims of those that are kept, as `configs/promises.yaml` has them."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field

__all__ = ["FILE", "Claim", "Promise", "Section", "kept", "read"]

FILE = Path(__file__).parents[3] / "configs" / "promises.yaml"


class Claim(BaseModel):
    """What is claimed of a kept promise."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    enforcement: tuple[str, ...] = Field(min_length=1, description="`package.module:object` each.")
    extent: str | None = Field(default=None, description="How far it is kept, where that is not all of it.")


class _Group(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    letter: str
    title: str
    promises: Mapping[str, str]


class _File(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    sections: tuple[_Group, ...]
    documents: tuple[str, ...] = ()
    kept: Mapping[str, Claim] = {}


@dataclass(frozen=True, slots=True)
class Promise:
    """One clause of the policy; without a claim it is not kept yet."""

    number: str
    text: str
    is_document: bool
    claim: Claim | None


@dataclass(frozen=True, slots=True)
class Section:
    """Promises about one subject."""

    letter: str
    title: str
    promises: tuple[Promise, ...]


def read(file: Path = FILE) -> tuple[Section, ...]:
    """The whole list, in the policy's order.

    Raises:
        ValueError: the file has an unknown field, or claims something of a number that no clause has.
    """
    content = _File.model_validate(yaml.safe_load(file.read_text(encoding="utf-8")))
    numbers = {number for group in content.sections for number in group.promises}
    if strangers := {*content.kept, *content.documents} - numbers:
        raise ValueError(f"There is no such promise: {', '.join(sorted(strangers))}.")
    return tuple(Section(group.letter, group.title, _promises(group, content)) for group in content.sections)


def kept(sections: tuple[Section, ...]) -> dict[str, Claim]:
    """The claims by promise."""
    return {p.number: p.claim for section in sections for p in section.promises if p.claim}


def _promises(group: _Group, content: _File) -> tuple[Promise, ...]:
    return tuple(
        Promise(number, text, number in content.documents, content.kept.get(number))
        for number, text in group.promises.items()
    )
