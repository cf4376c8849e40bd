"""A picture as a third party takes it: encoded anew, within that party's bounds, with nothing in it but pixels."""

from dataclasses import dataclass
from io import BytesIO
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

__all__ = ["Encoded", "PictureBounds", "Unsendable", "encode_within"]

_QUALITIES: Final = (92, 85, 75, 60)


@dataclass(frozen=True, slots=True)
class PictureBounds:
    """What a recipient takes: bytes of the file, pixels of the sides, and how much longer one may be than the other."""

    max_bytes: int
    min_side: int
    max_side: int
    max_aspect: float


@dataclass(frozen=True, slots=True)
class Encoded:
    """A JPEG; ``width`` and ``height`` in pixels."""

    data: bytes
    width: int
    height: int


class Unsendable(ValueError):
    """The picture cannot be brought within the bounds."""


def encode_within(pixels: NDArray[np.uint8], bounds: PictureBounds) -> Encoded:
    """Encode RGB pixels of shape (height, width, 3): smaller or larger if need be, and as finely as the bytes allow.

    Raises:
        Unsendable: its aspect is beyond the bounds, or no quality is small enough.
    """
    height, width = pixels.shape[:2]
    if max(width, height) > bounds.max_aspect * min(width, height):
        raise Unsendable("the picture is too long for its other side")
    image = _scaled(Image.fromarray(pixels), bounds)
    for quality in _QUALITIES:
        stream = BytesIO()
        image.save(stream, "JPEG", quality=quality)
        if stream.tell() <= bounds.max_bytes:
            return Encoded(stream.getvalue(), *image.size)
    raise Unsendable("the picture is too large")


def _scaled(image: Image.Image, bounds: PictureBounds) -> Image.Image:
    shortest, longest = min(image.size), max(image.size)
    factor = max(1.0, bounds.min_side / shortest)
    factor = min(factor, bounds.max_side / longest)
    if factor == 1.0:
        return image
    size = tuple(max(bounds.min_side, round(side * factor)) for side in image.size)
    return image.resize((size[0], size[1]), Image.Resampling.LANCZOS)
