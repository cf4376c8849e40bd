"""Opening a picture within bounds: everything that can be refused is refused before a pixel is decoded."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from typing import NamedTuple

from pi_heif import register_heif_opener
from PIL import Image

from serve.media import libtiff
from serve.media.errors import MediaError
from serve.media.headers import check_header
from serve.media.sniff import FileType, sniff

__all__ = [
    "ACCEPTED",
    "ImageFacts",
    "ImageLimits",
    "decoding",
    "inspect",
    "may_be_picture",
    "open_within",
    "orientation",
]

# Pillow would warn at 89 and raise at 179 million pixels; `ImageLimits` is checked instead, each time, here.
Image.MAX_IMAGE_PIXELS = None

_ORIENTATION_TAG = 0x0112
_TURNED = (5, 6, 7, 8)
_PROBE_SCALE = 8
_DECODERS = {
    FileType.JPEG: "JPEG",
    FileType.PNG: "PNG",
    FileType.WEBP: "WEBP",
    FileType.AVIF: "AVIF",
    FileType.HEIC: "HEIF",
    FileType.TIFF: "TIFF",
    FileType.GIF: "GIF",
}
_TURNED_BY_THEIR_DECODERS = ("HEIF", "TIFF")
_STILL_WITH_SEVERAL = ("MPO", "HEIF")
"""Cameras put more pictures into one file; the first, or the one that the file calls its primary, is the photo."""
ACCEPTED = "JPEG, PNG, WebP, HEIC, AVIF or TIFF"
"""What to send, as every text says it."""

libtiff.silence()
register_heif_opener(thumbnails=False, depth_images=False, aux_images=False)


@dataclass(frozen=True, slots=True)
class ImageLimits:
    """Bounds on a picture, in pixels as they are coded; `max_aspect` is long side over short side."""

    max_pixels: int = 120_000_000
    min_side: int = 64
    max_aspect: float = 4.0


class ImageFacts(NamedTuple):
    """What a picture is; width and height as it is looked at, orientation applied."""

    format: str
    width: int
    height: int


def inspect(data: bytes, limits: ImageLimits) -> ImageFacts:
    """Check a picture whole, at the least cost: the header, then every coded bit, a JPEG at an eighth of its size.

    Raises:
        MediaError: it cannot be used; the code says why.
    """
    image = open_within(data, limits)
    with decoding():
        width, height = image.size
        if orientation(image) in _TURNED:
            width, height = height, width
        image.draft(None, (image.width // _PROBE_SCALE, image.height // _PROBE_SCALE))
        image.load()
    return ImageFacts(sniff(data).value, width, height)


def may_be_picture(head: bytes) -> bool:
    """Whether a file that begins so can be one that `inspect` accepts."""
    return sniff(head) in _DECODERS


def open_within(data: bytes, limits: ImageLimits) -> Image.Image:
    """Open a still picture of a supported type whose header keeps the limits; nothing is decoded yet.

    Raises:
        MediaError: it does not, or is none.
    """
    file_type = _supported_type(data)
    check_header(data, file_type, limits.max_pixels)
    with decoding():
        image = Image.open(BytesIO(data), formats=(_DECODERS[file_type],))
        _check_size(image.width, image.height, limits)
        if image.format not in _STILL_WITH_SEVERAL and getattr(image, "is_animated", False):
            raise MediaError("image_animated", "The picture is animated. Send a still picture.")
    return image


@contextmanager
def decoding() -> Iterator[None]:
    """Whatever a decoder raises on bad bytes becomes a `MediaError`."""
    try:
        yield
    except MediaError:
        raise
    except MemoryError:
        raise MediaError("image_too_large", "The picture is too large to decode. Send a smaller one.") from None
    except Exception as error:
        if "truncated" in str(error).lower():
            raise MediaError("image_truncated", "The picture ends too early. Send the whole file.") from None
        raise MediaError("image_damaged", "The picture is damaged. Save it again and send that.") from None


def orientation(image: Image.Image) -> int:
    """The EXIF orientation, 1 to 8; 1 if there is none, it cannot be read, or the decoder itself turns the picture."""
    if image.format in _TURNED_BY_THEIR_DECODERS:
        return 1
    try:
        value = image.getexif().get(_ORIENTATION_TAG, 1)
    except Exception:
        return 1
    return value if value in range(1, 9) else 1


def _supported_type(data: bytes) -> FileType:
    if not data:
        raise MediaError("image_empty", f"The file is empty. Send a {ACCEPTED} picture.")
    file_type = sniff(data)
    if file_type is FileType.UNKNOWN:
        raise MediaError("not_an_image", f"The file is not a picture. Send a {ACCEPTED} picture.")
    if file_type not in _DECODERS:
        raise MediaError(
            "unsupported_image_type",
            f"{file_type} files are not supported. Convert the picture to {ACCEPTED}.",
        )
    return file_type


def _check_size(width: int, height: int, limits: ImageLimits) -> None:
    if width * height > limits.max_pixels:
        raise MediaError(
            "image_too_large", f"The picture has more than {limits.max_pixels:,} pixels. Send a smaller one."
        )
    if min(width, height) < limits.min_side:
        raise MediaError("image_too_small", f"Each side must have at least {limits.min_side} pixels.")
    if max(width, height) > limits.max_aspect * min(width, height):
        raise MediaError(
            "aspect_out_of_range",
            f"The long side may be at most {limits.max_aspect:g} times the short one. Crop the picture.",
        )
