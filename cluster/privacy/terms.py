"""What everybody is told before they come in: a text for accounts, one for guests, each with a version.

Both say that uploads are scanned, in one sentence that stands in every text; without it a text is not published.
"""

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from cluster.privacy.notices import NoticeError

__all__ = ["SCANNING", "Audience", "Terms", "read", "read_terms"]

SCANNING = (
    "Every photo you upload and every video made for you is scanned for unlawful content, above all for the sexual "
    "abuse of children, and what is found is reported."
)


class Audience(StrEnum):
    """Who is told."""

    SIGN_UP = "sign_up"
    GUEST = "guest"


@dataclass(frozen=True, slots=True)
class Terms:
    """One text. The version is a digest of it, so that it cannot change under somebody who has read it."""

    version: str
    text: str


def read(source: str) -> Terms:
    """One text.

    Raises:
        NoticeError: it does not say that uploads are scanned.
    """
    text = " ".join(source.split())
    if SCANNING not in text:
        raise NoticeError("The sentence on scanning is missing.")
    return Terms(hashlib.sha256(source.encode()).hexdigest()[:32], source.strip())


def read_terms(folder: Path) -> dict[Audience, Terms]:
    """The text for each audience: ``sign_up.md`` and ``guest.md``."""
    return {audience: read((folder / f"{audience}.md").read_text(encoding="utf-8")) for audience in Audience}
