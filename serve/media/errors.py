"""What can be wrong with a picture that somebody sent. Messages name the limit and the way out, never the input."""

from collections.abc import Mapping
from typing import Final, Literal

__all__ = ["REFUSED_FOR", "MediaCode", "MediaError"]

MediaCode = Literal[
    "image_empty",
    "not_an_image",
    "unsupported_image_type",
    "image_animated",
    "image_too_large",
    "image_too_small",
    "aspect_out_of_range",
    "image_truncated",
    "image_damaged",
]

REFUSED_FOR: Final[Mapping[MediaCode, str]] = {
    "image_empty": "The file has no bytes.",
    "not_an_image": "The file begins like no picture.",
    "unsupported_image_type": "It is of a type that is known, and not accepted.",
    "image_animated": "It has more than one frame or page.",
    "image_too_large": "It has more pixels than are accepted; the message says how many are.",
    "image_too_small": "A side is shorter than is accepted; the message says how long it must be.",
    "aspect_out_of_range": "One side is too many times the other; the message says how many times it may be.",
    "image_truncated": "Its end is missing.",
    "image_damaged": "It cannot be read to its end, or is coded as no camera or program usually does it.",
}
"""What each code says, whatever the picture."""


class MediaError(ValueError):
    """A picture cannot be used: `code` is for programs, `message` for its sender."""

    def __init__(self, code: MediaCode, message: str) -> None:
        super().__init__(message)
        self.code: MediaCode = code
        self.message = message
