"""What personal data may be used for. No other purpose exists; a sale of data cannot be named here."""

from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator

from cluster.privacy.forbidden_terms import SALE, mentions

__all__ = ["OperatingPurpose", "Purpose", "UnknownPurpose", "UsedFor", "checked", "recipient_of", "share_purpose"]

SHARE = "share:"


class Purpose(StrEnum):
    """Purposes that are asked about one by one. Sharing has one purpose for each recipient: `share_purpose`."""

    AI_PROCESSING = "ai_processing"
    FACE_PROCESSING = "face_processing"
    MODEL_IMPROVEMENT = "model_improvement"
    ANALYTICS = "analytics"
    MARKETING_REFERENCE = "marketing_reference"
    INTERVIEW_RECORDING = "interview_recording"


class OperatingPurpose(StrEnum):
    """Purposes without which there is no service; nobody is asked about them, everybody is told."""

    SERVICE = "service"
    ACCOUNT = "account"
    BILLING = "billing"
    ESSENTIAL_UPDATES = "essential_updates"
    SECURITY = "security"
    SPAM_PREVENTION = "spam_prevention"
    RIGHTS = "rights"
    LEGAL = "legal"


class UnknownPurpose(ValueError):
    """Something is to be used for what is no purpose here."""


_KNOWN = frozenset({*Purpose, *OperatingPurpose})


def checked(purpose: str) -> str:
    """The purpose, if it is one.

    Raises:
        UnknownPurpose: it is neither on a list above nor the sharing with one named recipient, or it is a sale.
    """
    if (purpose not in _KNOWN and not recipient_of(purpose)) or mentions(purpose, SALE):
        raise UnknownPurpose("this is no purpose that data may be used for; cluster/privacy/purposes.py lists them")
    return purpose


def _checked(purpose: str) -> str:
    return checked(purpose)


UsedFor = Annotated[str, AfterValidator(_checked)]
"""A field of a model that holds a purpose."""


def share_purpose(recipient: str) -> str:
    """The purpose of sending media to one named third party."""
    return SHARE + recipient


def recipient_of(purpose: str) -> str | None:
    """The third party that a purpose shares with, or None if it shares with nobody."""
    return purpose.removeprefix(SHARE) if purpose.startswith(SHARE) else None
