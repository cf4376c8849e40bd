"""The list of subprocessors, made from the register: everybody who may get data, in either role, in use or not."""

import hashlib
from collections.abc import Iterator
from typing import Final

from pydantic import BaseModel, ConfigDict, Field

from cluster.privacy.recipients import Recipient, Register, Role
from cluster.privacy.share_notices import DATA, copies, training

__all__ = ["Subprocessor", "Subprocessors", "listed"]

_SEALED = ("sealed bytes, to which only we have the keys",)
_ALWAYS = "Part of the machines that this service runs on; it can open nothing of what it keeps."
_CONSENT = "Only if you have agreed to it, for a model of theirs that you chose; see GET /v1/notices."
_NOBODY = "Nothing goes there from this installation."
_CLAUSES: Final = {
    "no_training": "The contract forbids them to train, advertise and profile with it ({clause}).",
    "equal_protection": "The contract obliges them to protect it as well as we do ({clause}).",
    "encryption_at_rest": "The contract obliges them to encrypt what they store ({clause}).",
    "gdpr": "The contract obliges them to keep to the GDPR, as a processor ({clause}).",
    "ccpa": "The contract obliges them to keep to the CCPA, as a service provider ({clause}).",
}


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Subprocessor(_Entry):
    """One company in one role."""

    id: str
    name: str
    legal_name: str
    role: Role
    in_use: bool
    when: str = Field(description="What has to be so before anything goes there.")
    purpose: str
    country: str
    data: tuple[str, ...]
    transfer: str | None = Field(description="What the transfer rests on.")
    copies: str = Field(description="What becomes of their copies.")
    kept_at_most_days: int = Field(description="Days after which nothing of a task is left there.")
    cannot_be_deleted: tuple[str, ...]
    obligations: tuple[str, ...]
    exception: str | None = Field(description="What is told of copies that nobody can delete.")
    models: tuple[str, ...]


class Subprocessors(_Entry):
    """The list. ``hash`` is the SHA-256 of the rest, as JSON."""

    object: str = "list"
    hash: str
    title: str = "Subprocessors"
    summary: str = (
        "Everybody who may hold data for us. The default model uses none of those that make videos: it runs on our own "
        "machines and shares nothing with anybody."
    )
    data: tuple[Subprocessor, ...]


def listed(register: Register) -> Subprocessors:
    """Those in use first, each group in the register's order."""
    data = tuple(_shown(one) for one in sorted(register.recipients.values(), key=lambda one: one.use is None))
    document = Subprocessors(hash="", data=data)
    digest = hashlib.sha256(document.model_dump_json().encode()).hexdigest()
    return document.model_copy(update={"hash": digest})


def _shown(recipient: Recipient) -> Subprocessor:
    agreement = recipient.use.agreement if recipient.use else None
    provider = recipient.role is Role.AI_PROVIDER
    return Subprocessor(
        id=recipient.id,
        name=recipient.called if recipient.use else recipient.name,
        legal_name=recipient.company,
        role=recipient.role,
        in_use=recipient.use is not None,
        when=(_CONSENT if provider else _ALWAYS) if recipient.use else _NOBODY,
        purpose=recipient.purpose,
        country=recipient.country,
        data=tuple(DATA[one] for one in recipient.data) if provider else _SEALED,
        transfer=agreement.mechanism if agreement else None,
        copies=copies(recipient),
        kept_at_most_days=recipient.last_copy_days,
        cannot_be_deleted=recipient.copies.cannot_be_deleted,
        obligations=tuple(_obligations(recipient)),
        exception=agreement.exception.shown if agreement and agreement.exception else None,
        models=tuple(recipient.models),
    )


def _obligations(recipient: Recipient) -> Iterator[str]:
    if recipient.role is Role.AI_PROVIDER:
        yield training(recipient)
    yield recipient.no_training.on_the_wire
    contract = recipient.use.agreement.contract if recipient.use else None
    for name, sentence in _CLAUSES.items():
        if clause := getattr(contract, name, None):
            yield sentence.format(clause=clause)
