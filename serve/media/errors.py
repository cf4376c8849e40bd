"""Why a file is refused as a photo. The message names the limit and what to do, and repeats nothing of the file."""

from typing import Final

__all__ = ["MediaError"]

_MESSAGES: Final = {
    "image_empty": "The file is empty. Send a JPEG, PNG, WebP or AVIF photo.",
    "not_an_image": "The file is not a picture that can be read. Send a JPEG, PNG, WebP or AVIF photo.",
    "unsupported_image_type": "Pictures of this type are not read. Send it as JPEG, PNG, WebP or AVIF.",
    "image_truncated": "The picture breaks off before its end. Send the whole file again.",
    "image_animated": "The picture is animated. Send a single still picture.",
    "image_too_large": "The picture has more than {max_pixels} pixels. Make it smaller and send it again.",
    "image_too_small": "Each side of the picture must have at least {min_side} pixels.",
    "aspect_out_of_range": "The longer side may be at most {max_aspect:g} times the shorter. Crop the picture.",
}


class MediaError(ValueError):
    """A file that is refused: a machine-readable ``code``, and a ``message`` for the person who sent it."""

    def __init__(self, code: str, **limits: float) -> None:
        """Refuse with one of the codes above, naming the limit that was passed."""
        self.code = code
        self.message = _MESSAGES[code].format(**limits)
        super().__init__(self.message)
