"""What the closed lists of the data map mean, in words for the people whose data they govern."""

from datetime import timedelta
from typing import Final

from cluster.privacy.data_map import Category, DataMapError, LegalBasis, People, Recipient, Region, Survivor
from cluster.privacy.purposes import OperatingPurpose, Purpose, recipient_of
from cluster.settings import Settings

__all__ = ["BASES", "PEOPLE", "RECIPIENTS", "REGIONS", "SURVIVORS", "kept", "life", "purpose_in_words"]

_PURPOSES: Final[dict[str, str]] = {
    OperatingPurpose.SERVICE: "doing what you ask the service for",
    OperatingPurpose.ACCOUNT: "keeping your account",
    OperatingPurpose.BILLING: "credits and invoices",
    OperatingPurpose.ESSENTIAL_UPDATES: "essential updates about the service",
    OperatingPurpose.SECURITY: "keeping accounts and the service secure",
    OperatingPurpose.SPAM_PREVENTION: "keeping spam accounts out",
    OperatingPurpose.RIGHTS: "fulfilling your rights",
    OperatingPurpose.LEGAL: "fulfilling the law",
    Purpose.AI_PROCESSING: "making videos from your photos",
    Purpose.FACE_PROCESSING: "finding faces for a feature that you asked for",
    Purpose.MODEL_IMPROVEMENT: "improving our own model",
    Purpose.ANALYTICS: "counting which features are used",
    Purpose.MARKETING_REFERENCE: "naming you as a customer",
    Purpose.INTERVIEW_RECORDING: "recording an interview with you",
}

BASES: Final = {
    LegalBasis.CONTRACT: "the contract with you (GDPR, Article 6(1)(b))",
    LegalBasis.CONSENT: "your consent (GDPR, Article 6(1)(a))",
    LegalBasis.LEGITIMATE_INTERESTS: "our legitimate interests, to which you can object (GDPR, Article 6(1)(f))",
    LegalBasis.LEGAL_OBLIGATION: "a legal obligation (GDPR, Article 6(1)(c))",
}

RECIPIENTS: Final = {
    Recipient.NOBODY: "nobody",
    Recipient.INFRASTRUCTURE: "nobody but providers of the machines and storage that we run on, where we rent them",
    Recipient.CHOSEN_BY_OWNER: "and the server whose address you gave us",
}

REGIONS: Final = {Region.INSTALLATION: "on the machines and storage of this installation"}

PEOPLE: Final = {
    People.ACCOUNT_HOLDERS: "people who use the service",
    People.PEOPLE_SHOWN: "people shown in photos and videos",
}

SURVIVORS: Final = {
    Survivor.SIGN_UP_ADDRESS: "The address and the day of a sign-up, without any id, to keep spam accounts out.",
    Survivor.CREDIT_LEDGER: "Movements of credits, as bare numbers under a random id, because books must balance.",
    Survivor.CONSENT_LEDGER: "Answers to notices, under a random id, because consent must be provable.",
    Survivor.DISCLOSURE_RECORD: "Which categories of data went to which company, under a random id, to have them "
    "deleted there.",
    Survivor.AUDIT_TRAIL: "That an account was opened, changed and closed, under random ids, to show who could get in.",
    Survivor.ERASURE_CERTIFICATE: "The proof that an erasure was done, which names nobody.",
}

_STANDING: Final = {
    "account": "As long as your account",
    "task": "Until the task is done",
    "forever": "For ever",
}


def purpose_in_words(purpose: str) -> str:
    """What a purpose means, to follow the word "for"."""
    recipient = recipient_of(purpose)
    return f"sharing with {recipient}, as you agreed" if recipient else _PURPOSES[purpose]


def kept(category: Category, settings: Settings) -> str:
    """For how long a category is kept; errors as in `life`."""
    length = life(category, settings)
    return _STANDING[str(category.retention)] if length is None else _length(length)


def life(category: Category, settings: Settings) -> timedelta | None:
    """The length of time that a category is kept; None if something else than time ends it.

    Raises:
        DataMapError: its retention names a setting that does not exist, or one that is no length of time.
    """
    if isinstance(category.retention, int):
        return timedelta(days=category.retention)
    if category.retention in _STANDING:
        return None
    group, _, key = category.retention.removeprefix("setting:").partition(".")
    value = getattr(getattr(settings, group, None), key, None)
    unit = key.rpartition("_")[2]
    if not isinstance(value, int) or unit not in ("days", "hours", "minutes"):
        raise DataMapError(f"{category.retention!r} is no setting of a length of time")
    return timedelta(**{unit: value})


def _length(life: timedelta) -> str:
    minutes = life // timedelta(minutes=1)
    for name, size in (("day", 1440), ("hour", 60), ("minute", 1)):
        if minutes % size == 0 and minutes >= size:
            return f"{minutes // size} {name}{'s' if minutes > size else ''}"
    return "Not at all"
