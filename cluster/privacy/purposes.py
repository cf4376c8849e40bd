"""What personal data may be used for. No other purpose exists; a sale of data cannot be named here."""

from enum import StrEnum

__all__ = ["Purpose", "recipient_of", "share_purpose"]

SHARE = "share:"


class Purpose(StrEnum):
    """Purposes that are asked about one by one. Sharing has one purpose for each recipient: `share_purpose`."""

    AI_PROCESSING = "ai_processing"
    FACE_PROCESSING = "face_processing"
    MODEL_IMPROVEMENT = "model_improvement"
    ANALYTICS = "analytics"
    MARKETING_REFERENCE = "marketing_reference"
    INTERVIEW_RECORDING = "interview_recording"


def share_purpose(recipient: str) -> str:
    """The purpose of sending media to one named third party."""
    return SHARE + recipient


def recipient_of(purpose: str) -> str | None:
    """The third party that a purpose shares with, or None if it shares with nobody."""
    return purpose.removeprefix(SHARE) if purpose.startswith(SHARE) else None
