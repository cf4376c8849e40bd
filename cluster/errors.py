"""Every error that a caller of the service can meet: its HTTP status, its code, and what to do about it.

The ingress turns these into the OpenAI error object ``{"error": {message, type, param, code}}``. Texts never
repeat what the caller sent. A failed job carries the ``code`` of one of these and is itself no HTTP error.
"""

import math
from collections.abc import Mapping
from typing import Any, ClassVar

__all__ = [
    "AccessLogUnavailable",
    "AccountExists",
    "AttestationRequired",
    "Busy",
    "ConsentRequired",
    "ConsentWithdrawn",
    "CrossSite",
    "FileMissing",
    "Forbidden",
    "FreshLoginRequired",
    "HeadersTooLarge",
    "IdempotencyKeyReused",
    "InsufficientCredits",
    "InsufficientScope",
    "InvalidCredentials",
    "InvalidRequest",
    "LinkExpired",
    "LinkInvalid",
    "MethodNotAllowed",
    "ModelNotFound",
    "NoAnswer",
    "NotForMinors",
    "NotFound",
    "NotReady",
    "NotThroughTheEdge",
    "PayloadTooLarge",
    "PersonalText",
    "PhotoErased",
    "QueueFull",
    "RangeNotSatisfiable",
    "RecipientFailing",
    "RecipientUnavailable",
    "RequestInProgress",
    "RequestTimeout",
    "ServiceError",
    "SpendingCapReached",
    "StateConflict",
    "TooManyFiles",
    "TooManyQueued",
    "TooManyRequests",
    "TooManyStreams",
    "Unavailable",
    "VideoDelivered",
    "VideoExpired",
    "WrongLogin",
]


class ServiceError(Exception):
    """Base of all errors with an answer. ``message`` is a whole sentence for the person who called."""

    status: ClassVar[int] = 500
    type: ClassVar[str] = "server_error"
    code: str = "internal_error"
    message: str = "Something went wrong on our side. Nothing was charged; please try again."
    retryable: ClassVar[bool] = False

    def __init__(
        self,
        message: str | None = None,
        *,
        code: str | None = None,
        param: str | None = None,
        details: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        retry_after: float | None = None,
    ) -> None:
        """Override the class's sentence and code where one case says more than the class does.

        ``retry_after``: the seconds after which it is worth while to come back.
        """
        super().__init__(message or self.message)
        self.message = message or self.message
        self.code = code or self.code
        self.param = param
        self.details = dict(details or {})
        self.headers = dict(headers or {})
        if retry_after is not None:
            self.headers |= _retry_after(retry_after)

    def __reduce__(self) -> tuple[Any, ...]:
        """Errors cross process boundaries by value, keyword arguments included."""
        return _rebuild, (type(self), self.message, self.code, self.param, self.details, self.headers)

    def body(self) -> dict[str, Any]:
        """The OpenAI error object; ``details`` (a notice, limits, alternatives) stand beside its four fields."""
        fields = {"message": self.message, "type": self.type, "param": self.param, "code": self.code}
        return {"error": fields | self.details}

    def all_headers(self) -> dict[str, str]:
        """Its own headers, and those that tell SDKs to try again if that may help."""
        return ({"x-should-retry": "true"} | _retry_after(1) if self.retryable else {}) | self.headers


def _retry_after(seconds: float) -> dict[str, str]:
    """When to come back: exactly for those who know milliseconds, rounded up for the others."""
    return {"retry-after-ms": str(math.ceil(1000 * seconds)), "retry-after": str(math.ceil(seconds))}


def _rebuild(
    kind: type[ServiceError],
    message: str,
    code: str,
    param: str | None,
    details: dict[str, Any],
    headers: dict[str, str],
) -> ServiceError:
    return kind(message, code=code, param=param, details=details, headers=headers)


class InvalidRequest(ServiceError):
    """A field is missing, malformed or out of range; correct it and send again."""

    status = 400
    type = "invalid_request_error"
    code = "invalid_request"
    message = "The request is not valid."


class InvalidCredentials(ServiceError):
    """No API key, or one that is unknown, revoked or expired."""

    status = 401
    type = "authentication_error"
    code = "invalid_api_key"
    message = "Give a valid API key in the header 'Authorization: Bearer …'. POST /v1/accounts makes one."


class WrongLogin(InvalidCredentials):
    """No account has this e-mail and password; whether one has the e-mail is not told."""

    code = "wrong_login"
    message = "No account has this e-mail and password. Check both, or prove yourself with an API key."


class InsufficientCredits(ServiceError):
    """The account's credits do not cover the job."""

    status = 402
    type = "insufficient_quota"
    code = "insufficient_credits"
    message = "This job costs more credits than the account has left. A shorter or smaller video costs less."


class SpendingCapReached(InsufficientCredits):
    """The job would take the API key above its spending cap, though the account may have credits enough."""

    code = "spending_cap_reached"
    message = "This job costs more than this API key may still spend. Use another key, or order a shorter video."


class Forbidden(ServiceError):
    """The credential is valid but has no right to do this."""

    status = 403
    type = "permission_error"
    code = "forbidden"
    message = "This API key may not do that."


class InsufficientScope(Forbidden):
    """The credential was made for other things; ``details`` names the scope that is needed."""

    code = "insufficient_scope"
    message = "This credential was not made for that. Use one that has the scope named in 'needed_scope'."


class NotThroughTheEdge(Forbidden):
    """The request came to a replica itself, where nobody vouches for the caller's address."""

    code = "not_through_the_edge"
    message = "This port serves nobody. Use the public address of the service."


class FreshLoginRequired(Forbidden):
    """This needs proof of who is asking that is minutes old; ``details`` says how to give it."""

    code = "fresh_login_required"
    message = "Log in again with POST /v1/sessions, then repeat this with the token that it returns."


class CrossSite(Forbidden):
    """A page of another site used the session cookie."""

    code = "cross_site_request"
    message = "This came from a page of another site. Only pages of this service may use its session cookie."


class ConsentRequired(Forbidden):
    """Data would be used for a purpose that was never agreed to; ``details`` carries the notice to agree to."""

    code = "consent_required"
    message = "This needs your consent first. Read the notice, then answer it with POST /v1/consents."


class ConsentWithdrawn(ConsentRequired):
    """Consent to the purpose was given or assumed once and has been withdrawn since."""

    code = "consent_withdrawn"
    message = "You have withdrawn your consent to this. Nothing happens until you give it again with POST /v1/consents."


class AttestationRequired(Forbidden):
    """A photo is to be shared, and nobody has said that the people in it agree."""

    code = "attestation_required"
    message = (
        "This model belongs to a third party, to whom the photo is sent. Send people_agree=true if everybody who can be"
        " recognised in it agrees; or use the model 'default', which shares nothing."
    )


class PersonalText(Forbidden):
    """The prompt for a third party's model names the account's owner."""

    code = "personal_text"
    message = (
        "The prompt holds your own name or e-mail address, or a phone number, and would be sent to a third party. Leave"
        " it out, or send confirm_personal_text=true; the model 'default' shares nothing."
    )


class RecipientUnavailable(Forbidden):
    """Nothing may go to the third party that makes this model's videos; `reason` says why, `alternatives` what does."""

    code = "recipient_unavailable"
    message = "Nothing can be sent to the company that makes this model's videos. The model 'default' needs nobody."


class NotForMinors(Forbidden):
    """The account is known to be a minor's: nothing of it goes to a third party."""

    code = "not_for_minors"
    message = "This account may not use models of third parties. The model 'default' shares nothing, and works."


class LinkInvalid(Forbidden):
    """The link to content was altered, or whoever asked for it may not read the content any more."""

    code = "link_invalid"
    message = "This link opens nothing. Ask for a new one with POST /v1/videos/{id}/content_link."


class LinkExpired(LinkInvalid):
    """The link to content is older than the minutes that it lives."""

    code = "link_expired"
    message = "This link has expired. Ask for a new one with POST /v1/videos/{id}/content_link."


class NotFound(ServiceError):
    """There is no such thing, or it is another account's: the answer is the same."""

    status = 404
    type = "invalid_request_error"
    code = "not_found"
    message = "There is no such resource for this account."


class FileMissing(NotFound):
    """There is no such file to make a video of, or it was deleted, has expired or is another account's."""

    code = "file_not_found"
    message = "This account has no such file. Upload it with POST /v1/files, or send the photo itself."


class VideoExpired(ServiceError):
    """The video's own time to live is over. Its entry stays until its owner deletes it."""

    status = 410
    type = "invalid_request_error"
    code = "video_expired"
    message = "The time to live of this video is over, and its content is erased."


class PhotoErased(VideoExpired):
    """The photo of a video is not kept any more, so that nothing can be made of it."""

    code = "photo_erased"
    message = "The photo of this video is not kept any more. Make a new video and send the photo with it."


class VideoDelivered(VideoExpired):
    """A video that was not to be stored was downloaded whole, and is kept no longer."""

    code = "video_delivered"
    message = "This video was made with store=false and has been downloaded whole once; its content is erased."


class ModelNotFound(InvalidRequest):
    """No model of that name."""

    code = "model_not_found"
    message = "There is no such model. GET /v1/models lists those that there are."


class MethodNotAllowed(ServiceError):
    """The route exists, the method does not."""

    status = 405
    type = "invalid_request_error"
    code = "method_not_allowed"
    message = "This route does not take that method."


class RequestTimeout(ServiceError):
    """The request came too slowly, or not to its end."""

    status = 408
    type = "invalid_request_error"
    code = "request_timeout"
    message = "The request did not come in time. Nothing was accepted; send it again over a steadier connection."
    retryable = True


class StateConflict(ServiceError):
    """The resource is in a state that does not allow this; the SDKs must not retry it."""

    status = 409
    type = "invalid_request_error"
    code = "state_conflict"
    message = "The resource is in a state that does not allow this."

    def __init__(self, message: str | None = None, **options: Any) -> None:
        """Add the header that stops SDKs from retrying a 409."""
        options["headers"] = {"x-should-retry": "false"} | dict(options.get("headers") or {})
        super().__init__(message, **options)


class AccountExists(StateConflict):
    """There is an account with this very e-mail and password already."""

    code = "account_exists"
    message = "You have an account with this e-mail and password. Log in with POST /v1/sessions."


class NotReady(StateConflict):
    """The video has no content yet (or will never have any)."""

    code = "video_not_ready"
    message = "This video has no content. Poll it until its status is 'completed'."


class RequestInProgress(ServiceError):
    """A twin with the same Idempotency-Key is still being accepted."""

    status = 409
    type = "invalid_request_error"
    code = "request_in_progress"
    message = "A request with this Idempotency-Key is still being accepted. Try again in a moment."
    retryable = True


class PayloadTooLarge(ServiceError):
    """The body or one of its parts is larger than the limit that the message names."""

    status = 413
    type = "invalid_request_error"
    code = "payload_too_large"
    message = "The request body is too large."


class HeadersTooLarge(ServiceError):
    """The URL or the headers are longer than the limit that the message names."""

    status = 431
    type = "invalid_request_error"
    code = "headers_too_large"
    message = "The URL or the headers of the request are too long."


class RangeNotSatisfiable(ServiceError):
    """The Range header asks for bytes that the content does not have."""

    status = 416
    type = "invalid_request_error"
    code = "range_not_satisfiable"
    message = "The requested range lies outside the content."


class IdempotencyKeyReused(ServiceError):
    """The same Idempotency-Key came with another body."""

    status = 422
    type = "invalid_request_error"
    code = "idempotency_key_reused"
    message = "This Idempotency-Key was used for another request. Use a new key for a new request."


class TooManyRequests(ServiceError):
    """A limit is used up; the headers say when to come back."""

    status = 429
    type = "rate_limit_error"
    code = "rate_limit_exceeded"
    message = "Too many requests. Come back after the time in the header 'retry-after-ms'."
    retryable = True


class Busy(TooManyRequests):
    """The process that got the request has as much of its kind to do as it can; others may have room at once."""

    code = "server_busy"
    message = "This part of the service is busy. Nothing was done; come back after the time in 'retry-after-ms'."


class TooManyStreams(TooManyRequests):
    """The account takes as many downloads, event streams and waiting answers at once as it may. Close some first."""

    code = "too_many_streams"
    message = "This account takes as many long answers at once as it may. Let one end, or close it, first."


class TooManyFiles(StateConflict):
    """The account keeps as many files as it may; `limit` says how many. Delete some, or let them expire."""

    code = "too_many_files"
    message = "This account keeps as many files as it may. Delete some that are not needed any more."


class TooManyQueued(TooManyRequests):
    """The account has as many videos waiting or running as it may; `details` says how many. Let some finish first."""

    code = "too_many_queued"
    message = "This account has as many videos waiting or running as it may. Let some finish first."


class NoAnswer(ServiceError):
    """The process that had the request ended or fell silent before it answered."""

    status = 502
    code = "no_answer"
    message = "The answer was lost on our side. Repeat a request that creates something with its Idempotency-Key only."


class Unavailable(ServiceError):
    """A part that the answer depends on is down. Privacy fails closed: without it there is no answer."""

    status = 503
    type = "server_error"
    code = "unavailable"
    message = "A part of the service is down. Nothing was accepted or charged; please try again shortly."
    retryable = True


class QueueFull(Unavailable):
    """More videos are waiting than can be made in a sensible time, whoever they are of; come back later."""

    code = "queue_full"
    message = "Too many videos of everybody are waiting. Nothing was accepted or charged; please try again later."


class RecipientFailing(Unavailable):
    """The third party that makes this model's videos fails again and again, and is left alone for a while."""

    code = "recipient_failing"
    message = (
        "The company that makes this model's videos does not answer as it should. Nothing was accepted or charged; try"
        " again later, or use the model 'default'."
    )


class AccessLogUnavailable(Unavailable):
    """Accesses cannot be written down, so there is none."""

    code = "access_log_unavailable"
    message = "The access log cannot be written, so nobody is let in. Nothing was done; please try again shortly."
