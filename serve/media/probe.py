"""Decide quickly whether a file is a photo that can be worked on: by its header, then by a coarse decode to its end."""

import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO

from PIL import ExifTags, Image, UnidentifiedImageError

from serve.media.errors import MediaError
from serve.media.sniff import READABLE, sniff

__all__ = ["ImageFacts", "ImageLimits", "inspect", "opened", "reading"]

_TURNED = {5, 6, 7, 8}
_COARSE = 8


@dataclass(frozen=True, slots=True)
class ImageLimits:
    """The bounds of an installation: pixels in all, pixels of the shorter side, longer side by shorter."""

    max_pixels: int
    min_side: int
    max_aspect: float


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """What is known of an acceptable photo; width and height in pixels, once it is turned upright."""

    format: str
    width: int
    height: int


def inspect(data: bytes, limits: ImageLimits) -> ImageFacts:
    """Check a photo without keeping its pixels.

    Raises:
        MediaError: it is no picture of a kind that is read, out of bounds, animated or broken.
    """
    with opened(data, limits) as image:
        width, height = image.size
        if orientation(image) in _TURNED:
            width, height = height, width
        with reading():
            image.draft("RGB", (max(1, image.width // _COARSE), max(1, image.height // _COARSE)))
            image.load()
        return ImageFacts(image.format or "", width, height)


def orientation(image: Image.Image) -> int:
    """The EXIF orientation, 1 to 8; 1 where there is none that can be read."""
    try:
        value = image.getexif().get(ExifTags.Base.Orientation, 1)
    except Exception:
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


@contextmanager
def opened(data: bytes, limits: ImageLimits) -> Iterator[Image.Image]:
    """The picture with its header read and held against the limits; no pixel is decoded yet."""
    if not data:
        raise MediaError("image_empty")
    kind = sniff(data)
    if kind not in READABLE:
        raise MediaError("unsupported_image_type" if kind else "not_an_image")
    with reading("not_an_image"):
        image = Image.open(BytesIO(data), formats=["JPEG" if kind == "MPO" else kind, "MPO"])
    with image:
        _check(image, limits)
        yield image


@contextmanager
def reading(code: str = "image_truncated") -> Iterator[None]:
    """Turn whatever a decoder raises on a broken file into one refusal; its warnings are of no interest."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except MediaError:
        raise
    except (UnidentifiedImageError, Image.DecompressionBombError):
        raise MediaError("not_an_image") from None
    except (OSError, SyntaxError, ValueError, EOFError, struct.error, KeyError, IndexError, TypeError, MemoryError):
        raise MediaError(code) from None
    except (AttributeError, AssertionError, ArithmeticError, RuntimeError, NotImplementedError):
        raise MediaError(code) from None


def _check(image: Image.Image, limits: ImageLimits) -> None:
    short, long = sorted(image.size)
    if short * long > limits.max_pixels:
        raise MediaError("image_too_large", max_pixels=limits.max_pixels)
    if short < limits.min_side:
        raise MediaError("image_too_small", min_side=limits.min_side)
    if long > short * limits.max_aspect:
        raise MediaError("aspect_out_of_range", max_aspect=limits.max_aspect)
    with reading():
        animated = image.format != "MPO" and getattr(image, "n_frames", 1) > 1
    if animated:
        raise MediaError("image_animated")
