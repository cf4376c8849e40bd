"""Why a URL could not be used: one vocabulary for photos by link and for webhooks. No text repeats the URL."""

from enum import StrEnum
from typing import Final

__all__ = ["SENTENCES", "UrlFailure"]


class UrlFailure(StrEnum):
    """The codes that a caller can meet."""

    NOT_ALLOWED = "url_not_allowed"
    UNREACHABLE = "url_unreachable"
    CERTIFICATE = "url_certificate_invalid"
    TOO_LARGE = "url_too_large"
    TOO_SLOW = "url_too_slow"
    NOT_FOUND = "url_not_found"
    BAD_ANSWER = "url_bad_answer"
    TOO_MANY_REDIRECTS = "url_too_many_redirects"


SENTENCES: Final[dict[UrlFailure, str]] = {
    UrlFailure.NOT_ALLOWED: "This URL is not allowed. Give an http or https URL of a public host, without a user name,"
    " that leads to no private address; webhooks need https.",
    UrlFailure.UNREACHABLE: "The host of this URL cannot be reached. Check the URL, or send the photo as a file.",
    UrlFailure.CERTIFICATE: "The host of this URL has no valid certificate for its name.",
    UrlFailure.TOO_LARGE: "What lies behind this URL is larger than a photo may be.",
    UrlFailure.TOO_SLOW: "The host of this URL took too long. Try again, or send the photo as a file.",
    UrlFailure.NOT_FOUND: "There is nothing behind this URL.",
    UrlFailure.BAD_ANSWER: "The host of this URL refused, or failed, to give what lies behind it.",
    UrlFailure.TOO_MANY_REDIRECTS: "This URL leads on to others too often. Give the last one.",
}
