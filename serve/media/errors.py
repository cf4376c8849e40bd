"""What can be wrong with a picture that somebody sent. Messages name the limit and the way out, never the input."""

from typing import Literal

__all__ = ["MediaCode", "MediaError"]

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


class MediaError(ValueError):
    """A picture cannot be used: `code` is for programs, `message` for its sender."""

    def __init__(self, code: MediaCode, message: str) -> None:
        super().__init__(message)
        self.code: MediaCode = code
        self.message = message
