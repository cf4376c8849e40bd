"""Registers in which somebody is in use, for tests of what follows from that."""

from datetime import date, timedelta
from functools import cache
from typing import Any, Final

from cluster.privacy.recipients import Recipient, Register, parse
from cluster.settings import configs_folder

__all__ = ["CLAUSES", "LATER", "OPTIONS", "TODAY", "agreement", "in_use", "recipient", "register"]

TODAY: Final = date(2026, 11, 26)
LATER: Final = TODAY + timedelta(days=300)
OPTIONS: Final[dict[str, dict[str, Any]]] = {
    "veo": {"options": {"project": "a-project"}},
    "bedrock": {"options": {"bucket": "a-bucket"}},
    "openai_videos": {"legal_name": "Upstream GmbH", "country": "Germany", "base_url": "https://videos.example"},
}
"""What has to be said of those of whom the register leaves something open."""

CLAUSES: Final = {
    "no_training": "Clause 4.2",
    "equal_protection": "Clause 5",
    "encryption_at_rest": "Annex II, 3",
    "gdpr": "Clause 1.1",
    "ccpa": "Annex IV",
}
"""Where a contract obliges to what it has to oblige to."""


def agreement(until: date = LATER) -> dict[str, Any]:
    """Papers of which none is missing, without an exception."""
    return {
        "contract": {"reference": "DPA 7", "expires": until, "max_retention_days": 1} | CLAUSES,
        "assessment": {"reference": "TIA 3", "expires": until},
        "mechanism": "Standard contractual clauses (EU) 2021/914",
    }


def in_use(*names: str, until: date = LATER, **changes: Any) -> dict[str, Any]:
    """The setting `recipients.in_use` with these; ``changes`` are made to each of them."""
    return {name: {"agreement": agreement(until)} | OPTIONS.get(name, {}) | changes for name in names}


def register(used: dict[str, Any] | None = None) -> Register:
    """The register as it is shipped, with these in use."""
    return parse((configs_folder() / "recipients.yaml").read_text(encoding="utf-8"), used)


@cache
def _shipped(name: str) -> dict[str, Any]:
    return register().recipients[name].model_dump(by_alias=True)


def recipient(name: str, **changes: Any) -> Recipient:
    """One recipient, in use."""
    return Recipient.model_validate(_shipped(name) | {"use": in_use(name, **changes)[name]})
