"""One vocabulary of failures for all third parties. The owner sees a code and our sentence, never a provider's text."""

from enum import StrEnum
from typing import Final

__all__ = ["RETRIED", "ProviderFailed", "ProviderFailure"]


class ProviderFailure(StrEnum):
    """How a provider's signals are told apart, whatever words it has for them."""

    INVALID_INPUT = "invalid_input"
    MODERATION_INPUT = "moderation_input"
    MODERATION_OUTPUT = "moderation_output"
    AUTH = "auth"
    QUOTA_EXHAUSTED = "quota_exhausted"
    RATE_LIMITED = "rate_limited"
    CAPACITY = "capacity"
    MODEL_RETIRED = "model_retired"
    TIMEOUT = "timeout"
    EXPIRED = "expired"
    INTERNAL = "internal"


RETRIED: Final = frozenset({ProviderFailure.RATE_LIMITED, ProviderFailure.CAPACITY})
"""Before a task exists these are tried again later; nothing was begun there, and nothing was paid."""


class ProviderFailed(Exception):
    """A provider refused, or its task has ended without a video."""

    def __init__(self, code: ProviderFailure, retry_after: float | None = None) -> None:
        """Fail with ``code``; ``retry_after`` in seconds, where the provider names a time."""
        super().__init__(code.value)
        self.code, self.retry_after = code, retry_after
