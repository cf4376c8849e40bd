"""What Amazon's answers mean. Its sentences are read where it has no code for a thing, and are never kept."""

from collections.abc import Mapping
from typing import Any, Final

from serve.recipients.failures import ProviderFailed, ProviderFailure
from serve.recipients.replies import retry_after
from serve.recipients.wire import LostOnTheWay, Reply

__all__ = ["ended", "not_told", "refused"]

_NAMES: Final = {
    "AccessDeniedException": ProviderFailure.AUTH,
    "ThrottlingException": ProviderFailure.RATE_LIMITED,
    "ServiceQuotaExceededException": ProviderFailure.CAPACITY,
    "ServiceUnavailableException": ProviderFailure.CAPACITY,
    "ResourceNotFoundException": ProviderFailure.MODEL_RETIRED,
    "ValidationException": ProviderFailure.INVALID_INPUT,
}
"""A quota is of how many run at a time, and ends by waiting. What was unavailable is safely asked again: the token of a
submission makes one task, however often it is sent."""
_STATUSES: Final = {
    401: ProviderFailure.AUTH,
    403: ProviderFailure.AUTH,
    413: ProviderFailure.INVALID_INPUT,
    429: ProviderFailure.RATE_LIMITED,
}
_UNPAID: Final = "INVALID_PAYMENT_INSTRUMENT"
_BLOCKED: Final = ("content filter", "moderat", "responsible ai")
_UNKNOWN_MODEL: Final = "model identifier"


def refused(reply: Reply) -> ProviderFailed | LostOnTheWay:
    """What the refusal of a new task means; `LostOnTheWay` if there may be a task all the same."""
    name, message = _name(reply), _message(reply.json(), "message")
    code = _NAMES.get(name) or _STATUSES.get(reply.status)
    if name == "ConflictException" or (code is None and not 400 <= reply.status < 500):
        return LostOnTheWay()
    if code is ProviderFailure.AUTH and _UNPAID.casefold() in message:
        code = ProviderFailure.QUOTA_EXHAUSTED
    elif code is ProviderFailure.INVALID_INPUT and _is_blocked(message):
        code = ProviderFailure.MODERATION_INPUT
    elif code is ProviderFailure.INVALID_INPUT and _UNKNOWN_MODEL in message:
        code = ProviderFailure.MODEL_RETIRED
    return ProviderFailed(code or ProviderFailure.INTERNAL, retry_after(reply))


def ended(invocation: Mapping[str, Any]) -> ProviderFailed:
    """Why an invocation has failed."""
    message = _message(invocation, "failureMessage")
    if not _is_blocked(message):
        return ProviderFailed(ProviderFailure.INTERNAL)
    made = "generated" in message or "output" in message
    return ProviderFailed(ProviderFailure.MODERATION_OUTPUT if made else ProviderFailure.MODERATION_INPUT)


def not_told(reply: Reply) -> ProviderFailed:
    """Why a question was not answered. What may go better later is one of `RETRIED`."""
    return ProviderFailed(_STATUSES.get(reply.status) or ProviderFailure.CAPACITY, retry_after(reply))


def _name(reply: Reply) -> str:
    return reply.headers.get("x-amzn-errortype", "").partition(":")[0]


def _message(body: object, name: str) -> str:
    value = body.get(name) if isinstance(body, Mapping) else None
    return value.casefold() if isinstance(value, str) else ""


def _is_blocked(message: str) -> bool:
    return any(word in message for word in _BLOCKED)
