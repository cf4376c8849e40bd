"""Why nothing may go to a recipient today. Asked before a photo is read, and again immediately before it is sent.

Pure: who asks says what day it is. A consent is no part of it; that has a gate of its own.
"""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final, Literal

from cluster.privacy.agreements import Agreement, Contract
from cluster.privacy.provider_models import Lifecycle
from cluster.privacy.recipients import Fate, Recipient, Role

__all__ = ["Obstacle", "ObstacleCode", "Profile", "obstacle"]

Profile = Literal["laptop", "production"]


class ObstacleCode(StrEnum):
    """What stands in the way."""

    NOT_OFFERED = "not_offered"
    MODEL_RETIRED = "model_retired"
    NOT_CONFIGURED = "not_configured"
    REGION_NOT_ALLOWED = "region_not_allowed"
    CONTRACT_MISSING = "contract_missing"
    CONTRACT_EXPIRED = "contract_expired"
    NO_TRAINING_MISSING = "no_training_missing"
    EQUAL_PROTECTION_MISSING = "equal_protection_missing"
    ENCRYPTION_AT_REST_MISSING = "encryption_at_rest_missing"
    GDPR_MISSING = "gdpr_missing"
    CCPA_MISSING = "ccpa_missing"
    MECHANISM_MISSING = "mechanism_missing"
    ASSESSMENT_MISSING = "assessment_missing"
    ASSESSMENT_EXPIRED = "assessment_expired"
    KEEPS_COPIES = "keeps_copies"


_SENTENCES = {
    ObstacleCode.NOT_OFFERED: "{name} does not make that.",
    ObstacleCode.MODEL_RETIRED: "{name} has retired this model.",
    ObstacleCode.NOT_CONFIGURED: "{name} is not used by this installation.",
    ObstacleCode.REGION_NOT_ALLOWED: "{name} is set to a region or an address that its entry in the register lacks.",
    ObstacleCode.CONTRACT_MISSING: "There is no contract on data with {name}.",
    ObstacleCode.CONTRACT_EXPIRED: "The contract on data with {name} has expired.",
    ObstacleCode.NO_TRAINING_MISSING: "No contract keeps {name} from training, advertising and profiling with data.",
    ObstacleCode.EQUAL_PROTECTION_MISSING: "No contract obliges {name} to protect data as well as we do.",
    ObstacleCode.ENCRYPTION_AT_REST_MISSING: "No contract obliges {name} to encrypt what it stores.",
    ObstacleCode.GDPR_MISSING: "No contract obliges {name} to keep to the GDPR.",
    ObstacleCode.CCPA_MISSING: "No contract obliges {name} to keep to the CCPA.",
    ObstacleCode.MECHANISM_MISSING: "There is nothing that a transfer of data to {name} could rest on.",
    ObstacleCode.ASSESSMENT_MISSING: "{name} was not assessed.",
    ObstacleCode.ASSESSMENT_EXPIRED: "The assessment of {name} has expired.",
    ObstacleCode.KEEPS_COPIES: "{name} keeps copies that nobody can delete, and no exception is recorded.",
}

_CLAUSES: Final = {
    "no_training": ObstacleCode.NO_TRAINING_MISSING,
    "equal_protection": ObstacleCode.EQUAL_PROTECTION_MISSING,
    "encryption_at_rest": ObstacleCode.ENCRYPTION_AT_REST_MISSING,
    "gdpr": ObstacleCode.GDPR_MISSING,
    "ccpa": ObstacleCode.CCPA_MISSING,
}
"""What stands in the way if a contract has no such clause."""


@dataclass(frozen=True, slots=True)
class Obstacle:
    """What stands in the way, as a code and as a sentence."""

    code: ObstacleCode
    sentence: str


def obstacle(recipient: Recipient, model: str, *, today: date, profile: Profile) -> Obstacle | None:
    """What keeps a model of a recipient from being used today; None if nothing does."""
    code = _of_model(recipient, model, today) or _of_place(recipient, profile) or _of_papers(recipient, today, profile)
    return Obstacle(code, _SENTENCES[code].format(name=recipient.name)) if code else None


def _of_model(recipient: Recipient, model: str, today: date) -> ObstacleCode | None:
    entry = recipient.models.get(model)
    if recipient.role is not Role.AI_PROVIDER or entry is None:
        return ObstacleCode.NOT_OFFERED
    return ObstacleCode.MODEL_RETIRED if entry.lifecycle(today) is Lifecycle.RETIRED else None


def _of_place(recipient: Recipient, profile: Profile) -> ObstacleCode | None:
    """In production a recipient is at its own address, and over TLS; elsewhere an emulator may stand in for it."""
    if recipient.use is None:
        return ObstacleCode.NOT_CONFIGURED
    url = recipient.base_url
    moved = recipient.use.base_url is not None and recipient.legal_name is not None
    unsafe = profile == "production" and (moved or not (url or "").startswith("https://"))
    return ObstacleCode.REGION_NOT_ALLOWED if recipient.region is None or url is None or unsafe else None


def _of_papers(recipient: Recipient, today: date, profile: Profile) -> ObstacleCode | None:
    """Papers count up to and including the day that they name."""
    agreement = recipient.use.agreement if recipient.use else Agreement()
    if agreement.contract is None:
        return ObstacleCode.CONTRACT_MISSING
    if agreement.contract.expires < today:
        return ObstacleCode.CONTRACT_EXPIRED
    if missing := _of_clauses(agreement.contract):
        return missing
    if agreement.mechanism is None:
        return ObstacleCode.MECHANISM_MISSING
    if agreement.assessment is None:
        return ObstacleCode.ASSESSMENT_MISSING
    if agreement.assessment.expires < today:
        return ObstacleCode.ASSESSMENT_EXPIRED
    keeps = recipient.copies.fate is Fate.EXPIRES and profile == "production" and agreement.exception is None
    return ObstacleCode.KEEPS_COPIES if keeps else None


def _of_clauses(contract: Contract) -> ObstacleCode | None:
    """What a contract obliges to is known only where somebody has found the clause."""
    return next((code for name, code in _CLAUSES.items() if getattr(contract, name) is None), None)
