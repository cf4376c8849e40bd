"""The bounds on pictures, as the media library takes them."""

from typing import Final

from cluster.settings import Settings
from serve.media.probe import ImageLimits

__all__ = ["LONGEST_SIDE", "image_limits"]

LONGEST_SIDE: Final = 2560
"""Of a photo that is kept, in pixels: a larger one is made smaller."""


def image_limits(settings: Settings) -> ImageLimits:
    """The bounds that this installation sets."""
    images = settings.images
    return ImageLimits(max_pixels=images.max_pixels, min_side=images.min_side, max_aspect=images.max_aspect)
